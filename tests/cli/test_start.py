"""What is wrong is told before anything starts, in sentences, with an exit code that a script can use."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from app.cli.root import app
from tests.cli.conftest import LONGEST, Steward

PASSED_ON = {("sandbox",)}
"""Replaces the process by the sandbox's own program."""


def commands() -> Iterator[tuple[str, ...]]:
    for command in app.registered_commands:
        assert command.name
        yield (command.name,)
    for group in app.registered_groups:
        assert group.name
        assert group.typer_instance
        yield (group.name,)
        for command in group.typer_instance.registered_commands:
            assert command.callback
            yield (group.name, command.name or command.callback.__name__)


class TestHelp:
    """Each command says what it does, in Chinese."""

    @pytest.mark.parametrize("command", [(), *(sorted(set(commands()) - PASSED_ON))], ids=" ".join)
    def test_every_command_has_a_help(self, command: tuple[str, ...]) -> None:
        result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
        assert result.exit_code == 0
        assert any("\u4e00" <= character <= "\u9fff" for character in result.stdout)

    async def test_the_sandbox_has_its_own(self, bare: Steward) -> None:
        ran = await bare("sandbox", "--help")
        assert ran.code == 0
        assert "--app-callback" in ran.out

    async def test_it_says_its_version(self, bare: Steward) -> None:
        assert (await bare("--version")).out.strip() == f"wecom-steward {version('wecom-steward')}"

    async def test_a_command_that_is_not_there(self, bare: Steward) -> None:
        assert (await bare("fly")).code == 2


class TestConfiguration:
    """Exit 2: the configuration has faults, all of them at once."""

    @pytest.mark.parametrize("command", ["run", "worker", "migrate", "sync"])
    async def test_nothing_configured(self, bare: Steward, command: str) -> None:
        ran = await bare(command)
        assert ran.code == 2
        assert "9 处" in ran.err
        for name in ("STEWARD_SECRET_KEY", "STEWARD_WECOM_CORP_ID", "STEWARD_WECOM_CONTACTS_AES_KEY"):
            assert name in ran.err
        assert "企业微信管理后台 → 我的企业 → 企业信息 → 企业ID" in ran.err

    async def test_a_name_that_is_not_there_is_refused_in_the_file_too(self, steward: Steward) -> None:
        (steward.folder / ".env").write_text("STEWARD_LISTN=127.0.0.1:1\n", encoding="utf-8")
        ran = await steward("api-key", "list")
        assert ran.code == 2
        assert "STEWARD_LISTEN" in ran.err, "what was meant is suggested"

    async def test_no_secret_is_repeated(self, steward: Steward) -> None:
        ran = await steward("run", STEWARD_WECOM_APP_AES_KEY="too-short-but-secret")
        assert ran.code == 2
        assert "STEWARD_WECOM_APP_AES_KEY" in ran.err
        assert "too-short-but-secret" not in ran.err


class TestDatabase:
    async def test_a_database_without_our_tables_is_exit_3_and_names_the_command(self, unmigrated: Steward) -> None:
        """D8: `run` migrates the embedded database only."""
        for command in ("run", "worker"):
            ran = await unmigrated(command)
            assert ran.code == 3
            assert "steward migrate" in ran.err

        assert (await unmigrated("migrate")).code == 0
        assert (await unmigrated("api-key", "list")).code == 0

    async def test_a_database_that_is_away_is_exit_1_with_a_sentence(self, steward: Steward) -> None:
        for command in (("api-key", "list"), ("migrate",)):
            ran = await steward(*command, STEWARD_DATABASE_URL="postgresql://nobody:x@127.0.0.1:9/nothing")
            assert ran.code == 1
            assert "连不上数据库" in ran.err
            assert "Traceback" not in ran.err

    async def test_a_database_that_is_not_there_is_exit_1_with_a_sentence(self, steward: Steward) -> None:
        url = make_url(steward.environment["STEWARD_DATABASE_URL"]).set(database="nowhere")
        ran = await steward("api-key", "list", STEWARD_DATABASE_URL=url.render_as_string(hide_password=False))
        assert ran.code == 1
        assert "nowhere" in ran.err
        assert "Traceback" not in ran.err

    async def test_the_url_may_be_written_without_the_driver(self, steward: Steward) -> None:
        """As PostgreSQL's own tools write it: postgresql://…"""
        url = make_url(steward.environment["STEWARD_DATABASE_URL"]).set(drivername="postgresql")
        ran = await steward("api-key", "list", STEWARD_DATABASE_URL=url.render_as_string(hide_password=False))
        assert ran.code == 0

    async def test_the_database_of_another_corp_is_exit_2(self, steward: Steward) -> None:
        """D17: one corp per database."""
        assert (await steward("api-key", "list")).code == 0
        ran = await steward("api-key", "list", STEWARD_WECOM_CORP_ID="wwanother0000000002")
        assert ran.code == 2
        assert "wwsandbox0000000001" in ran.err
        assert "wwanother0000000002" in ran.err

    async def test_another_secret_key_is_exit_2(self, steward: Steward) -> None:
        assert (await steward("api-key", "list")).code == 0
        ran = await steward("api-key", "list", STEWARD_SECRET_KEY="another-secret-key-of-forty-characters-or-so")
        assert ran.code == 2
        assert "STEWARD_SECRET_KEY" in ran.err


class TestTheEnd:
    """F108: SIGTERM finishes what is under way; being told to end is no failure."""

    @pytest.mark.parametrize(
        ("command", "up"), [("serve", "startup complete"), ("worker", "worker.started"), ("run", "worker.started")]
    )
    async def test_told_to_end_it_ends_with_0(self, steward: Steward, command: str, up: str) -> None:
        process = await steward.start(
            command, STEWARD_LISTEN=f"127.0.0.1:{free_port()}", STEWARD_WECOM_API_BASE="http://127.0.0.1:9/cgi-bin"
        )
        assert process.stderr
        async with asyncio.timeout(LONGEST):
            while up not in (line := await process.stderr.readline()).decode():
                assert line, "it ended before it was up"
            process.send_signal(signal.SIGTERM)
            await process.communicate()
        assert process.returncode == 0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_the_tree_is_the_documented_one() -> None:
    """Other people's scripts depend on these names."""
    assert isinstance(app, typer.Typer)
    assert {
        ("demo",),
        ("run",),
        ("serve",),
        ("worker",),
        ("migrate",),
        ("sync",),
        ("sandbox",),
        ("policy", "check"),
        ("policy", "diff"),
        ("policy", "apply"),
        ("api-key", "create"),
        ("callbacks", "replay"),
        ("deliveries", "retry"),
    } <= set(commands())
