"""A PostgreSQL that speaks TLS, with certificates of the test's own, and a real PgBouncer."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.database_url import read_url
from tests.fakes.certificates import Authority
from tests.platform import free_port
from tests.tools import postgres, tool

HBA = """
local   all all                 trust
hostssl all bycert 127.0.0.1/32 cert
host    all all    127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class TlsServer:
    port: int
    authority: Authority
    folder: Path

    def url(self, *, host: str = "localhost", user: str = "steward:secret", **parameters: Any) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://{user}@{host}:{self.port}/steward?{query}"


@pytest.fixture(scope="module")
def tls_server() -> Iterator[TlsServer]:
    """The system's PostgreSQL: the embedded one is built without TLS."""
    initdb, control, psql = postgres("initdb"), postgres("pg_ctl"), postgres("psql")
    with _folder_of_an_account() as (folder, account):
        authority = Authority(folder)
        certificate, key = authority.certificate("server", hosts=("localhost",))
        _give(folder, account)
        data, port = folder / "data", free_port()
        run = _runner(account)
        run(initdb, "-D", str(data), "--username=postgres", "--auth=trust", "--locale=C.UTF-8", "--encoding=UTF8")
        (data / "pg_hba.conf").write_text(HBA, encoding="utf-8")
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": certificate,
            "ssl_key_file": key,
            "ssl_ca_file": authority.root,
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        run(control, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            for statement in (
                "CREATE ROLE steward LOGIN PASSWORD 'secret'",
                "CREATE ROLE bycert LOGIN",
                "GRANT steward TO bycert",
                "CREATE DATABASE steward OWNER steward",
            ):
                run(psql, "-h", str(folder), "-p", str(port), "-U", "postgres", "-XAtqc", statement, "postgres")
            yield TlsServer(port, authority, folder)
        finally:
            run(control, "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture
def pgbouncer(server_url: str) -> Iterator[Callable[[str, str], str]]:
    """`pgbouncer(database_url, pool_mode)` → the URL through a PgBouncer of its own."""
    program = tool("pgbouncer")
    place = read_url(server_url).place
    socket = str(place.query.get("host") or place.host)
    owner = Path(socket).stat().st_uid if socket.startswith("/") else os.geteuid()
    with ExitStack() as open_ones:

        def start(url: str, mode: str, size: int = 20) -> str:
            folder = Path(open_ones.enter_context(tempfile.TemporaryDirectory(prefix="pgbouncer")))
            there, port = read_url(url).place, free_port()
            (folder / "users.txt").write_text(f'"{there.username}" "{there.password}"\n', encoding="utf-8")
            (folder / "pgbouncer.ini").write_text(
                f"[databases]\n* = host={socket} port={there.query.get('port') or there.port or 5432}\n"
                f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
                f"auth_type = plain\nauth_file = {folder}/users.txt\n"
                f"pool_mode = {mode}\ndefault_pool_size = {size}\n",
                encoding="utf-8",
            )
            _give(folder, pwd.getpwuid(owner))
            user = ["-u", pwd.getpwuid(owner).pw_name] if os.geteuid() == 0 else []
            process = subprocess.Popen([program, "-q", *user, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL)
            open_ones.callback(process.wait)
            open_ones.callback(process.terminate)
            through = there.set(drivername="postgresql", host="127.0.0.1", port=port, query={})
            return through.render_as_string(hide_password=False)

        yield start


@contextmanager
def _folder_of_an_account() -> Iterator[tuple[Path, pwd.struct_passwd]]:
    """PostgreSQL does not run as root."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="tls"))
    try:
        yield folder, account
    finally:
        shutil.rmtree(folder)


def _give(folder: Path, account: pwd.struct_passwd) -> None:
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, account.pw_uid, account.pw_gid)


def _runner(account: pwd.struct_passwd) -> Callable[..., None]:
    user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def run(*command: str) -> None:
        # The server inherits what it is started with: a pipe would never end.
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8"}, **user)  # type: ignore[call-overload]  # the three go together

    return run
