"""The processes of a bench on a database of their own. They end with it."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from app.database import migrate
from app.demo.processes import free_port
from app.embedded import running_async
from app.limits.catalogue import COUNTERS, LIMITS, Kept, Limit
from sandbox.config import SandboxConfig

STARTS_WITHIN_SECONDS = 120
LOOKS_EVERY_SECONDS = 0.02
PR_SET_PDEATHSIG = 1
API_KEY = "bench-key-with-every-scope-0123456789"
ENTRY = {"serve": ["app.cli", "serve"], "worker": ["app.cli", "worker"]}


LIFT_LIMITS = """
INSERT INTO limit_settings (key, lifted_until, updated_at)
SELECT key, now() + interval '1 day', now() FROM unnest($1::text[]) AS given (key)
"""


class Failed(Exception):
    """Something did not start, or did not do what it was asked: there is no figure then."""


Say = Callable[[str], None]


@dataclass
class Process:
    """A process under way, with its log."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    base: str = ""
    """Its address, where it has one."""

    @property
    def peak_bytes(self) -> int:
        """The most memory it ever had resident (VmHWM)."""
        for line in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise Failed(f"{self.name}: the kernel tells no peak memory")

    @property
    def cpu_seconds(self) -> float:
        """What it has used of the processors so far."""
        return cpu_seconds(self.popen.pid)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

    def end(self) -> None:
        """At once: its database is dropped next, so that there is nothing to bring to a good end."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


@dataclass
class Stage:
    """`async with Stage(folder, scale=…)`: a PostgreSQL, and whatever a row starts beside it."""

    folder: Path
    """Where the bench's own PostgreSQL lives, unless a server is given."""
    server_url: str = ""
    scale: float = 1.0
    most_rounds: int | None = None
    """Fewer rounds than a row would take: for a look, not for a figure."""
    say: Say = field(default=lambda _text: None)
    _exits: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _logs: Path = field(default=Path(), init=False)
    _is_ours: bool = field(default=False, init=False)

    async def __aenter__(self) -> Self:
        if not self.server_url:
            server = await self._exits.enter_async_context(running_async(self.folder))
            self.server_url, self._is_ours = server.url, True
            await self._drop_left_behind()
        self._logs = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="steward-bench-")))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.__aexit__(kind, error, trace)

    def scaled(self, number: int, *, least: int = 1) -> int:
        return max(least, round(number * self.scale))

    def rounds(self, number: int) -> range:
        return range(min(number, self.most_rounds or number))

    # ------------------------------------------------------------------ databases

    async def database(self) -> str:
        """The URL of a new, migrated database, dropped at the end."""
        name = f"bench_{secrets.token_hex(4)}"
        await self._on_server(f'CREATE DATABASE "{name}"')
        url = make_url(self.server_url).set(database=name).render_as_string(hide_password=False)
        await asyncio.to_thread(migrate, url)
        async with connection(url) as sql:
            # The sandbox has no limits now, and what is measured is not how well we keep them.
            await sql.execute(LIFT_LIMITS, [key for key, limit in LIMITS.items() if is_kept(limit)])
        self._exits.push_async_callback(self._on_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return url

    async def server_version(self) -> str:
        async with connection(self.server_url) as sql:
            return str(await sql.fetchval("SHOW server_version"))

    async def server_cpu_seconds(self) -> float:
        """What the sessions of the server have used of this machine's processors; 0 for a server on another."""
        async with connection(self.server_url) as sql:
            pids = [row["pid"] for row in await sql.fetch("SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL")]
        return sum(cpu_seconds(pid) for pid in pids if self._is_ours)

    async def _on_server(self, statement: str) -> None:
        async with connection(self.server_url) as sql:
            await sql.execute(statement)

    async def _drop_left_behind(self) -> None:
        """What a killed bench has left."""
        async with connection(self.server_url) as sql:
            for row in await sql.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'bench\\_%'"):
                with suppress(asyncpg.PostgresError):
                    await sql.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}"')

    # ------------------------------------------------------------------ processes

    async def sandbox(self, people: int, departments: int | None = None) -> Process:
        """The platform's stand-in, without its limits."""
        config = SandboxConfig(people=people, departments=departments, limits=False)
        path = self._logs / f"sandbox-{secrets.token_hex(4)}.json"
        path.write_text(config.model_dump_json(), encoding="utf-8")
        port = free_port(0)
        process = self.start("sandbox", ["sandbox", "--listen", f"127.0.0.1:{port}", "--config", str(path)], {})
        process.base = f"http://127.0.0.1:{port}"
        await self.answers(process, "/sandbox/openapi.json")
        return process

    async def service(
        self, module: list[str], database_url: str, sandbox: Process | None = None, **settings: str
    ) -> Process:
        """A process with the service's settings that listens; ready when it answers."""
        port = free_port(0)
        environment = self.environment(database_url, sandbox) | {"STEWARD_LISTEN": f"127.0.0.1:{port}"} | settings
        process = self.start(module[-1], module, environment)
        process.base = f"http://127.0.0.1:{port}"
        await self.answers(process, "/healthz")
        return process

    async def serve(self, database_url: str, sandbox: Process | None = None) -> Process:
        """`steward serve`, as an operator starts it."""
        return await self.service(ENTRY["serve"], database_url, sandbox)

    async def worker(self, database_url: str, sandbox: Process) -> Process:
        """`steward worker`, as an operator starts it. It begins a sync at once when there was none lately."""
        return self.start("worker", ENTRY["worker"], self.environment(database_url, sandbox))

    def environment(self, database_url: str, sandbox: Process | None = None) -> dict[str, str]:
        """The settings of a service on this database; its policy lets messages go at any hour."""
        config = SandboxConfig()
        return {
            "STEWARD_DATABASE_URL": database_url,
            "STEWARD_SECRET_KEY": "a-secret-key-for-the-bench-only-0123456789",
            "STEWARD_BOOTSTRAP_API_KEY": API_KEY,
            "STEWARD_POLICY_FILE": str(files("app.policy") / "demo.yaml"),
            "STEWARD_WECOM_API_BASE": f"{sandbox.base if sandbox else 'http://127.0.0.1:9'}/cgi-bin",
            "STEWARD_WECOM_CORP_ID": config.corp_id,
            "STEWARD_WECOM_AGENT_ID": str(config.agent_id),
            "STEWARD_WECOM_APP_SECRET": config.app_secret,
            "STEWARD_WECOM_APP_TOKEN": config.app_token,
            "STEWARD_WECOM_APP_AES_KEY": config.app_aes_key,
            "STEWARD_WECOM_CONTACTS_SECRET": config.contacts_secret,
            "STEWARD_WECOM_CONTACTS_TOKEN": config.contacts_token,
            "STEWARD_WECOM_CONTACTS_AES_KEY": config.contacts_aes_key,
        }

    def start(self, name: str, module: list[str], environment: Mapping[str, str]) -> Process:
        """`python -m module …`, ended when the stage is left."""
        log = self._logs / f"{name}-{secrets.token_hex(4)}.log"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("STEWARD_")}
        with log.open("wb") as output:
            popen = subprocess.Popen(  # noqa: S603 -- our own programs
                [sys.executable, "-m", *module],
                env=inherited | dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 -- one system call
            )
        process = Process(name, popen, log)
        self._exits.callback(process.end)
        return process

    async def result_of(self, module: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
        """Run a program of the bench to its end; its last line is its answer, as JSON."""
        process = self.start(module[0], module, environment)
        await self.until(lambda: _over(process), alive=None, what=f"{module[0]} to end")
        lines = process.log.read_text(encoding="utf-8").splitlines()
        if process.popen.returncode or not lines:
            raise Failed(f"{module[0]} failed:\n{process.tail()}")
        answer: dict[str, Any] = json.loads(lines[-1])
        return answer

    async def answers(self, process: Process, path: str) -> None:
        async with httpx.AsyncClient(timeout=5) as http:

            async def does() -> bool:
                try:
                    return (await http.get(process.base + path)).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            await self.until(does, alive=process, what=f"{process.name} to answer", within=STARTS_WITHIN_SECONDS)

    async def until(
        self, true: Callable[[], Awaitable[bool]], *, alive: Process | None, what: str, within: float = 600
    ) -> float:
        """Wait, and return the moment (`time.perf_counter`) at which it was true."""
        end = time.perf_counter() + within
        while time.perf_counter() < end:
            if await true():
                return time.perf_counter()
            if alive is not None and alive.popen.poll() is not None:
                raise Failed(f"{alive.name} ended while the bench waited for {what}:\n{alive.tail()}")
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
        raise Failed(f"waited in vain for {what}" + (f":\n{alive.tail()}" if alive else ""))


def cpu_seconds(pid: int) -> float:
    """0 for a process that is gone."""
    with suppress(FileNotFoundError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def is_kept(limit: Limit) -> bool:
    return COUNTERS[limit.counter].kept is not Kept.NO


def _end_with_parent() -> None:
    """Ask the kernel to end this child when the bench is gone, also after `kill -9`."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _over(process: Process) -> bool:
    return process.popen.poll() is not None


def connection(url: str) -> _Connection:
    """For `async with`: a plain connection of the driver, for looking and for counting."""
    return _Connection(url)


class _Connection:
    def __init__(self, url: str) -> None:
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._open: Any = None

    async def __aenter__(self) -> Any:
        self._open = await asyncpg.connect(self._dsn)
        return self._open

    async def __aexit__(self, *_error: object) -> None:
        await self._open.close()
