"""The second process: the same services, running events, jobs and timers. `steward run` has it inside."""

from __future__ import annotations

import asyncio

from app.bootstrap import Services
from app.database import transaction
from app.delivery import jobs as delivery
from app.events.service import PositionWriter
from app.groups import jobs as groups
from app.observability import get_logger
from app.org import service as org
from app.policy import service as policies

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
    """The backbone's timers, and a sync at once after downtime."""
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        policy = await policies.in_force(session, now=now)
        await org.ensure_scheduled(session, now=now, interval=services.settings.sync_interval)
        await groups.ensure_scheduled(session, now=now, policy=policy)
        await delivery.ensure_scheduled(session, now=now)
    log.info("worker.started")


async def _stop_jobs(services: Services, stop: asyncio.Event) -> None:
    await stop.wait()
    services.jobs.stop()
