"""The processes of an installation, each killable, each started again by its keeper as a container platform would."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import asyncpg
import httpx

from app.database import migrate
from app.demo.processes import Addresses, end_with_parent, free_port
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError, acquire, url_for
from sandbox.config import SandboxConfig
from tests.databases import dsn
from tests.small_disk import SmallDisk, small_disk

STARTS_WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.1
REST_BEFORE_RESTART_SECONDS = 0.5

# Everything that the story decides by the clock gets room for outages; what it waits for stays short.
_LONGER = {
    "remind_after: 20s": "remind_after: 15m",
    "due_after: 60s": "due_after: 30m",
    "default_deadline: 15s, chase_before: 8s": "default_deadline: 30s, chase_before: 12s",
    "accept_within: 8s": "accept_within: 15m",
}


class FleetBroken(Exception):
    """A process cannot be brought up again."""


def patient_policy(demo: str) -> str:
    """The demo's document with deadlines that outlast a killed process."""
    for short, long in _LONGER.items():
        if short not in demo:
            raise FleetBroken(f"the demo's policy has no {short!r} any more")
        demo = demo.replace(short, long)
    return demo


@dataclass
class Program:
    """One process that is started again whenever it ends."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    kills: int = 0
    freezes: int = 0
    ended_by_itself: int = 0
    _process: asyncio.subprocess.Process | None = None
    _keeper: asyncio.Task[None] | None = None
    _was_killed: bool = False

    async def start(self) -> None:
        await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    def kill(self) -> None:
        """`kill -9`, also of its children."""
        if self._process is None or self._process.returncode is not None:
            return
        self._was_killed = True
        self.kills += 1
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def freeze(self) -> int | None:
        """SIGSTOP, children included. The id for `thaw`; None when it does not run just now."""
        if self._process is None or self._process.returncode is not None:
            return None
        self.freezes += 1
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGSTOP)
        return self._process.pid

    @staticmethod
    def thaw(frozen: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(frozen, signal.SIGCONT)

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _launch(self) -> None:
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent,  # one system call
            )

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            if not self._was_killed:
                self.ended_by_itself += 1
            self._was_killed = False
            await asyncio.sleep(REST_BEFORE_RESTART_SECONDS)
            await self._launch()


class Database:
    """An embedded server that can be killed, whole or one of its backends. Its disk is small where `small_disk` can
    make one (`tests/small_disk.py`).
    """

    def __init__(self, data_dir: Path, disk: SmallDisk | None) -> None:
        self._data_dir = data_dir
        self.disk = disk
        self._use: EmbeddedPostgres = acquire(data_dir)
        self._name = f"soak_{secrets.token_hex(4)}"
        self.url = url_for(self._use, self._name)
        self.kills = 0
        self.cuts = 0
        self._starting = asyncio.Lock()

    async def create(self) -> None:
        connection = await asyncpg.connect(dsn(self._use.url))
        try:
            await connection.execute(f'CREATE DATABASE "{self._name}"')
        finally:
            await connection.close()
        await asyncio.to_thread(migrate, self.url)

    async def kill(self) -> None:
        """`kill -9` of the server, and its start again: what was committed is there, nothing else is."""
        self.kills += 1
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self._postmaster(), signal.SIGKILL)
        await asyncio.sleep(REST_BEFORE_RESTART_SECONDS)
        await self.start_again()

    async def start_again(self) -> None:
        """As a supervisor does, as often as it takes: a server whose disk is full does not start."""
        async with self._starting:
            while True:
                with contextlib.suppress(EmbeddedPostgresError, OSError):
                    former, self._use = self._use, await asyncio.to_thread(acquire, self._data_dir)
                    former.release()
                    return
                await asyncio.sleep(REST_BEFORE_RESTART_SECONDS)

    async def fill_disk(self) -> bool:
        """Not a byte is left. False where the disk is not ours to fill."""
        if self.disk is None:
            return False
        await asyncio.to_thread(self.disk.fill)
        return True

    async def free_disk(self) -> None:
        """There is room again; the server is started again if it ended for want of it."""
        if self.disk is not None:
            self.disk.free()
            await self.start_again()

    async def kill_backend(self) -> None:
        """`kill -9` of one backend: the server ends every connection and recovers by itself."""
        self.kills += 1
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            connection = await asyncpg.connect(dsn(self.url), timeout=5)
            pid = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " ORDER BY random() LIMIT 1"
            )
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            connection.terminate()

    async def cut_connections(self) -> None:
        """End every connection at once, as a firewall or a failover does."""
        self.cuts += 1
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            connection = await asyncpg.connect(dsn(self.url), timeout=5)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.terminate()

    def close(self) -> None:
        self._use.release()

    def _postmaster(self) -> int:
        return int((self._data_dir / "pg" / "cluster" / "postmaster.pid").read_text().split()[0])


@dataclass
class Fleet:
    database: Database
    sandbox: Program
    serve: Program
    workers: list[Program]
    addresses: Addresses
    environment: dict[str, str] = field(repr=False)
    logs: Path

    @property
    def programs(self) -> tuple[Program, ...]:
        return (self.serve, *self.workers)


def short_folder() -> Path:
    """A new temporary folder with a short name: the database's socket lies in it, and its path may not be long."""
    return Path(tempfile.mkdtemp(prefix="steward-"))


