"""Dump and restore with PostgreSQL's own programs: the wheel's, or the system's where a connection needs TLS."""

import os
import shutil
import subprocess
from pathlib import Path

from app.database_url import DatabaseUrl, read_url
from app.embedded.programs import EmbeddedPostgresError, wheel_folder


def dump(url: str, file: Path) -> None:
    """The whole database into `file`, in the format of pg_restore. Written beside and renamed: never half a file."""
    unfinished = file.with_name(f"{file.name}.part")
    # Personal data: for our eyes only, whatever the umask.
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished.absolute()}")
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(url: str, file: Path) -> None:
    """Everything in `file` into an empty database: all of it or nothing."""
    _run("pg_restore", url, "--no-owner", "--single-transaction", "--exit-on-error", str(file.absolute()))


def _run(program: str, url: str, *arguments: str) -> None:
    database = read_url(url)
    # The password does not stand in the list of processes.
    place, password = database.for_programs()
    done = subprocess.run(  # noqa: S603 -- PostgreSQL's own program
        [_find(program, database), f"--dbname={place}", *arguments],
        env={"LC_ALL": "C.UTF-8", "PATH": os.defpath, **({"PGPASSWORD": password} if password else {})},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise EmbeddedPostgresError(f"{program}: {done.stderr.strip()[-800:]}")


def _find(program: str, database: DatabaseUrl) -> Path:
    """The wheel's programs know no TLS. Where the URL asks for it, they must be the system's."""
    if not database.needs_tls:
        return wheel_folder() / "bin" / program
    found = shutil.which(program)
    if found is None:
        raise EmbeddedPostgresError(
            f"the URL asks for TLS, which the {program} of the embedded PostgreSQL cannot: install postgresql-client"
        )
    return Path(found)
