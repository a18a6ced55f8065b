"""Nothing that a caller sends makes a 5xx, and every answer is in the description (F92)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.contract.conftest import Installation

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 6


async def test_no_request_of_a_fuzzer_gets_a_5xx_or_an_undocumented_answer(
    installation: Installation, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    known = "\n".join(f'"path.{name}" = "{value}"' for name, value in installation.known.items())
    # It would wait for events in the feed, which nobody makes here, longer than a fuzzer waits for an answer.
    known += '\n"query.wait" = 0'
    config.write_text(
        f'[headers]\nAuthorization = "Bearer {installation.key}"\n\n[parameters]\n{known}\n', encoding="utf-8"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "--no-color"),
        *("run", f"{installation.url}/openapi.json", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(EXAMPLES), "--seed", "1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    output, _ = await process.communicate()
    report = output.decode(errors="replace")
    assert "Test cases:" in report, report[-3000:]
    assert process.returncode == 0, report[-8000:]