@asynccontextmanager
async def fleet(
    folder: Path, *, people: int, workers: int = 1, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Fleet]:
    """Database, sandbox, one `serve`, the workers, ready for the story; all gone afterwards. `settings` (`STEWARD_…`)
    take the place of those that a fleet has otherwise.
    """
    with small_disk(folder / "pg") as disk:
        database = await asyncio.to_thread(Database, folder, disk)
        async with _at_work(folder, database, people, workers, settings) as built:
            yield built


@asynccontextmanager
async def _at_work(
    folder: Path, database: Database, people: int, workers: int, settings: Mapping[str, str]
) -> AsyncIterator[Fleet]:
    try:
        await database.create()
        built = await _build(folder, database, people, workers, settings)
        started: list[Program] = []
        try:
            for program, url in (
                (built.sandbox, f"{built.addresses.sandbox}/sandbox/openapi.json"),
                (built.serve, f"{built.addresses.service}/readyz"),
                *((worker, "") for worker in built.workers),
            ):
                await program.start()
                started.append(program)
                if url:
                    await _wait_for(url, program)
            yield built
        finally:
            await asyncio.gather(*(program.stop() for program in started))
    finally:
        await asyncio.to_thread(database.close)


async def _build(folder: Path, database: Database, people: int, workers: int, settings: Mapping[str, str]) -> Fleet:
    sandbox_port, service_port = free_port(0), free_port(0)
    policy = folder / "policy.yaml"
    demo = Path(__file__).parents[1] / "app" / "policy" / "demo.yaml"
    policy.write_text(patient_policy(demo.read_text("utf-8")), encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
    service, platform = f"http://127.0.0.1:{service_port}", f"http://127.0.0.1:{sandbox_port}"
    api_key = secrets.token_urlsafe(32)
    environment = clean | {
        **_credentials(SandboxConfig()),
        "STEWARD_WECOM_API_BASE": f"{platform}/cgi-bin",
        "STEWARD_WECOM_AUTHORIZE_URL": f"{platform}/connect/oauth2/authorize",
        "STEWARD_WECOM_LOGIN_URL": f"{platform}/wwlogin/sso/login",
        "STEWARD_DATABASE_URL": database.url,
        "STEWARD_LISTEN": f"127.0.0.1:{service_port}",
        "STEWARD_PUBLIC_URL": service,
        "STEWARD_SECRET_KEY": secrets.token_urlsafe(48),
        "STEWARD_BOOTSTRAP_API_KEY": api_key,
        "STEWARD_POLICY_FILE": str(policy),
        "STEWARD_LOG_FORMAT": "json",
        # Shorter than most freezes: whoever stands still in a transaction loses it within the round.
        "STEWARD_DATABASE_IDLE_TIMEOUT": "4s",
        "STEWARD_DATABASE_LOCK_TIMEOUT": "12s",
        **settings,
    }

    def program(name: str, *command: str) -> Program:
        # The server shows who holds what by the name of the connection.
        named = environment | {"STEWARD_DATABASE_URL": f"{database.url}&application_name={name}"}
        return Program(name, [sys.executable, *command], named, folder / f"{name}.log")

    return Fleet(
        database=database,
        sandbox=program("sandbox", "-m", "sandbox", "--listen", f"127.0.0.1:{sandbox_port}", "--people", str(people)),
        serve=program("serve", "-m", "app.cli", "serve"),
        workers=[program(f"worker-{number + 1}", "-m", "app.cli", "worker") for number in range(workers)],
        addresses=Addresses(service, platform, api_key),
        environment=environment,
        logs=folder,
    )


def _credentials(sandbox: SandboxConfig) -> dict[str, str]:
    return {
        "STEWARD_WECOM_CORP_ID": sandbox.corp_id,
        "STEWARD_WECOM_AGENT_ID": str(sandbox.agent_id),
        "STEWARD_WECOM_APP_SECRET": sandbox.app_secret,
        "STEWARD_WECOM_APP_TOKEN": sandbox.app_token,
        "STEWARD_WECOM_APP_AES_KEY": sandbox.app_aes_key,
        "STEWARD_WECOM_CONTACTS_SECRET": sandbox.contacts_secret,
        "STEWARD_WECOM_CONTACTS_TOKEN": sandbox.contacts_token,
        "STEWARD_WECOM_CONTACTS_AES_KEY": sandbox.contacts_aes_key,
    }


async def _wait_for(url: str, program: Program) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    async with httpx.AsyncClient(timeout=5) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    tail = "\n".join(program.log.read_text("utf-8", errors="replace").splitlines()[-20:])
    raise FleetBroken(f"{program.name} did not start; the end of {program.log}:\n{tail}")
