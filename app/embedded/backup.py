"""Dump and restore with PostgreSQL's own programs from the wheel: for one box that has no others."""

import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from app.embedded.programs import EmbeddedPostgresError, wheel_folder


def dump(url: str, file: Path) -> None:
    """The whole database into `file`, in the format of pg_restore. Written beside and renamed: never half a file."""
    unfinished = file.with_name(f"{file.name}.part")
    try:
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished.absolute()}")
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(url: str, file: Path) -> None:
    """Everything in `file` into an empty database: all of it or nothing."""
    _run("pg_restore", url, "--no-owner", "--single-transaction", "--exit-on-error", str(file.absolute()))


def _run(program: str, url: str, *arguments: str) -> None:
    parts = urlsplit(url.replace("+asyncpg", "", 1))
    # The password does not stand in the list of processes.
    place = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@", 1))
    done = subprocess.run(  # noqa: S603 -- our own program
        [wheel_folder() / "bin" / program, f"--dbname={urlunsplit(place)}", *arguments],
        env={"LC_ALL": "C.UTF-8", "PGPASSWORD": unquote(parts.password or "")},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise EmbeddedPostgresError(f"{program}: {done.stderr.strip()[-800:]}")
