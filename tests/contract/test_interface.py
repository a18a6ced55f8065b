"""Nothing that a caller sends makes a 5xx, and every answer is in the description (F92, F94)."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.contract.conftest import Installation

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 15
CLIENTS = 50


async def test_no_request_of_a_fuzzer_gets_a_5xx_or_an_undocumented_answer(
    installation: Installation, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    known = "\n".join(f'"path.{name}" = "{value}"' for name, value in installation.known.items())
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


class TestFiftyClientsWithOneKey:
    """F94: whoever asks again, or at the same time, gets the one object."""

    @pytest.mark.parametrize("path", ["/tasks", "/requests"])
    async def test_one_object_comes_of_it(self, installation: Installation, path: str) -> None:
        body = _bodies(installation)[path]
        before = await _count(installation, path)
        async with httpx.AsyncClient(
            base_url=f"{installation.url}/api/v1", headers={"Authorization": f"Bearer {installation.key}"}, timeout=60
        ) as client:
            key = {"Idempotency-Key": str(uuid4())}
            answers = await asyncio.gather(*(client.post(path, json=body, headers=key) for _ in range(CLIENTS)))
            later = await client.post(path, json=body, headers=key)

        seen = Counter(answer.status_code for answer in answers)
        assert set(seen) <= {httpx.codes.CREATED, httpx.codes.CONFLICT}, seen
        assert later.status_code == httpx.codes.CREATED
        assert {answer.json()["id"] for answer in answers if answer.status_code == httpx.codes.CREATED} == {
            later.json()["id"]
        }
        refused = [answer.json() for answer in answers if answer.status_code == httpx.codes.CONFLICT]
        assert all("request-in-flight" in problem["type"] for problem in refused)
        assert await _count(installation, path) == before + 1


def _bodies(installation: Installation) -> dict[str, dict[str, object]]:
    userid = installation.known["userid"]
    return {
        "/tasks": {
            "title": "核对名单",
            "acceptance": "名单一致",
            "assigner": userid,
            "owner": userid,
            "due_at": "2099-01-05T10:00:00+08:00",
        },
        "/requests": {
            "kind": "exit",
            "requester": userid,
            "reason": "不再参与",
            "payload": {"group_id": installation.known["group_id"], "person": userid},
        },
    }


async def _count(installation: Installation, path: str) -> int:
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with httpx.AsyncClient(base_url=f"{installation.url}/api/v1", headers=headers, timeout=60) as client:
        return len((await client.get(path, params={"limit": 200})).json()["items"])
