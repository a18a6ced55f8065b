"""Whatever a setting, its file or a disk holds: exit 2 and the cure, never a traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from typer import Typer
from typer.main import get_command
from typer.testing import CliRunner

from app.bootstrap import build
from app.cli.root import app
from app.ledger.service import Resolution
from app.policy.service import source_of
from app.settings import Settings, SettingsFaults, load_settings, setting_names
from app.settings_files import LARGEST
from app.web.scopes import KeyRate
from sandbox.__main__ import cli as sandbox
from tests.cli.conftest import Steward
from tests.cli.test_start import PASSED_ON, commands
from tests.databases import dsn
from tests.fakes.environment import sandbox_environment

HOSTILE = {
    "a word": "seven",
    "negative": "-1",
    "zero": "0",
    "zero seconds": "0s",
    "huge": "9" * 30,
    "huge digits": "9" * 5_000,
    "beyond a float": "9" * 400,
    "beyond a column": str(2**63),
    "ten years": "3650d",
    "25 days": "25d",
    "ten hours": "10h",
    "huge duration": "999999999d",
    "float overflow": "1e400",
    "NaN": "NaN",
    "infinite": "-Infinity",
    "blank": " ",
    "newline": "a\nb",
    "not UTF-8": b"\xff\xfe\x80".decode("utf-8", "surrogateescape"),
    "half an emoji": "\ud83d",
    "NUL": "a\x00b",
    "other digits": "٣",
    "control": "\x1b[31m",
    "a folder": "/",
    "a device": "/dev/null",
    "beneath a file": "/etc/passwd/x",
    "long": "x" * 100_000,
    "long path": "/" + "x/" * 1_900,
    "JSON": '{"a": [1]}',
    "boolean": "true",
    "port": "127.0.0.1:99999",
    "port of letters": "127.0.0.1:http",
    "dots of an address": "a..b:18099",
    "long label of an address": f"{'x' * 70}:18099",
    "zone of an address": "[fe80::1%\N{PILE OF POO}]:18099",
    "half an address": "http://[::1",
    "port of a URL": "http://example.com:99999",
    "no host": "http://:80",
    "long label": f"http://{'x' * 80}.example.com",
    "dots": "http://a..b",
    "dot in front": "http://.a",
    "full stop of a list": "https://qyapi.weixin.qq.com、/cgi-bin",
    "snowman": "http://☃/cgi-bin",
    "comma of Chinese": "http://a，b.com",
    "brackets of Chinese": "https://qyapi.weixin.qq.com（正式）",
    "dash of a text": "http://a–b.com",
    "quotes of a text": "http://«qyapi».com",
    "wide digits": "http://１２７.0.0.1",
    "no width": "http://x\u200by.com",
    "encoded snowman": "http://xn--n3h/cgi-bin",
    "query": "https://example.com/?a=b",
    "database port": "postgresql://a:b@localhost:99999/x",
    "database bracket": "postgresql://a:b@[::1/x",
    "database NUL": "postgresql://a:%00@localhost/x",
    "database bytes": "postgresql://a:%ff%fe@localhost/x",
    "database parameter": "postgresql://a:b@localhost/x?sslmoed=require",
    "database file": "postgresql://a:b@localhost/x?sslmode=verify-full&sslrootcert=/etc/passwd",
    "database name": f"postgresql://a:b@{'x' * 80}/x",
    "database seconds": "postgresql://a:b@localhost/x?connect_timeout=99999999999",
}

PATHS = {"STEWARD_DATA_DIR", "STEWARD_POLICY_FILE"}
"""Any path is well-formed; what stands there is found when it is used."""

NAMES = [name for name, _ in setting_names()]


class TestEverySetting:
    @pytest.mark.parametrize("name", NAMES)
    async def test_a_hostile_value_is_a_fault_of_its_name_or_can_be_used(self, name: str) -> None:
        environment = sandbox_environment() | {"STEWARD_DATABASE_URL": "postgresql://a:b@localhost/x"}
        accepted: list[Settings] = []
        refused: dict[str, SettingsFaults] = {}
        for kind, value in HOSTILE.items():
            try:
                accepted.append(load_settings(environment | {name: value}))
            except SettingsFaults as error:
                refused[kind] = error
        assert {tuple(fault.partition(":")[0] for fault in each.faults) for each in refused.values()} <= {(name,)}
        assert all(str(each).encode() for each in refused.values()), "every terminal can print it"
        if name not in PATHS:
            for settings in accepted:
                await everything_made_of(settings)

    @pytest.mark.parametrize("name", [name for name, (_, field) in setting_names() if field.is_required()])
    def test_what_is_empty_is_missing(self, name: str) -> None:
        with pytest.raises(SettingsFaults, match="没有填"):
            load_settings(sandbox_environment() | {name: ""})


async def everything_made_of(settings: Settings) -> None:
    """What the entry points derive from the settings before anything is up."""
    assert settings.zone
    for listened in (settings.listen_address, settings.worker_listen_address):
        assert listened is None or (listened[0].encode("idna") and 0 <= listened[1] <= 65_535)
    for address in (settings.public_url, settings.wecom.api_base, settings.wecom.proxy):
        assert address is None or httpx.URL(address).raw_host.decode().encode("idna")
        assert address is None or httpx.URL(address).host, "what the client compares hosts by"
    assert settings.database_url
    KeyRate(settings.api_rate).take(UUID(int=1), at=0.0)
    for name in ("statement", "lock", "idle"):
        wait: timedelta = getattr(settings, f"database_{name}_timeout")
        assert wait / timedelta(milliseconds=1) < 2**31, "what the server counts in"
    assert settings.database_keepalive.total_seconds() < 2**15, "what the system counts in"
    services = build(settings, settings.database_url.get_secret_value())
    now = services.clock.now()
    assert now - settings.callback_window < now < now + settings.sync_interval
    assert now - settings.events_kept < now
    await services.aclose()


class TestTheFile:
    """`.env` and the files of secrets."""

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"STEWARD_TIMEZONE=\xff\xfe\n", "UTF-8"),
            ("STEWARD_TIMEZONE=UTC\n".encode("utf-16"), "UTF-8"),
            (b"STEWARD_TIMEZONE=UTC\n'oops\n", "第 2 行"),
            (b"STEWARD_TIMEZONE=UTC\x00\n", "NUL"),
            (b"#" * (LARGEST + 1), "太大"),
            (b"STEWARD_TIMEZONE\n", None),
        ],
    )
    def test_what_cannot_be_read_is_told(self, tmp_path: Path, content: bytes, told: str | None) -> None:
        (tmp_path / ".env").write_bytes(content)
        if told is None:
            assert load_settings(sandbox_environment(), tmp_path / ".env").timezone == "Asia/Shanghai"
            return
        with pytest.raises(SettingsFaults, match=told):
            load_settings(sandbox_environment(), tmp_path / ".env")

    def test_a_mark_before_the_first_name_hides_no_setting(self, tmp_path: Path) -> None:
        """As Windows' editor writes it."""
        (tmp_path / ".env").write_bytes("STEWARD_TIMEZONE=UTC\n".encode("utf-8-sig"))
        assert load_settings(sandbox_environment(), tmp_path / ".env").timezone == "UTC"

    def test_a_folder_in_its_place_is_told(self, tmp_path: Path) -> None:
        """A container engine makes one where a file to mount is missing."""
        (tmp_path / ".env").mkdir()
        with pytest.raises(SettingsFaults, match="读不到文件"):
            load_settings(sandbox_environment(), tmp_path / ".env")

    def test_a_link_to_itself_is_told(self, tmp_path: Path) -> None:
        (tmp_path / ".env").symlink_to(tmp_path / ".env")
        with pytest.raises(SettingsFaults, match="读不到文件"):
            load_settings(sandbox_environment(), tmp_path / ".env")

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"x" * (LARGEST + 1), b"a\x00b"])
    def test_a_secret_in_a_file(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "secret").write_bytes(content)
        environment = sandbox_environment() | {"STEWARD_WECOM_APP_SECRET_FILE": str(tmp_path / "secret")}
        del environment["STEWARD_WECOM_APP_SECRET"]
        with pytest.raises(SettingsFaults, match="STEWARD_WECOM_APP_SECRET"):
            load_settings(environment)

    @pytest.mark.parametrize("path", ["/", "/dev/zero", "/etc/passwd/x", "\udcff", "a\x00b", "x" * 10_000])
    def test_a_path_that_leads_to_no_secret(self, path: str) -> None:
        environment = sandbox_environment() | {"STEWARD_SECRET_KEY_FILE": path}
        del environment["STEWARD_SECRET_KEY"]
        with pytest.raises(SettingsFaults, match="STEWARD_SECRET_KEY_FILE") as refused:
            load_settings(environment)
        assert len(refused.value.faults) == 1
        assert str(refused.value).encode()

    def test_an_empty_file_of_the_database_does_not_mean_the_embedded_one(self, tmp_path: Path) -> None:
        (tmp_path / "url").touch()
        with pytest.raises(SettingsFaults, match="是空的"):
            load_settings(sandbox_environment() | {"STEWARD_DATABASE_URL_FILE": str(tmp_path / "url")})


