"""The processes of the demo: a fresh database, the sandbox, the service. They end with the demo."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from app.database import migrate
from app.embedded import running, url_for

STARTS_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 15
PR_SET_PDEATHSIG = 1


class DidNotStart(Exception):
    """A process of the demo ended or stayed silent; its log says why."""


@dataclass(frozen=True)
class Addresses:
    service: str
    sandbox: str
    api_key: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """What an operator's shell on the server has."""

    def steward(self, *words: str) -> None:
        """One command, as an operator enters it. Raises `CalledProcessError`."""
        command = [sys.executable, "-m", "app.cli", *words]
        subprocess.run(command, env=dict(self.environment), check=True, capture_output=True)  # noqa: S603 -- our own


@contextmanager
def demo_database(data_dir: Path) -> Iterator[str]:
    """A migrated database of this demo's own on the embedded server. What killed demos left behind goes first."""
    name = f"demo_{secrets.token_hex(4)}"
    with running(data_dir) as server:
        asyncio.run(_make_room(_dsn(server.url), name))
        url = url_for(server, name)
        try:
            migrate(url)
            yield url
        finally:
            asyncio.run(_drop(_dsn(server.url), name))


async def _make_room(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        left = await connection.fetch(
            "SELECT datname FROM pg_database d WHERE datname LIKE 'demo\\_%'"
            " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)"
        )
        for row in left:
            await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}"')
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def _drop(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def sandbox_process(people: int, logs: Path) -> Iterator[dict[str, str]]:
    """The sandbox; yields the `STEWARD_…` lines it prints for whoever wants to use it."""
    port = free_port(8901)
    command = [sys.executable, "-m", "sandbox", "--listen", f"127.0.0.1:{port}", "--people", str(people)]
    with _process("sandbox", command, dict(os.environ), logs) as (process, log):
        _wait_for(f"http://127.0.0.1:{port}/sandbox/openapi.json", process, log)
        lines = log.read_text(encoding="utf-8").splitlines()
        yield dict(line.split("=", 1) for line in lines if line.startswith("STEWARD_"))


@contextmanager
def service_process(database_url: str, sandbox: dict[str, str], logs: Path) -> Iterator[Addresses]:
    """`steward run`, exactly as an operator starts it, with the demo's policy."""
    port = free_port(8080)
    api_key = f"demo-{secrets.token_urlsafe(32)}"
    with as_file(files("app.policy") / "demo.yaml") as policy:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
        environment |= sandbox
        environment |= {
            "STEWARD_DATABASE_URL": database_url,
            "STEWARD_LISTEN": f"127.0.0.1:{port}",
            "STEWARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "STEWARD_SECRET_KEY": secrets.token_urlsafe(48),
            "STEWARD_BOOTSTRAP_API_KEY": api_key,
            "STEWARD_POLICY_FILE": str(policy),
        }
        command = [sys.executable, "-m", "app.cli", "run"]
        with _process("service", command, environment, logs) as (process, log):
            base = f"http://127.0.0.1:{port}"
            _wait_for(f"{base}/readyz", process, log)
            yield Addresses(base, sandbox["STEWARD_WECOM_API_BASE"].removesuffix("/cgi-bin"), api_key, environment)


def free_port(wanted: int) -> int:
    """`wanted` where it is free, otherwise any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free: int = probe.getsockname()[1]
            return free
    raise DidNotStart("no free port on 127.0.0.1")


@contextmanager
def _process(
    name: str, command: list[str], environment: dict[str, str], logs: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log = logs / f"{name}.log"
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the demo, which then ends its processes in order.
        process = subprocess.Popen(  # noqa: S603 -- our own programs
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 -- one system call, and the demo has no threads here
        )
        try:
            yield process, log
        finally:
            _end(process)


def end_with_parent() -> None:
    """Ask the kernel to end this child when the demo is gone, also after `kill -9`. Linux; elsewhere nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
    raise DidNotStart(f"{log.stem} did not start; the end of {log}:\n{tail}")
