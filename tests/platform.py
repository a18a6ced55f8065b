"""The platform of the tests: a sandbox in this process, its operator's client, and the line that leads to it.

There is one way to open it. Whoever needs a real port serves it (`served`). It answers as the platform's documentation
says; what asks for the fixture `like` of tests/manners.py runs under `observed` too, and with SANDBOX_LIKE=observed in
the environment everything does that does not choose for itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from app.cli.server import HttpServer
from listening.configuration import configure
from sandbox import clock as sandbox_clock
from sandbox.app import create_app
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from sandbox.state import SandboxState
from tests.fakes.clock import FakeClock

Answer = dict[str, Any]
Rewrite = Callable[[httpx.Request, Answer], Answer]


class Killed(BaseException):
    """kill −9, as far as a test can tell: nothing after it runs."""


@dataclass
class Line(httpx.AsyncBaseTransport):
    """The network to the platform. It can be cut, change or keep answers on the way, and end whoever made a call."""

    inner: httpx.AsyncBaseTransport
    is_cut: bool = False
    kills_after: str | None = None
    """The end of a path: the next call of it arrives, and whoever made it dies."""
    rewrites: dict[str, Rewrite] = field(default_factory=dict)
    """What becomes of right answers, by endpoint: an upstream that is wrong with errcode 0."""
    before: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What happens once, just before the next call of an endpoint is answered."""
    silent: str = ""
    """The end of a path: its calls have their effect, and their answers do not arrive."""
    swallowed: asyncio.Event = field(default_factory=asyncio.Event)
    """An answer was kept from arriving."""
    _waiting: set[asyncio.Task[Any]] = field(default_factory=set)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("no route", request=request)
        endpoint = request.url.path.removeprefix("/cgi-bin/")
        if endpoint in self.before:
            await self.before.pop(endpoint)()
        response = await self.inner.handle_async_request(request)
        if self.silent and request.url.path.endswith(self.silent):
            await self._keep()
        if self.kills_after and request.url.path.endswith(self.kills_after):
            self.kills_after = None
            raise Killed
        rewrite = self.rewrites.get(endpoint)
        if rewrite is None:
            return response
        answer = json.loads(await response.aread())
        changed = rewrite(request, answer) if answer.get("errcode", 0) == 0 else answer
        return httpx.Response(response.status_code, json=changed, request=request)

    async def _keep(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        self.swallowed.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._waiting.discard(task)

    def drop(self) -> None:
        """Who still waits for an answer dies waiting; from now on answers arrive."""
        self.silent = ""
        self.swallowed.clear()
        for task in self._waiting:
            task.cancel()


class SharedClock(sandbox_clock.Clock):
    """The platform's clock is ours: they move together, and only when told."""

    def __init__(self, ours: FakeClock) -> None:
        super().__init__()
        self.ours = ours

    def now(self) -> float:
        return self.ours.now().timestamp() + self.offset


@dataclass
class Sandbox:
    """A sandbox at work. Make it with `open_sandbox`."""

    config: SandboxConfig
    program: FastAPI
    client: SandboxClient
    """Of its operator: hires people, presses buttons, breaks things."""
    line: Line
    """For the service's client of the platform."""

    @property
    def state(self) -> SandboxState:
        state: SandboxState = self.program.state.sandbox
        return state


@asynccontextmanager
async def open_sandbox(
    config: SandboxConfig | None = None, *, callbacks: httpx.AsyncClient | None = None, clock: FakeClock | None = None
) -> AsyncIterator[Sandbox]:
    """A sandbox. `callbacks` carries what it pushes; with a `clock` its time is the test's."""
    config = config or SandboxConfig()
    if "like" not in config.model_fields_set:
        config = config.model_copy(update={"like": os.environ.get("SANDBOX_LIKE", "documentation")})
    program = create_app(config, http=callbacks)
    if clock is not None:
        program.state.sandbox.clock = SharedClock(clock)
    async with SandboxClient.for_app(program) as client:
        sandbox = Sandbox(config, program, client, Line(httpx.ASGITransport(app=program)))
        try:
            yield sandbox
        finally:
            await sandbox.state.pusher.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(app: Any, port: int = 0) -> AsyncIterator[str]:
    """The application on a port of this machine, as the service and the sandbox are served; its address."""
    server = HttpServer(configure(app, port=port, log_level="critical", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- uvicorn has a flag, not an event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