ARGUMENTS = {
    ("policy", "check"): ["policy.yaml"],
    ("policy", "diff"): ["policy.yaml"],
    ("policy", "apply"): ["policy.yaml"],
    ("api-key", "create"): ["x", "--scope", "org:read"],
    ("api-key", "act-as"): ["00000000-0000-0000-0000-000000000000", "nobody"],
    ("api-key", "end"): ["00000000-0000-0000-0000-000000000000"],
    ("access", "link"): ["zhangsan"],
    ("access", "grant"): ["zhangsan", "it", "--reason", "x"],
    ("access", "revoke"): ["00000000-0000-0000-0000-000000000000"],
    ("access", "explain"): ["zhangsan"],
    ("callbacks", "show"): ["1"],
    ("callbacks", "replay"): ["1"],
    ("deliveries", "retry"): ["1"],
    ("deliveries", "resolve"): ["00000000-0000-0000-0000-000000000000", "--as", next(iter(Resolution)).value],
    ("quota", "set"): ["message.app.day", "--most", "5"],
    ("quota", "lift"): ["message.app.day"],
    ("quota", "unblock"): ["message/send"],
    ("backup",): ["x.dump"],
    ("restore",): ["policy.yaml"],
}
WITHOUT_SETTINGS = {("demo",), ("policy", "check")}
GROUPS = {command[0] for command in commands() if len(command) > 1}
COMMANDS = sorted(
    command
    for command in set(commands()) - PASSED_ON - WITHOUT_SETTINGS
    if len(command) > 1 or command[0] not in GROUPS
)


