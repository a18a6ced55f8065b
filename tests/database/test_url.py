"""libpq's parameters mean the same whoever connects; what nobody would keep ends the start with a sentence."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from app.clock import SystemClock
from app.database import Patience, async_url, create_engine, create_writer
from app.database_url import FaultyUrl, check_url, read_url
from app.doctor.context import open_context
from app.doctor.examination import CHECKS
from app.doctor.findings import Finding, State
from app.jobs.runner import connections
from app.pooler import Pooling, find_pooling
from app.settings import load_settings
from tests.cli.conftest import Steward, bare, steward
from tests.database.conftest import TlsServer
from tests.fakes.certificates import Authority
from tests.fakes.environment import sandbox_environment

__all__ = ["bare", "steward"]

IMPATIENT = Patience(lock=timedelta(seconds=42))
USED = text(
    "SELECT ssl, application_name FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid=pg_backend_pid()"
)


class TestFaults:
    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("sslmoed=require", "不认识参数 sslmoed"),
            ("ssl=require", "sslmode=require"),
            ("target_session_attrs=read-write", "不认识参数"),
            ("options=-csearch_path%3Dx", "不认识参数"),
            ("sslmode=yes", "sslmode must be one of"),
            ("sslmode=verify-full", "needs sslrootcert"),
            ("sslmode=verify-full&sslrootcert=/nowhere/ca.crt", "读不到文件 /nowhere/ca.crt"),
            ("sslmode=verify-full&sslrootcert=/", "读不到文件 /"),
            ("sslrootcert=/etc/passwd", "不是可用的 PEM"),
            ("sslcert=/etc/passwd", "belong together"),
            ("sslcert=/etc/passwd&sslkey=/etc/passwd", "不是可用的 PEM"),
            ("connect_timeout=0", "connect_timeout"),
            ("connect_timeout=9999999999999", "connect_timeout"),
            ("application_name=" + "x" * 64, "application_name"),
            ("application_name=%E5%90%8D", "application_name"),
            ("host=a,b", "one host"),
            ("port=0", "port"),
        ],
    )
    def test_it_is_told_without_the_password(self, query: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/nonexistent")
        with pytest.raises(FaultyUrl, match=re.escape(told)) as refused:
            check_url(f"postgresql://steward:hunter2secret@db.example.com/steward?{query}")
        assert "hunter2secret" not in str(refused.value)

    async def test_it_is_exit_2(self, steward: Steward) -> None:
        ran = await steward("migrate", STEWARD_DATABASE_URL="postgresql://a:b@127.0.0.1:9/x?sslmoed=require")
        assert ran.code == 2
        assert "sslmoed" in ran.err


class TestWhoeverConnects:
    """The engine, the writer, asyncpg alone and PostgreSQL's own programs read the same."""

    def test_programs_get_everything_but_the_password(self) -> None:
        query = "sslmode=require&sslrootcert=/x%20y&sslcert=/c&sslkey=/k&connect_timeout=9&application_name=hr"
        url, password = read_url(f"postgresql+asyncpg://steward:p%40ss@db/steward?{query}").for_programs()
        assert password == "p@ss"
        assert "p%40ss" not in url
        assert url.startswith("postgresql://steward@db/steward?")
        for part in query.replace("/", "%2F").split("&"):
            assert part in url.replace("=/", "=%2F"), url

    async def test_name_and_patience_reach_all_of_them(self, database: str) -> None:
        url = f"{database}&application_name=hr%20portal&connect_timeout=9"
        for engine in (create_engine(async_url(url)), create_writer(async_url(url))):
            async with engine.connect() as connection:
                assert (await connection.execute(text("SHOW application_name"))).scalar_one() == "hr portal"
            await engine.dispose()
        arguments = read_url(url).arguments("inbox")
        assert arguments["timeout"] == 9
        connection = await asyncpg.connect(**arguments)
        assert await connection.fetchval("SHOW application_name") == "hr portal inbox"
        await connection.close()


