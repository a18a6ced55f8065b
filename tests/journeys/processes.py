"""What a world consists of below its stories: a clock, the network to the platform, workers that can die."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from app.bootstrap import Services
from app.worker import work
from sandbox import clock as sandbox_clock
from tests.fakes.clock import FakeClock

PATIENCE_SECONDS = 20.0


class SharedClock(sandbox_clock.Clock):
    """The platform's clock is ours: they move together, and only when told."""

    def __init__(self, ours: FakeClock) -> None:
        super().__init__()
        self.ours = ours

    def now(self) -> float:
        return self.ours.now().timestamp() + self.offset


class Line(httpx.AsyncBaseTransport):
    """The network to the platform. An answer can be kept from arriving, after the call has had its effect."""

    def __init__(self, platform: FastAPI) -> None:
        self._platform = httpx.ASGITransport(app=platform)
        self.silent = ""
        """The path whose answers do not arrive, such as `message/send`."""
        self.swallowed = asyncio.Event()
        self._waiting: set[asyncio.Task[Any]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._platform.handle_async_request(request)
        if self.silent and request.url.path.endswith(self.silent):
            await self._keep()
        return response

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


@dataclass
class Worker:
    """One process that works: its own services, its own connections, its own memory."""

    services: Services
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(work(self.services, self.stop))

    async def end(self) -> None:
        """As on SIGTERM: what is in hand is finished first."""
        self.stop.set()
        if self.task is not None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.task

    async def kill(self) -> None:
        """As far as kill -9 goes inside a process: everything under way is dropped where it stands."""
        assert self.task is not None
        self.task.cancel()
        _, alive = await asyncio.wait([self.task], timeout=PATIENCE_SECONDS)
        assert not alive
        await self.services.aclose()