class TestEveryCommand:
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_all_faults_at_once_end_it_with_2(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".env").write_bytes(b"STEWARD_LISTEN=\xff\n")
        (tmp_path / "policy.yaml").write_text("x: 1\n", encoding="utf-8")
        hostile = sandbox_environment() | {
            "STEWARD_SYNC_INTERVAL": "999999999d",
            "STEWARD_WORKER_LISTEN": "127.0.0.1:99999",
            "STEWARD_TIMEZONE": b"\xff".decode("utf-8", "surrogateescape"),
        }
        ran = CliRunner().invoke(app, [*command, *ARGUMENTS.get(command, [])], env=hostile)
        assert ran.exit_code == (1 if command == ("doctor",) else 2), ran.output
        for name in ("STEWARD_SYNC_INTERVAL", "STEWARD_WORKER_LISTEN", "STEWARD_TIMEZONE", ".env"):
            assert name in ran.output


class TestThePolicyFile:
    @pytest.mark.parametrize(
        ("command", "content"), [("serve", b"\xff\xfe"), ("worker", b"title: ["), ("serve", b"- 1"), ("worker", None)]
    )
    async def test_a_file_that_is_no_policy(self, steward: Steward, command: str, content: bytes | None) -> None:
        path = steward.folder / "policy.yaml"
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        ran = await steward(command, STEWARD_POLICY_FILE=str(path))
        assert (ran.code, "Traceback" in ran.err) == (2, False), ran.err
        assert "STEWARD_POLICY_FILE" in ran.err

    @pytest.mark.parametrize("command", [("serve",), ("policy", "check", "/dev/zero")], ids=" ".join)
    async def test_a_device_is_not_read_to_its_end(self, steward: Steward, command: tuple[str, ...]) -> None:
        """Half a gigabyte of address space: a read without an end would be a MemoryError."""
        process = await steward.spawn(["prlimit", "--data=500000000"], command, {"STEWARD_POLICY_FILE": "/dev/zero"})
        _, err = await process.communicate()
        assert (process.returncode, b"Traceback" in err) == (2, False), err.decode()
        assert "太大" in err.decode()

    def test_a_file_of_windows_is_the_same_version(self, tmp_path: Path) -> None:
        (tmp_path / "policy.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
        assert source_of(tmp_path / "policy.yaml") == "a: 1\nb: 2\n"

    @pytest.mark.parametrize("command", ["check", "diff", "apply"])
    async def test_an_argument_that_is_no_text(self, steward: Steward, command: str) -> None:
        path = steward.folder / "policy.yaml"
        path.write_bytes(b"title: \xff")
        ran = await steward("policy", command, str(path))
        assert (ran.code, "Traceback" in ran.err) == (2, False), ran.err
        assert "UTF-8" in ran.err


class TestTheFolderOfTheDatabase:
    @pytest.mark.parametrize(
        ("command", "place"),
        [("serve", "/dev/null"), ("migrate", "/proc/nowhere"), ("migrate", "x" * 300), ("doctor", "x" * 300)],
    )
    async def test_a_place_where_there_can_be_none(self, steward: Steward, command: str, place: str) -> None:
        ran = await steward(command, STEWARD_DATABASE_URL="", STEWARD_DATA_DIR=place)
        assert "Traceback" not in ran.out + ran.err
        if command != "doctor":
            assert ran.code == 2, ran.err
            assert "STEWARD_DATA_DIR" in ran.err

    async def test_a_disk_without_room(self, steward: Steward) -> None:
        """No file may grow beyond a megabyte: initdb cannot write its first log."""
        process = await steward.spawn(["prlimit", "--fsize=1000000"], ["migrate"], {"STEWARD_DATABASE_URL": ""})
        out, err = await process.communicate()
        assert (process.returncode, b"Traceback" in out + err) == (2, False), err.decode()
        assert "STEWARD_DATA_DIR" in err.decode()


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("command", "state", "told"),
        [
            (("serve",), "53100", "磁盘满了"),
            (("worker",), "25006", "只读"),
            (("api-key", "list"), "53100", "磁盘满了"),
        ],
    )
    async def test_it_takes_no_writes_at_the_start(
        self, steward: Steward, command: tuple[str, ...], state: str, told: str
    ) -> None:
        connection = await asyncpg.connect(dsn(steward.environment["STEWARD_DATABASE_URL"]))
        await connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON installation EXECUTE FUNCTION full_disk();"
        )
        await connection.close()
        ran = await steward(*command)
        assert (ran.code, "Traceback" in ran.err) == (2, False), ran.err
        assert told in ran.err


