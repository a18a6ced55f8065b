"""The second process: the same services, running events, jobs and timers. `steward run` has it inside."""

from __future__ import annotations

import asyncio

from app.bootstrap import Services
from app.database import transaction
from app.events.service import PositionWriter
from app.observability import get_logger

log = get_logger()


async def work(services: Services, stop: asyncio.Event) -> None:
    """Work until `stop` is set; what is under way is finished first. One failing part ends all, and is raised."""
    await schedule_recurring(services)
    stopper = asyncio.create_task(_stop_jobs(services, stop))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(services.inbox.run(stop))
            group.create_task(services.jobs.run())
            group.create_task(PositionWriter(services.sessions).run(stop))
    finally:
        stopper.cancel()


async def schedule_recurring(services: Services) -> None:
    """What each domain does at start: its recurring timers, and a sync at once after a time down."""
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        for step in services.registry.start_up:
            await step(session, now=now, settings=services.settings)
    log.info("worker.started")


async def _stop_jobs(services: Services, stop: asyncio.Event) -> None:
    await stop.wait()
    services.jobs.stop()
