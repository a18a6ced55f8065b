"""run, serve, worker, migrate."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import typer
import uvicorn
from alembic.util.exc import CommandError
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from uvicorn.loops.auto import auto_loop_factory

from app import database as db
from app.bootstrap import Services
from app.cli.session import (
    CONFIGURATION_FAULT,
    SCHEMA_FAULT,
    database,
    err,
    explain,
    fail,
    is_full,
    out,
    read_settings,
    reason_of,
    require_database,
    services,
)
from app.main import answer_who_waits, create_app, create_probes
from app.observability import get_logger
from app.settings import Settings
from app.worker import work
from listening.address import base_url
from listening.configuration import configure
from listening.open_files import raise_limit

DRAIN_SECONDS = 5
"""For all that is under way; the ten seconds of a supervisor also hold the giving back and our own end."""
CUT_OFF_SECONDS = 1.5
"""For giving back what was cut off; whoever does not hear of it takes it over when the lease ends."""

log = get_logger()


class HttpServer(uvicorn.Server):
    """uvicorn that leaves the signals to us: it raises them once more when it has drained, and the process would end
    before the worker has.
    """

    def __init__(self, config: uvicorn.Config, *, tell: Callable[[str, int], None] | None = None) -> None:
        super().__init__(config)
        self._tell = tell
        """Told host and port once they are listened on; port 0 has become a real one by then."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """A port that is taken is exit code 1; uvicorn would end with 3, which here means the schema."""
        try:
            await super().startup(sockets)
        except SystemExit:
            address = base_url(self.config.host, self.config.port).removeprefix("http://")
            fail(f"不能在 {address} 上监听：地址不对，或已被占用 (STEWARD_LISTEN, STEWARD_WORKER_LISTEN)")
        if self._tell and self.servers:
            self._tell(self.config.host, self.servers[0].sockets[0].getsockname()[1])


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
        asyncio.run(require_database(url))
        try:
            db.migrate(url, revision)
        except CommandError as error:
            fail(f"没有这个版本，或数据库的结构比程序新：{error}", SCHEMA_FAULT)
        except DBAPIError as error:
            if is_full(error):
                fail(f"升级没有做完，已完成的步骤保留：{explain(error)}", CONFIGURATION_FAULT)
            # A step waits five seconds for its tables and takes itself back; those before it stay done.
            fail(f"升级没有做完，已完成的步骤保留：{reason_of(error)}。表正被占用时，稍后再执行一次即可")
        reached = asyncio.run(require_database(url))
    out.print(f"数据库结构已是 {reached or '空'}", highlight=False)


def _start(main: Callable[[Services], Coroutine[Any, Any, None]]) -> None:
    settings = read_settings()
    raise_limit()
    # uvicorn's choice: uvloop where there is one. Our server does not go through `uvicorn.run`, which would ask itself.
    with database(settings) as url, asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_with_services(settings, url, main))
    # Nothing is left to be found: looking through all there is takes the interpreter a second or two of the ten.
    gc.freeze()


async def _with_services(settings: Settings, url: str, main: Callable[[Services], Coroutine[Any, Any, None]]) -> None:
    async with services(settings, url) as built:
        # What the start has made lives as long as the process: looking through it again and again is CPU for
        # nothing.
        gc.freeze()
        await main(built)


async def _run_everything(built: Services) -> None:
    stop = asyncio.Event()
    server = http_server(built)
    working = asyncio.create_task(work(built, stop))

    ended_at: list[float] = []

    def end() -> None:
        ended_at.append(asyncio.get_running_loop().time())
        _end_serving(built, server)
        stop.set()

    # Both drain at the same time; what is accepted meanwhile is committed, and handled by whoever comes next.
    _on_termination(end)
    working.add_done_callback(lambda _task: end())
    try:
        await server.serve()
    finally:
        end()
        # The worker has had this long already: the two limits are one.
        await _finish(working, seconds=max(0, DRAIN_SECONDS - (asyncio.get_running_loop().time() - ended_at[0])))


async def _serve(built: Services) -> None:
    server = http_server(built)
    _on_termination(lambda: _end_serving(built, server))
    await server.serve()


def _end_serving(built: Services, server: uvicorn.Server) -> None:
    """No more connections; and whoever waits, for a database that is away or for events, does not use up the drain."""
    server.should_exit = True
    built.intake.drain()
    if isinstance(server.config.app, FastAPI):
        answer_who_waits(server.config.app)


async def _work(built: Services) -> None:
    stop = asyncio.Event()
    _on_termination(stop.set)
    working = asyncio.create_task(work(built, stop))
    working.add_done_callback(lambda _task: stop.set())
    async with _probes(built, stop):
        await stop.wait()
        await _finish(working)


@asynccontextmanager
async def _probes(built: Services, stop: asyncio.Event) -> AsyncIterator[None]:
    """Answers a supervisor while the worker works, and while it drains. A worker that cannot answer ends."""
    address = built.settings.worker_listen_address
    if address is None:
        yield
        return
    server = _server(create_probes(built), address)
    serving = asyncio.create_task(server.serve())
    serving.add_done_callback(lambda _task: stop.set())
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _on_termination(end: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


async def _finish(working: asyncio.Task[None], *, seconds: float = DRAIN_SECONDS) -> None:
    """Let it finish what is under way; past the limit it is cut off, which loses nothing. Raises what ended it."""
    done, _ = await asyncio.wait([working], timeout=seconds)
    if not done:
        log.warning("worker.cut_off", after_seconds=DRAIN_SECONDS)
        working.cancel()
        await asyncio.wait([working], timeout=CUT_OFF_SECONDS)
        return
    await working


def http_server(built: Services) -> HttpServer:
    return _server(create_app(built), built.settings.listen_address, tell=_tell_where)


def _tell_where(host: str, port: int) -> None:
    url = base_url(host, port)
    err.print(f"企微管家：{url}  接口文档 {url}/docs", highlight=False)


def _server(app: FastAPI, address: tuple[str, int], *, tell: Callable[[str, int], None] | None = None) -> HttpServer:
    host, port = address
    return HttpServer(
        configure(app, host=host, port=port, log_config=None, timeout_graceful_shutdown=DRAIN_SECONDS), tell=tell
    )
