"""What every command needs: settings, a database, services, and errors as sentences with an exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from app.bootstrap import Services, build
from app.database import SchemaMismatch, async_url, check_schema, create_engine, current_revision, migrate
from app.embedded import EmbeddedPostgresError, is_installed, running, termination_unwinds
from app.errors import DomainError
from app.installation import WrongCorp, prepare
from app.observability import configure_logging
from app.settings import Settings, SettingsFaults, load_settings

T = TypeVar("T")

CONFIGURATION_FAULT = 2
SCHEMA_FAULT = 3
FAILURE = 1

NO_DATABASE = (
    "STEWARD_DATABASE_URL: 没有填，而这里没有安装内置数据库（容器镜像不带它）。"
    "请填 postgresql://用户:密码@主机:5432/数据库 (required: the embedded PostgreSQL is not part of this installation)"
)

out = Console()
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序读取。")]


def fail(message: str, code: int = FAILURE) -> NoReturn:
    # Not wrapped: what is told here is often to be copied.
    err.print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def read_settings(log_level: int = logging.INFO) -> Settings:
    """From the environment and `.env`; exits 2 with every fault at once."""
    try:
        settings = load_settings(os.environ, Path(".env"))
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
    try:
        with running(settings.data_dir) as server:
            migrate(server.url)
            yield server.url
    except EmbeddedPostgresError as error:
        fail(str(error))


async def require_schema(url: str) -> None:
    """Exit 1 unless the database can be reached; exit 3, naming the command, unless the schema is ours."""
    engine = create_engine(async_url(url))
    try:
        await check_schema(engine)
    except SchemaMismatch as error:
        fail(str(error), SCHEMA_FAULT)
    except (OSError, SQLAlchemyError) as error:
        fail(f"连不上数据库：{reason_of(error)} (cannot reach the database; check STEWARD_DATABASE_URL)")
    finally:
        await engine.dispose()


async def require_database(url: str) -> str | None:
    """The revision of its schema, None for an empty one. Exit 1 unless the database can be reached."""
    engine = create_engine(async_url(url))
    try:
        return await current_revision(engine)
    except (OSError, SQLAlchemyError) as error:
        fail(f"连不上数据库：{reason_of(error)} (cannot reach the database; check STEWARD_DATABASE_URL)")
    finally:
        await engine.dispose()


def reason_of(error: Exception) -> str:
    """What the server or the network said, without the statement."""
    return str(getattr(error, "orig", None) or error)


@asynccontextmanager
async def services(settings: Settings, url: str) -> AsyncIterator[Services]:
    """Built, checked and prepared; exits 2 on a foreign database, 3 on a foreign schema."""
    await require_schema(url)
    built = build(settings, url)
    try:
        await prepare(built)
        yield built
    except WrongCorp as error:
        fail(str(error), CONFIGURATION_FAULT)
    finally:
        await built.aclose()


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


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, title: str, columns: Sequence[str]) -> None:
    """A table for people, or a JSON array for programs."""
    if as_json:
        out.print_json(json.dumps(list(rows), ensure_ascii=False, default=str))
        return
    table = Table(title=title)
    for column in columns:
        # An id is there to be copied: it is shown in full however narrow the terminal.
        widest = max((len(_cell(row.get(column))) for row in rows), default=0) if column == "id" else 0
        table.add_column(column, min_width=widest or None, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    out.print(table, crop=False)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