class TestTheTerminal:
    async def test_output_that_cannot_be_written(self, steward: Steward) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        process = await steward.spawn([], ["api-key", "list"], {}, stdout=full)
        _, err = await process.communicate()
        os.close(full)
        assert (process.returncode, b"Traceback" in err) == (2, False), err.decode()
        assert "磁盘满了" in err.decode()

    async def test_a_terminal_without_chinese(self, steward: Steward) -> None:
        ran = await steward("api-key", "list", PYTHONIOENCODING="ascii", STEWARD_TIMEZONE="Mars/Olympus")
        assert (ran.code, "Traceback" in ran.err) == (2, False), ran.err

    @pytest.mark.parametrize(
        "command",
        [
            ("callbacks", "replay", "9" * 30),
            ("callbacks", "show", "9" * 30),
            ("callbacks", "show", "9" * 5_000),
            ("deliveries", "retry", "9" * 30),
            ("deliveries", "retry", "--errcode", "9" * 30),
            ("deliveries", "retry", "--errcode", "60011", "--hours", "99999999999"),
            ("deliveries", "retry", "--hours", "nan"),
            ("quota", "set", "message.app.day", "--most", "9" * 30),
            ("quota", "set", "message.app.day", "--most", "9" * 5_000),
            ("quota", "set", "message.app.day", "--most", "1000000001"),
            ("quota", "set", "message.app.day", "--most", "²"),
            ("quota", "set", "message.app.day", "--share", "nan"),
            ("policy", "apply", "policy.yaml", "--effective", "9999-12-31T23:59:59"),
            ("callbacks", "list", "--subject", "\udcff"),
            ("callbacks", "list", "--subject", "a\udce5\udc9b"),
        ],
        ids=lambda command: ascii(" ".join(command))[:60],
    )
    async def test_arguments_beyond_every_column(self, steward: Steward, command: tuple[str, ...]) -> None:
        source = Path(__file__).parents[2] / "app" / "policy" / "default.yaml"
        (steward.folder / "policy.yaml").write_bytes(source.read_bytes())
        ran = await steward(*command)
        assert "Traceback" not in ran.err
        assert "query argument" not in ran.err, "what the driver says to programmers"
        assert ran.code in {1, 2} or command[0] == "policy", ran.out

    @pytest.mark.parametrize("program", [app, sandbox], ids=["steward", "sandbox"])
    def test_every_number_that_a_command_takes_has_bounds(self, program: Typer) -> None:
        numbers = [
            (" ".join(path), parameter.name, parameter.min, parameter.max)
            for path, command in everything_below(get_command(program))
            for parameter in command.params
            if re.search(r"\b(int|float)\b", str(parameter.bare_type()))
        ]
        assert numbers
        assert [number for number in numbers if None in number] == []


def everything_below(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The command, and those inside of it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from everything_below(inner, (*path, name))
