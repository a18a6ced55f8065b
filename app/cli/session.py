"""What every command needs: settings, a database, services, and errors as sentences with an exit code."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import asyncpg
import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.bootstrap import Services, build
from app.cli.tables import Rows, print_list
from app.database import SchemaMismatch, async_url, check_schema, create_engine, current_revision, migrate
from app.embedded import EmbeddedPostgresError, is_installed, running, termination_unwinds
from app.errors import DomainError
from app.installation import WrongCorp, prepare
from app.observability import configure_logging
from app.policy.errors import FaultyPolicy
from app.pooler import TransactionPooling, refuse_transaction_pooling
from app.settings import Settings, SettingsFaults, load_settings

T = TypeVar("T")

ENV_FILE = Path(".env")

CONFIGURATION_FAULT = 2
SCHEMA_FAULT = 3
FAILURE = 1

NO_DATABASE = (
    "STEWARD_DATABASE_URL: 没有填，而这里没有安装内置数据库（容器镜像不带它）。"
    "请填 postgresql://用户:密码@主机:5432/数据库 (required: the embedded PostgreSQL is not part of this installation)"
)

UNREACHABLE = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database does that is away, refuses us, or is full."""

_OUT_OF_SPACE = "53100"
_READ_ONLY = "25006"

# Whole lines in a pipe: what reads them there has no width.
out = Console(soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序读取。")]


def fail(message: str, code: int = FAILURE) -> NoReturn:
    # Not wrapped: what is told here is often to be copied.
    err.print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def read_settings(log_level: int = logging.INFO) -> Settings:
    """From the environment and `.env`; exits 2 with every fault at once."""
    try:
        settings = load_settings(os.environ, ENV_FILE)
    except SettingsFaults as error:
        fail(str(error), CONFIGURATION_FAULT)
    configure_logging(settings.log_format, log_level)
    return settings


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the configured database, or of the embedded one, which is started and migrated."""
    if settings.database_url is not None:
        # As the first process of a container we would not hear a signal that nobody handles.
        with termination_unwinds():
            yield settings.database_url.get_secret_value()
        return
    if not is_installed():
        fail(NO_DATABASE, CONFIGURATION_FAULT)
    with embedded(settings) as url:
        try:
            migrate(url)
        except UNREACHABLE as error:
            fail(f"内置数据库没有准备好：{explain(error)}", CONFIGURATION_FAULT)
        yield url


@contextmanager
def embedded(settings: Settings) -> Iterator[str]:
    """The embedded database. One that does not start is a fault of its folder: exit 2."""
    try:
        with running(settings.data_dir) as server:
            yield server.url
    except EmbeddedPostgresError as error:
        fail(f"STEWARD_DATA_DIR: {error}", CONFIGURATION_FAULT)


async def require_schema(url: str) -> None:
    """Exit 1 unless the database can be reached; exit 2 for a pooler that we cannot work through; exit 3, naming the
    command, unless the schema is ours.
    """
    async with _reached(url) as engine:
        try:
            await check_schema(engine)
        except SchemaMismatch as error:
            fail(str(error), SCHEMA_FAULT)


async def require_database(url: str) -> str | None:
    """The revision of its schema, None for an empty one. Exit 1 unless the database can be reached, exit 2 for a pooler
    that we cannot work through.
    """
    async with _reached(url) as engine:
        return await current_revision(engine)


@asynccontextmanager
async def _reached(url: str) -> AsyncIterator[AsyncEngine]:
    try:
        await refuse_transaction_pooling(url)
    except TransactionPooling as error:
        fail(str(error), CONFIGURATION_FAULT)
    except UNREACHABLE as error:
        _fail_unreached(error)
    engine = create_engine(async_url(url))
    try:
        yield engine
    except UNREACHABLE as error:
        _fail_unreached(error)
    finally:
        await engine.dispose()


def _fail_unreached(error: BaseException) -> NoReturn:
    fail(f"连不上数据库：{reason_of(error)} (cannot reach the database; check STEWARD_DATABASE_URL)")


def reason_of(error: BaseException) -> str:
    """What the server or the network said, without the statement."""
    said = getattr(error, "orig", None) or error
    return str(said) or type(said).__name__


def explain(error: BaseException) -> str:
    """The reason, and what to do where that is known."""
    if is_full(error):
        return f"磁盘满了：{reason_of(error)}。清出空间后再启动 (the disk is full: make room, then start again)"
    if _sqlstate(error) == _READ_ONLY:
        return f"数据库是只读的：{reason_of(error)}。STEWARD_DATABASE_URL 要指向主库 (read only: name the primary)"
    return reason_of(error)


def is_full(error: BaseException) -> bool:
    """Whether the disk is full, ours or the server's."""
    return _sqlstate(error) == _OUT_OF_SPACE or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}


def _sqlstate(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None) or error, "sqlstate", None) or "")


@asynccontextmanager
async def services(settings: Settings, url: str) -> AsyncIterator[Services]:
    """Built, checked and prepared. Exits 2 on a foreign database, a policy file that cannot be used or a database that
    takes no writes, 3 on a foreign schema.
    """
    await require_schema(url)
    built = build(settings, url)
    try:
        await _prepare(built)
        yield built
    finally:
        await built.aclose()


async def _prepare(built: Services) -> None:
    try:
        await prepare(built)
    except WrongCorp as error:
        fail(str(error), CONFIGURATION_FAULT)
    except FaultyPolicy as error:
        fail(f"STEWARD_POLICY_FILE: {error.title}：{error}", CONFIGURATION_FAULT)
    except UNREACHABLE as error:
        fail(f"启动没有完成：{explain(error)}", CONFIGURATION_FAULT)


def run_with_services(action: Callable[[Services], Awaitable[T]]) -> T:
    """One command's work. A domain error becomes its sentence and exit code 1."""
    # A command shows its own result; only what goes wrong is logged beside it.
    settings = read_settings(logging.WARNING)

    async def inside(url: str) -> T:
        async with services(settings, url) as built:
            return await action(built)

    with database(settings) as url:
        try:
            return asyncio.run(inside(url))
        except DomainError as error:
            fail(f"{error.title}: {error}")
        except UNREACHABLE as error:
            fail(f"没有完成：{explain(error)}")


def show(rows: Rows, *, as_json: bool, title: str, columns: Sequence[str]) -> None:
    """A list on the standard output: for people or, piped or as JSON, for programs."""
    print_list(out, rows, as_json=as_json, title=title, columns=columns)