class TestTls:
    """Against a real server with certificates of the test's own."""

    @pytest.mark.parametrize(
        ("mode", "is_encrypted"),
        [("disable", False), ("allow", False), ("prefer", True), ("require", True), ("verify-ca", True)],
    )
    async def test_each_mode_is_what_it_says(self, tls_server: TlsServer, mode: str, is_encrypted: bool) -> None:
        url = tls_server.url(sslmode=mode, sslrootcert=tls_server.authority.root)
        assert await self.seen(url) == (is_encrypted, "steward")

    async def test_the_name_is_verified_in_full_mode_alone(self, tls_server: TlsServer) -> None:
        root = tls_server.authority.root
        assert (await self.seen(tls_server.url(sslmode="verify-full", sslrootcert=root)))[0]
        assert (await self.seen(tls_server.url(host="127.0.0.1", sslmode="verify-ca", sslrootcert=root)))[0]
        with pytest.raises(OSError, match=re.escape("certificate is not valid for '127.0.0.1'")):
            await self.seen(tls_server.url(host="127.0.0.1", sslmode="verify-full", sslrootcert=root))

    async def test_another_authority_is_refused(self, tls_server: TlsServer) -> None:
        other = Authority(tls_server.folder, "other").root
        with pytest.raises(OSError, match="certificate verify failed"):
            await self.seen(tls_server.url(sslmode="verify-full", sslrootcert=other))

    async def test_a_certificate_of_ours_is_shown(self, tls_server: TlsServer) -> None:
        certificate, key = tls_server.authority.certificate("bycert")
        files: dict[str, Any] = {"sslrootcert": tls_server.authority.root, "sslcert": certificate, "sslkey": key}
        url = tls_server.url(user="bycert", sslmode="verify-full", **files)
        assert check_url(url) == url
        assert (await self.seen(url))[0]

    async def test_the_command_migrates_saves_and_restores_through_it(
        self, tls_server: TlsServer, bare: Steward
    ) -> None:
        url = tls_server.url(sslmode="verify-full", sslrootcert=tls_server.authority.root)
        bare.environment = sandbox_environment() | {"STEWARD_DATABASE_URL": url}
        migrated = await bare("migrate")
        assert migrated.code == 0, migrated.err
        file = bare.folder / "steward.dump"
        saved = await bare("backup", str(file))
        assert saved.code == 0, saved.err
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, "personal data, for our eyes only"
        wrong = Authority(tls_server.folder, "wrong").root
        refused = await bare("backup", "x", STEWARD_DATABASE_URL=tls_server.url(sslmode="verify-ca", sslrootcert=wrong))
        assert refused.code == 1
        assert "certificate verify failed" in refused.err

    @pytest.mark.parametrize(
        ("mode", "state", "says"),
        [
            ("disable", State.OK, "没有加密"),
            ("require", State.WARNING, "没有核对服务器的证书"),
            ("verify-ca", State.WARNING, "没有核对主机名"),
            ("verify-full", State.OK, "核对了证书和主机名"),
        ],
    )
    async def test_the_doctor_says_what_the_line_is(
        self, tls_server: TlsServer, mode: str, state: State, says: str
    ) -> None:
        """`localhost` needs no encryption; whoever asks for some is told what it is worth."""
        given: dict[str, Any] = {"sslrootcert": tls_server.authority.root} if mode.startswith("verify") else {}
        finding = await examined(tls_server.url(sslmode=mode, **given))
        assert (finding.state, says in finding.says) == (state, True), finding

    async def seen(self, url: str) -> tuple[bool, str]:
        """Through the engine and through asyncpg alone, which must agree."""
        engine = create_engine(async_url(url))
        try:
            async with engine.connect() as connection:
                row = tuple((await connection.execute(USED)).one())
        finally:
            await engine.dispose()
        alone = await asyncpg.connect(**read_url(url).arguments())
        assert tuple(await alone.fetchrow(USED.text)) == row
        await alone.close()
        return bool(row[0]), str(row[1])


class TestPoolers:
    """D4: LISTEN, session locks and prepared statements need a server of our own."""

    @pytest.mark.parametrize("size", [20, 1])
    @pytest.mark.parametrize(
        ("mode", "pooling"),
        [("transaction", Pooling.TRANSACTION), ("statement", Pooling.TRANSACTION), ("session", Pooling.SESSION)],
    )
    async def test_a_pool_is_told_by_what_it_does(
        self, database: str, pgbouncer: Callable[..., str], mode: str, pooling: Pooling, size: int
    ) -> None:
        assert await find_pooling(await reached(pgbouncer(database, mode, size))) is pooling

    async def test_the_server_itself_is_none(self, database: str) -> None:
        assert await find_pooling(database) is Pooling.NONE

    async def test_time_outs_hold_through_a_pool_that_knows_none_of_them(
        self, database: str, pgbouncer: Callable[..., str]
    ) -> None:
        """PgBouncer's own configuration, without `ignore_startup_parameters`."""
        url = await reached(pgbouncer(database, "session"))
        for engine in (
            create_engine(async_url(url), patience=IMPATIENT),
            create_writer(async_url(url), patience=IMPATIENT),
        ):
            async with engine.connect() as connection:
                assert (await connection.execute(text("SHOW lock_timeout"))).scalar_one() == "42s"
            await engine.dispose()
        async with connections(read_url(url), IMPATIENT) as pool:
            for _ in range(2):
                assert await pool.fetchval("SHOW lock_timeout") == "42s", "a reset must not forget it"

    async def test_transaction_pooling_ends_the_start_with_2(
        self, steward: Steward, database: str, pgbouncer: Callable[..., str]
    ) -> None:
        url = await reached(pgbouncer(database, "transaction"))
        for command in (("serve",), ("migrate",)):
            ran = await steward(*command, STEWARD_DATABASE_URL=url)
            assert (ran.code, "Traceback" in ran.err) == (2, False), ran.err
            assert "PgBouncer" in ran.err
            assert "pool_mode=session" in ran.err
        assert (await examined(url)).state is State.FAILED

    async def test_session_pooling_works_and_is_told(
        self, steward: Steward, database: str, pgbouncer: Callable[..., str]
    ) -> None:
        url = await reached(pgbouncer(database, "session"))
        assert (await steward("api-key", "list", STEWARD_DATABASE_URL=url)).code == 0
        finding = await examined(url)
        assert finding.state is State.OK
        assert "连接池" in finding.says


async def examined(url: str) -> Finding:
    """What the doctor finds of this database."""
    settings = load_settings(sandbox_environment() | {"STEWARD_DATABASE_URL": url})
    (check,) = (check for check in CHECKS if check.name == "database")
    async with open_context(settings, url, clock=SystemClock()) as context:
        return await check.examine(context)


async def reached(url: str) -> str:
    """The URL, as soon as somebody listens there."""
    for _ in range(100):
        try:
            connection = await asyncpg.connect(**read_url(url).arguments(), statement_cache_size=0)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            connection.terminate()
            return url
    raise AssertionError("PgBouncer did not start")
