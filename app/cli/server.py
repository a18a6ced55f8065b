"""run, serve, worker, migrate."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
import uvicorn

from app import database as db
from app.bootstrap import Services
from app.cli.session import database, err, fail, out, read_settings, services
from app.main import create_app
from app.settings import Settings
from app.worker import work

DRAIN_SECONDS = 10


def run() -> None:
    """启动全部：网页与接口、回调接收、后台处理(默认方式)。"""
    _start(_run_everything)


def serve() -> None:
    """只启动网页、接口与回调接收；后台处理由 `steward worker` 承担。"""
    _start(_serve)


def worker() -> None:
    """只启动后台处理：事件、作业、定时。可以起多个。"""
    _start(_work)


def migrate(
    revision: Annotated[str, typer.Argument(help="目标版本；`-1` 回退一步，`base` 清空。")] = "head",
) -> None:
    """升级数据库结构；两个进程同时执行时，后来的等待。"""
    settings = read_settings()
    with database(settings) as url:
        try:
            db.migrate(url, revision)
        except OSError as error:
            fail(f"连不上数据库: {error}")
    out.print(f"数据库结构已是 {revision}", highlight=False)


def _start(main: Callable[[Services], Coroutine[Any, Any, None]]) -> None:
    settings = read_settings()
    with database(settings) as url:
        asyncio.run(_with_services(settings, url, main))


async def _with_services(settings: Settings, url: str, main: Callable[[Services], Coroutine[Any, Any, None]]) -> None:
    async with services(settings, url) as built:
        await main(built)


async def _run_everything(built: Services) -> None:
    stop = asyncio.Event()
    server = http_server(built)
    # uvicorn handles the signals; when it has drained, the worker is told to finish too.
    working = asyncio.create_task(work(built, stop))
    working.add_done_callback(lambda _task: setattr(server, "should_exit", True))
    try:
        await server.serve()
    finally:
        stop.set()
        await asyncio.wait_for(working, DRAIN_SECONDS)


async def _serve(built: Services) -> None:
    await http_server(built).serve()


async def _work(built: Services) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await work(built, stop)


def http_server(built: Services) -> uvicorn.Server:
    host, port = built.settings.listen_address
    err.print(f"企微管家：http://{host}:{port}  接口文档 http://{host}:{port}/docs", highlight=False)
    config = uvicorn.Config(
        create_app(built),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
    )
    return uvicorn.Server(config)
