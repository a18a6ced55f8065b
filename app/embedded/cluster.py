"""The files of one server, and the steps between its states."""

import fcntl
import os
import re
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import structlog

from app.embedded.programs import (
    MAJOR,
    START_SECONDS,
    Account,
    EmbeddedPostgresError,
    account_for,
    programs_for,
    run_program,
    wheel_folder,
)

log = structlog.get_logger(__name__)

_NAME = "steward"  # the role and the database
_PORT = 5432  # only names the socket: nothing listens on TCP
_SETTINGS = {
    "port": _PORT,
    "listen_addresses": "''",
    # Relative to the cluster, where the server's own side is always short enough for a socket.
    "unix_socket_directories": ".",
    "shared_buffers": "128MB",
    "max_connections": 200,
    "jit": "off",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_CREATE_DATABASE = r"""
SELECT 'CREATE DATABASE steward'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'steward') \gexec
"""
# Programs of the server run inside the cluster and call it this. The kernel follows the link without
# walking the path, so an unprivileged server works beneath a folder it may not enter, such as /root.
_HERE = "/proc/self/cwd"
_PID_FILE_LINES = 8  # the last one is the state, and is written last
_STOP_SECONDS = 60
_START_ATTEMPTS = 5
_POLL_SECONDS = 0.02
_LOG_LIMIT_BYTES = 10_000_000
_SOCKET_PATH_BYTES = 107  # sizeof(sun_path) on Linux, less the final zero


class Cluster:
    """The files of one server, and the steps between its states. Callers hold the lock where it says so."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "cluster"
        self._password = home / "password"
        self._log = home / "server.log"

    def join(self) -> tuple[IO[bytes], str]:
        """Register this process as a user of a running server: its lease, and the server's URL."""
        if not Path(_HERE).exists():
            raise EmbeddedPostgresError("The embedded PostgreSQL needs Linux: set STEWARD_DATABASE_URL")
        self.home.mkdir(parents=True, exist_ok=True)
        with self._serialised():
            lease = _open_private(self.home / "users.lock")
            fcntl.flock(lease, fcntl.LOCK_SH)
            try:
                self._bring_up()
                return lease, self._url()
            except BaseException:
                self._stop_when_last(lease)
                raise

    def leave(self, lease: IO[bytes]) -> None:
        with self._serialised():
            self._stop_when_last(lease)

    @contextmanager
    def _serialised(self) -> Iterator[None]:
        with _open_private(self.home / "server.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _stop_when_last(self, lease: IO[bytes]) -> None:
        """Under the lock. Closing, not unlocking: a forked child must not unlock its parent's lease."""
        lease.close()
        with _open_private(self.home / "users.lock") as everybody:
            try:
                fcntl.flock(everybody, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._stop()

    def _bring_up(self) -> None:
        """Under the lock. Tries again, as what a killed server or user left may last a moment longer."""
        for leftover in self.home.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self.path.exists():
            self._check_version()
        else:
            self._create()
        refusal = ""
        for attempt in range(_START_ATTEMPTS):
            time.sleep(0.5 * attempt)
            if not self._is_ready():
                self._start()
            if self._is_ready() and not (refusal := self._create_database()):
                return
        raise EmbeddedPostgresError(f"The embedded PostgreSQL does not start. {refusal}{self._end_of_log()}")

    def _check_version(self) -> None:
        made_by = (self.path / "PG_VERSION").read_text().strip()
        if made_by != MAJOR:
            raise EmbeddedPostgresError(
                f"{self.path} was made by PostgreSQL {made_by} and this is {MAJOR}: dump it with the release "
                "that made it and restore it into an empty DATA_DIR"
            )

    def _create(self) -> None:
        password = secrets.token_urlsafe(24)
        with _open_private(self._password) as file:
            file.truncate(0)
            file.write(password.encode())
            os.fsync(file)
        # Made beside and renamed: a half-made cluster never carries the name.
        fresh = Path(tempfile.mkdtemp(dir=self.home, prefix="initdb-"))
        self._initdb(fresh, password)
        fresh.rename(self.path)
        folder = os.open(self.home, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _initdb(self, target: Path, password: str) -> None:
        account = account_for(self.path)
        arguments = ["-D", _HERE, "--username", _NAME, "--pwfile=/dev/stdin", "--auth=scram-sha-256"]
        arguments += ["--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums"]
        if account:
            os.chown(target, account.uid, account.gid)
        with _piped(password, account) as source:
            program = programs_for(account) / "initdb"
            made = run_program(program, *arguments, account=account, cwd=target, source=source)
        if made.returncode:
            raise EmbeddedPostgresError(f"initdb failed in {self.home}: {made.stdout.strip()}")

    def _start(self) -> None:
        account = account_for(self.path)
        self._forget_stranger()
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        arguments = ["-D", _HERE, "-w", "-t", str(START_SECONDS), "-o", settings, "start"]
        # The server inherits the open file, so the log needs no owner but us.
        with _open_private(self._log) as output:
            run_program(programs_for(account) / "pg_ctl", *arguments, account=account, cwd=self.path, output=output)

    def _forget_stranger(self) -> None:
        """Remove a dead server's files when its number is in use: PostgreSQL would take it for the server.

        Usual in a container, where numbers start again and nobody may reap the dead. When nothing has the
        number, the file is left for PostgreSQL to judge.
        """
        lines = self._pid_file()
        if not lines or not Path(f"/proc/{lines[0]}").exists():
            return
        for name in ("postmaster.pid", f".s.PGSQL.{_PORT}.lock"):
            (self.path / name).unlink(missing_ok=True)

    def _stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate
            if (server := self._server()) is None:
                return
            os.kill(server[0], number)
            deadline = time.monotonic() + _STOP_SECONDS
            while self._server() is not None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        if self._server() is not None:
            log.error("embedded.not_stopped", cluster=str(self.path))

    def _is_ready(self) -> bool:
        """Whether the server takes connections, once it is neither starting nor stopping."""
        deadline = time.monotonic() + START_SECONDS
        while (server := self._server()) is not None and time.monotonic() < deadline:
            if server[1] == "ready":
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _server(self) -> tuple[int, str] | None:
        """The number of the living server and what it says of itself: starting, ready or stopping."""
        lines = self._pid_file()
        try:
            # The server works inside its cluster; a stranger with its number, or a zombie, does not.
            if not lines or not Path(f"/proc/{lines[0]}/cwd").samefile(self.path):
                return None
        except OSError:
            return None
        return int(lines[0]), lines[-1].strip() if len(lines) == _PID_FILE_LINES else "starting"

    def _pid_file(self) -> list[str]:
        try:
            return (self.path / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _end_of_log(self) -> str:
        tail = self._log.read_text(errors="replace")[-1500:] if self._log.exists() else ""
        return f"The end of {self._log}:\n{tail}"

    def _socket_directory(self) -> str:
        """Where clients find the socket: the cluster, or its short name when the path is long or unusual.

        Unusual is what needs escaping in a URL, Chinese too: `%` has a meaning in Alembic's configuration.
        """
        path = str(self.path)
        is_short = len(f"{path}/.s.PGSQL.{_PORT}") <= _SOCKET_PATH_BYTES
        if is_short and re.fullmatch(r"[A-Za-z0-9/._-]+", path):
            return path
        return f"/proc/{self._pid_file()[0]}/cwd"

    def _url(self) -> str:
        place = f"host={self._socket_directory()}&port={_PORT}"
        return f"postgresql+asyncpg://{_NAME}:{self._password.read_text()}@/{_NAME}?{place}"

    def _create_database(self) -> str:
        """Create our database unless it exists; what went wrong, or nothing."""
        arguments = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self._socket_directory(), "-p", str(_PORT)]
        arguments += ["-U", _NAME, "-d", "postgres"]
        program = wheel_folder() / "bin" / "psql"
        secret = {"PGPASSWORD": self._password.read_text()}
        with _piped(_CREATE_DATABASE, None) as source:
            done = run_program(program, *arguments, account=None, cwd=Path("/"), source=source, environment=secret)
        return done.stdout.strip() if done.returncode else ""


@contextmanager
def _piped(text: str, account: Account | None) -> Iterator[IO[bytes]]:
    """A text as standard input: unlike a file it needs no folder that both accounts can enter."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source:
        with os.fdopen(writing, "wb") as sink:
            sink.write(text.encode())
        if account:
            os.fchown(reading, account.uid, account.gid)
        yield source


def _open_private(path: Path) -> IO[bytes]:
    """Open for appending, and create for our eyes only; children do not inherit it, so locks die with us."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "r+b", 0)
