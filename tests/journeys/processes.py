"""What a world consists of below its stories: workers that can die."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.bootstrap import Services
from app.worker import work

PATIENCE_SECONDS = 20.0


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
