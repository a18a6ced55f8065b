"""`/api/v1/quota`: use, forecast, and changes that hold for everybody at once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.limits import numbers
from app.limits.breaker import Block, _row_of
from app.limits.report import refresh_gauges, report
from app.limits.usage import reservations
from app.limits.usage.counters import Demand
from app.observability import LIMIT_USED, PATH_BLOCKED
from app.probes.router import find_degraded
from app.quota import presentation
from app.quota.schemas import LimitOut
from app.quota.service import change_limit
from tests.fakes.clock import MONDAY_9AM


async def shown(session: AsyncSession, key: str) -> LimitOut:
    found = await report(session, now=MONDAY_9AM)
    return next(presentation.limit(use) for use in found.limits if use.limit.key == key)


class TestUse:
    async def test_of_members_is_told_in_numbers_and_not_in_names(self, session: AsyncSession) -> None:
        await numbers.change(session, "message.member.minute", now=MONDAY_9AM, most=4)
        for subject, times in (("app:one", 3), ("app:two", 1)):
            for _ in range(times):
                await reservations.reserve(session, [Demand("message.member", subject)], now=MONDAY_9AM)
        limit = await shown(session, "message.member.minute")
        assert (limit.used, limit.allowed, limit.percent) == (3, 4, 75.0)
        assert [(top.subject, top.used) for top in limit.top] == [(None, 3), (None, 1)]
        assert limit.full_at is not None

    async def test_of_paths_names_them(self, session: AsyncSession) -> None:
        await reservations.reserve(session, [Demand("api.corp", "user/list", 7)], now=MONDAY_9AM)
        limit = await shown(session, "api.corp.minute")
        assert [(top.subject, top.used) for top in limit.top] == [("user/list", 7)]

    async def test_is_exposed_as_metrics_and_blocks_make_the_service_degraded(self, session: AsyncSession) -> None:
        await reservations.reserve(session, [Demand("appchat.update", "")], now=MONDAY_9AM)
        block = Block("hour", MONDAY_9AM + timedelta(minutes=30), MONDAY_9AM, 1)
        session.add(_row_of(block, "", "appchat/update", 45009))
        await session.flush()
        await refresh_gauges(session, now=MONDAY_9AM)
        assert LIMIT_USED.labels("appchat.update.hour")._value.get() == 1
        assert PATH_BLOCKED.labels("appchat/update")._value.get() == 1800
        degraded = await find_degraded(session, now=MONDAY_9AM)
        assert "limit:appchat/update" in [found.what for found in degraded]
        assert (await shown(session, "appchat.update.hour")).blocked_until == block.until


class TestChanges:
    async def test_of_the_share_hold_at_once_and_none_takes_them_back(self, session: AsyncSession) -> None:
        key = "appchat.create.day"
        await change_limit(session, key=key, changes={"share": 0.5}, actor=SYSTEM, now=MONDAY_9AM)
        assert (await shown(session, key)).allowed == 500
        await change_limit(session, key=key, changes={"share": None, "most": 80}, actor=SYSTEM, now=MONDAY_9AM)
        assert (await shown(session, key)).allowed == 80
        await change_limit(session, key=key, changes={"most": None}, actor=SYSTEM, now=MONDAY_9AM)
        assert (await shown(session, key)).allowed == 1000
