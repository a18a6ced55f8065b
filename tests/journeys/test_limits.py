"""P7: four workers under small limits. The platform's own counters say that nothing was ever over, in any window, that
nothing of ours was silently dropped, and that nearly all of each limit was used while work waited.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.audit.why import About, Why
from app.database import transaction
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.policy import service as policies
from app.wecom.errors import QuotaExhausted
from app.wecom.exchange import Call
from models.audit import ObjectKind
from models.delivery import DeliveryState, MessageClass
from models.ids import PersonId
from models.org import PersonUserid
from tests.journeys.world import World

WORKERS = 4
A_MINUTE, AN_HOUR = 6, 50
"""What one member may receive, here."""
CALLS_A_MINUTE = 40
"""What one path may be called, here."""


@pytest.fixture
async def office(world: World) -> World:
    """The same small numbers on both sides, and four workers."""
    await world.sandbox.change_limits(
        member_per_minute=A_MINUTE, member_per_hour=AN_HOUR, api_per_minute=CALLS_A_MINUTE
    )
    for key, most in (
        ("message.member.minute", A_MINUTE),
        ("message.member.hour", AN_HOUR),
        ("api.corp.minute", CALLS_A_MINUTE),
    ):
        changed = await world.rest.patch(f"/quota/{key}", json={"most": most})
        assert changed.json()["most"] == most, changed.text
    for _ in range(WORKERS - 1):
        world.start_worker()
    # What the company's first hour has used does not count for the test.
    world.advance(timedelta(minutes=62))
    await world.settled()
    await world.sandbox.forget_limits()
    return world


async def people_of(world: World, count: int) -> list[PersonId]:
    """Colleagues who can be reached."""
    active = [row["userid"] for row in await world.sandbox.people(limit=500) if row["status"] == 1]
    async with world.services.sessions() as session:
        statement = select(col(PersonUserid.person_id)).where(
            col(PersonUserid.shown).in_(active), col(PersonUserid.ended_at).is_(None)
        )
        found = (await session.scalars(statement.order_by(col(PersonUserid.userid)))).all()
    return [PersonId(person) for person in found[:count]]


async def write(world: World, to: list[PersonId], said: str) -> None:
    now = world.clock.now()
    async with transaction(world.services.sessions) as session:
        policy = await policies.in_force(session, now=now)
        await delivery.send_text(
            session,
            MessageHeader(
                "test.text",
                About(ObjectKind.GROUP, 1),
                Why(SYSTEM, "delivery.hours", policy.id),
                MessageClass.ANSWER,
            ),
            to=to,
            text=said,
            now=now,
        )


async def next_release(world: World) -> datetime | None:
    async with world.services.sessions() as session:
        due = await session.execute(text("SELECT min(due_at) FROM timers WHERE kind = 'delivery.release'"))
        moment: datetime | None = due.scalar_one()
        return moment


async def states(world: World) -> dict[str, int]:
    async with world.services.sessions() as session:
        rows = await session.execute(
            text(
                "SELECT d.state, count(*) AS people FROM deliveries d JOIN messages m ON m.id = d.message_id "
                "WHERE m.purpose = 'test.text' GROUP BY d.state"
            )
        )
        return {str(row.state): int(row.people) for row in rows}


async def gauge(world: World, rule: str) -> dict[str, Any]:
    [row] = [row for row in await world.sandbox.limits() if row["rule"] == rule]
    return row


class TestFourWorkers:
    async def test_messages_are_never_over_never_dropped_and_nearly_use_the_limit(self, office: World) -> None:
        people = await people_of(office, 5)
        # Every third goes to all, the others to three each: some are at their limit while others are not.
        threes = itertools.cycle(itertools.combinations(people, 3))
        for number in range(30):
            await write(office, people if number % 3 == 0 else list(next(threes)), f"第 {number} 条")
        started = office.clock.now()
        audience = sum((await states(office)).values())
        await office.settled()
        while (await states(office)).get("held"):
            release = await next_release(office)
            assert release is not None, "everything that is held has a moment"
            await office.be(max(release, office.clock.now()))

        assert await states(office) == {DeliveryState.SENT: audience}
        minute, hour = await gauge(office, "member_per_minute"), await gauge(office, "member_per_hour")
        assert (minute["peak"], minute["dropped"]) == (A_MINUTE, 0)
        assert hour["peak"] <= AN_HOUR
        assert hour["dropped"] == 0
        assert (await gauge(office, "app_daily_factor"))["refused"] == 0
        # Whoever gets the most decides how long it takes: one full minute after the other.
        counters = await office.sandbox.limit_counters("message member")
        received = max(row["peak"] for row in counters if row["rule"] == "member_per_hour")
        assert received > 2 * A_MINUTE
        full_minutes = (received - 1) // A_MINUTE
        assert full_minutes / ((office.clock.now() - started) / timedelta(minutes=1)) >= 0.9

    async def test_calls_of_one_path_are_never_over_and_nearly_use_the_limit(self, office: World) -> None:
        """Each process leases blocks; together they stay below, and leave next to nothing."""
        processes = [office.services, *(office.new_services() for _ in range(WORKERS - 1))]

        async def call_until_refused(process: Any) -> int:
            made = 0
            client = process.platform.app
            while True:
                try:
                    # As a write: it is told to come back, where a read would wait.
                    await client._exchange.perform(Call("agent/list", is_write=True, app_id="app"), auth=client._auth)
                except QuotaExhausted:
                    return made
                made += 1

        minutes, made = 3, 0
        for _ in range(minutes * 60):
            made += sum(await asyncio.gather(*(call_until_refused(process) for process in processes)))
            office.advance(timedelta(seconds=1))
        counter = next(
            row
            for row in await office.sandbox.limit_counters("api")
            if row["rule"] == "api_per_minute" and "agent/list" in row["subject"]
        )
        assert counter["peak"] <= CALLS_A_MINUTE
        assert counter["refused"] == 0
        assert made >= 0.9 * minutes * CALLS_A_MINUTE
