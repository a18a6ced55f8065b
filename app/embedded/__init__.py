"""PostgreSQL from the wheel, when no server is given.

The cluster lives in DATA_DIR/pg, and every process that uses it holds a shared flock on users.lock. The
kernel lets go of the lock however a process ends, so counting survives `kill -9`: whoever leaves and finds
no other holder stops the server. Starting and stopping are serialised by an exclusive flock on server.lock.

PostgreSQL refuses to run as root. Started by root, the server runs as `postgres` or `nobody`, and only the
cluster's own folder is given to that account.
"""

import asyncio
import atexit
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn
from urllib.parse import urlsplit, urlunsplit

from app.embedded.cluster import Cluster
from app.embedded.programs import EmbeddedPostgresError, is_installed

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "acquire",
    "exists",
    "is_installed",
    "running",
    "running_async",
    "termination_unwinds",
    "url_for",
]


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One use of the running server, which stays up at least until `release`."""

    url: str = field(repr=False)  # holds the password
    data_dir: Path
    _cluster: Cluster = field(repr=False, compare=False)
    _lease: IO[bytes] = field(repr=False, compare=False)

    def release(self) -> None:
        """Stop using the server, and stop it when nobody else does; a second call does nothing.

        Waits for a clean shutdown. For `finally` and atexit, not for the body of a signal handler.
        """
        atexit.unregister(self.release)
        if not self._lease.closed:
            self._cluster.leave(self._lease)


def exists(data_dir: Path) -> bool:
    """Whether there is a database in this folder, running or not."""
    try:
        return Cluster(data_dir.absolute() / "pg").path.exists()
    except OSError:
        return False


def acquire(data_dir: Path) -> EmbeddedPostgres:
    """Use the server in `data_dir`, after creating and starting whatever is not there yet.

    Blocks for about two seconds the first time. An exit of the interpreter releases it too, but a signal
    without a handler does not pass there: `running` is the safer door.
    """
    cluster = Cluster(data_dir.absolute() / "pg")
    try:
        lease, url = cluster.join()
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL in {cluster.home} cannot be used: {error}. Use a folder that belongs to "
            "this account, or set STEWARD_DATABASE_URL"
        ) from error
    server = EmbeddedPostgres(url=url, data_dir=data_dir, _cluster=cluster, _lease=lease)
    atexit.register(server.release)
    return server


@contextmanager
def running(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """Use the server inside the block, and leave it on the way out: by return, error, SIGTERM or SIGHUP."""
    with termination_unwinds():
        server = acquire(data_dir)
        try:
            yield server
        finally:
            server.release()


@asynccontextmanager
async def running_async(data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    """`running` for an event loop, which is not blocked; signals are the loop's own affair."""
    server = await asyncio.to_thread(acquire, data_dir)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.release)


def url_for(server: EmbeddedPostgres, database: str) -> str:
    """The URL of another database on the same server; it is not created."""
    return urlunsplit(urlsplit(server.url)._replace(path=f"/{database}"))


@contextmanager
def termination_unwinds() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack, where their default would skip every `finally`.

    A program that has its own handler keeps it, and only the main thread may set one.
    """
    ours: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        ours = [s for s in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(s) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _exit_once)
    try:
        yield
    finally:
        for number in ours:
            if signal.getsignal(number) in {_exit_once, _already_exiting}:
                signal.signal(number, signal.SIG_DFL)


def _exit_once(number: int, _frame: FrameType | None) -> None:
    # An impatient second signal must not interrupt the shutdown that the first one asked for.
    signal.signal(number, _already_exiting)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _exit(number)
    else:
        # Between two steps: asyncpg's C code crashes when the exception comes while it decodes a row.
        loop.call_soon_threadsafe(_exit, number)


def _exit(number: int) -> NoReturn:
    raise SystemExit(128 + number)


def _already_exiting(_number: int, _frame: FrameType | None) -> None:
    pass
