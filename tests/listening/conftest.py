"""Raw connections to a server that runs with the limits of production, or with shorter times."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.cli.server import HttpServer
from listening.configuration import configure
from listening.protocol import BoundedHttp

Serve = Callable[..., AbstractAsyncContextManager["Line"]]


class Impatient(BoundedHttp):
    """The same, for tests that wait for the end of its patience."""

    HEAD_SECONDS = 0.3
    REQUEST_SECONDS = 0.6
    READER_SECONDS = 0.6


@dataclass(frozen=True)
class Line:
    """Where a server listens."""

    address: tuple[Any, ...]
    server: HttpServer

    async def ask(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Everything that is answered until the server hangs up."""
        reader, writer = await asyncio.open_connection(*self.address[:2])
        answer = asyncio.create_task(_all_of(reader))
        try:
            for part in parts:
                writer.write(part)
                await asyncio.wait([answer], timeout=pause)
                if answer.done():
                    break
            return await answer
        finally:
            writer.close()


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    """What came before the connection ended, however it ended."""
    said = b""
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            said += part
    return said


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers method, headers it has seen and the whole body."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    names = b",".join(name for name, _ in scope["headers"])
    said = scope["method"].encode() + b" " + scope["path"].encode() + b" [" + body + b"] " + names
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@asynccontextmanager
async def _serve(app: Any = echo, **options: Any) -> AsyncIterator[Line]:
    config = configure(app, **({"port": 0, "log_config": None, "timeout_graceful_shutdown": 1} | options))
    server = HttpServer(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- uvicorn has a flag, not an event
        await asyncio.sleep(0.01)
    listener: socket.socket = server.servers[0].sockets[0]
    try:
        yield Line(listener.getsockname(), server)
    finally:
        server.should_exit = True
        await running


@pytest.fixture
def serve() -> Serve:
    return _serve
