import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from sandbox.__main__ import cli
from sandbox.config import SandboxConfig


@contextmanager
def running(*options: str) -> Iterator[dict[str, str]]:
    """`python -m sandbox` on a free port; the environment lines it prints."""
    command = [sys.executable, "-m", "sandbox", "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _environment(process)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _environment(process: "subprocess.Popen[str]") -> dict[str, str]:
    lines: dict[str, str] = {}
    assert process.stdout is not None
    while "STEWARD_WECOM_CONTACTS_AES_KEY" not in lines:
        line = process.stdout.readline()
        assert line, "the program ended before it was ready"
        if not line.startswith("#"):
            name, _, value = line.strip().partition("=")
            lines[name] = value
    return lines


class TestProgram:
    def test_prints_what_a_service_needs_and_answers_there(self, tmp_path: Path) -> None:
        settings = tmp_path / "sandbox.json"
        settings.write_text(json.dumps({"corp_id": "wwfromfile", "departments": 30}), encoding="utf-8")
        with running("--people", "60", "--config", str(settings)) as env:
            assert env["STEWARD_WECOM_CORP_ID"] == "wwfromfile"
            assert env["STEWARD_WECOM_AGENT_ID"] == "1000002"
            assert len(env["STEWARD_WECOM_APP_AES_KEY"]) == 43
            query = {"corpid": "wwfromfile", "corpsecret": env["STEWARD_WECOM_APP_SECRET"]}
            base = env["STEWARD_WECOM_API_BASE"]
            transport = httpx.HTTPTransport(retries=20)
            with httpx.Client(transport=transport, timeout=60) as http:
                token = http.get(f"{base}/gettoken", params=query).json()["access_token"]
                answer = http.get(f"{base}/department/simplelist", params={"access_token": token}).json()
            assert len(answer["department_id"]) == 31

    def test_a_misspelt_setting_is_refused(self) -> None:
        with pytest.raises(ValueError, match="poeple"):
            SandboxConfig.model_validate({"poeple": 3})

    def test_what_cannot_be_is_one_sentence_and_no_traceback(self, tmp_path: Path) -> None:
        settings = tmp_path / "sandbox.json"
        settings.write_text('{"poeple": 3}', encoding="utf-8")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            for options, said in (
                (["--config", str(settings)], "poeple"),
                (["--config", str(tmp_path / "none.json")], "No such file"),
                (["--people", "5"], "greater than or equal to 10"),
                (["--listen", f"127.0.0.1:{taken.getsockname()[1]}"], "Address already in use"),
            ):
                result = CliRunner().invoke(cli, options)
                assert result.exit_code == 2
                assert said in " ".join(result.output.replace("│", " ").split())

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "larger than"),
            (b" " * 300_000, "larger than"),
            (b"[" * 100_000, "nested too deep"),
            (b"[1]", "not an object"),
            (b"{\xff", "utf-8"),
            (b'{"seed": ' + b"9" * 5_000 + b"}", "digits"),
        ],
    )
    def test_a_config_that_is_none(self, tmp_path: Path, content: bytes | None, said: str) -> None:
        settings = Path("/dev/zero") if content is None else tmp_path / "sandbox.json"
        if content is not None:
            settings.write_bytes(content)
        result = CliRunner().invoke(cli, ["--config", str(settings)])
        assert (result.exit_code, type(result.exception)) == (2, SystemExit)
        assert said in " ".join(result.output.replace("│", " ").split())

    def test_help(self) -> None:
        shown = subprocess.run([sys.executable, "-m", "sandbox", "--help"], capture_output=True, text=True, check=True)
        assert "--people" in shown.stdout
