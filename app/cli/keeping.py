"""backup, restore, secret-key rotate: what keeps an installation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.cli.session import database, embedded, fail, out, read_settings, require_database, require_schema
from app.database import Sessions, async_url, create_engine, create_sessions, current_revision, transaction
from app.embedded import EmbeddedPostgresError, is_installed
from app.embedded.backup import dump
from app.embedded.backup import restore as restore_dump
from app.installation import SecretKeyInUse, WrongCorp, adopt_secret_key
from app.settings import Settings

secret_key = typer.Typer(help="保存数据所用的密钥 (STEWARD_SECRET_KEY)。", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="备份文件。", dir_okay=False)]


def backup(file: FileArgument) -> None:
    """把整个数据库备份成一个文件(pg_dump 的 custom 格式)；服务可以照常运行。"""
    settings = read_settings()
    _require_programs("pg_dump --format=custom")
    if file.exists():
        fail(f"{file} 已经存在，不覆盖")
    with database(settings) as url:
        asyncio.run(require_database(url))
        try:
            dump(url, file)
        except (EmbeddedPostgresError, OSError) as error:
            fail(f"备份没有完成：{error}。自己的数据库服务器也可以用它自带的 pg_dump --format=custom 备份")
    out.print(f"已备份到 {file}；STEWARD_SECRET_KEY 另外保存", highlight=False, soft_wrap=True)


def restore(file: Annotated[Path, typer.Argument(help="备份文件。", exists=True, dir_okay=False)]) -> None:
    """把备份恢复到一个空的数据库；不是空的就拒绝。"""
    settings = read_settings()
    _require_programs("pg_restore")
    with _unmigrated(settings) as url:
        if asyncio.run(_revision(url)) is not None:
            fail("数据库不是空的：恢复要用新建的数据库（内置数据库：换一个 STEWARD_DATA_DIR）")
        try:
            restore_dump(url, file)
        except EmbeddedPostgresError as error:
            fail(f"没有恢复：{error}")
    out.print("已恢复；现在可以 steward migrate，再启动", highlight=False)


def _require_programs(instead: str) -> None:
    """PostgreSQL's programs come with the embedded database, which the container image does not have."""
    if not is_installed():
        fail(f"这里没有 PostgreSQL 的程序（容器镜像不带）：请用数据库服务器自己的 {instead} (use the server's own)")


@contextmanager
def _unmigrated(settings: Settings) -> Iterator[str]:
    """The database as it is: a restored one brings its schema along."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        asyncio.run(require_database(url))
        yield url
        return
    with embedded(settings) as url:
        yield url


async def _revision(url: str) -> str | None:
    engine = create_engine(async_url(url))
    try:
        return await current_revision(engine)
    finally:
        await engine.dispose()


@secret_key.command()
def rotate() -> None:
    """换用配置里新的 STEWARD_SECRET_KEY：先停下所有进程。令牌会重新获取，不需要旧密钥。"""
    settings = read_settings()

    async def act(sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await adopt_secret_key(session, settings)

    with database(settings) as url:
        asyncio.run(require_schema(url))
        try:
            asyncio.run(_with_sessions(url, act))
        except (SecretKeyInUse, WrongCorp) as error:
            fail(str(error))
    out.print("已换用新的 STEWARD_SECRET_KEY；现在启动服务", highlight=False)


async def _with_sessions(url: str, act: Callable[[Sessions], Awaitable[None]]) -> None:
    engine = create_engine(async_url(url))
    try:
        await act(create_sessions(engine))
    finally:
        await engine.dispose()
