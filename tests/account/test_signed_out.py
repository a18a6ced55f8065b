"""Policy 6.16: whoever is signed out by somebody else hears by whom, when, and what to do; once, and not at night."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from structlog.contextvars import bound_contextvars

from app.access import service as access
from app.account import service
from app.account.jobs import SIGNED_OUT, tell_signed_out
from app.audit.actor import SYSTEM, Actor, ActorKind, person_actor
from app.database import Sessions, transaction
from app.settings import Settings
from models.audit import AuditEntry
from models.delivery import Message
from models.org import Person, PersonStatus
from tests.company import SIX, OpenCompany, open_company
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock
from tests.fakes.queue import queued

LIFETIME = access.Lifetime(idle=timedelta(days=7), longest=timedelta(days=30))


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def office(sessions: Sessions, clock: FakeClock, settings: Settings) -> AsyncIterator[OpenCompany]:
    async with open_company(OpenCompany, sessions, clock, settings, people=SIX, delivery__jitter_seconds=0) as opened:
        yield opened


async def sign_in(office: OpenCompany, person: Person, *, places: int = 2) -> None:
    async with transaction(office.sessions) as session:
        for number in range(places):
            await access.start(
                session,
                person,
                way=access.Way.CLIENT,
                browser=f"手机 {number}",
                lifetime=LIFETIME,
                now=office.clock.now(),
            )


async def end(office: OpenCompany, person: Person, by: Actor, *, correlation_id: str = "one") -> int:
    with bound_contextvars(correlation_id=correlation_id):
        async with transaction(office.sessions) as session:
            return await access.end_for(session, person.id, by=by, now=office.clock.now())


async def told(office: OpenCompany) -> list[Message]:
    async with transaction(office.sessions) as session:
        statement = select(Message).where(col(Message.purpose) == service.SIGNED_OUT).order_by(col(Message.id))
        return list(await session.scalars(statement))


async def texts(office: OpenCompany, userid: str) -> list[str]:
    """What their phone shows."""
    return [one["text"] for one in await office.sandbox.app_messages(userid) if one["msgtype"] == "text"]


async def test_they_read_who_when_and_what_to_do(office: OpenCompany) -> None:
    company = office.company
    await sign_in(office, company.li)
    assert await end(office, company.li, person_actor(company.han.id)) == 2
    await office.work()
    [text] = await texts(office, "li")
    assert text.startswith("您在企微管家各处的登录（2 处）已于 03-02 09:00 由韩梅结束。")
    assert text.endswith("要继续使用，请重新登录。如果这不是您要求的，请告知信息部门。")
    assert await texts(office, "han") == []
    [message] = await told(office)
    assert (message.rule_key, message.actor) == ("account.signed_out", str(person_actor(company.han.id)))


async def test_at_night_it_waits_for_the_morning(office: OpenCompany) -> None:
    """3.4: nobody is disturbed in the rest period; the sessions have ended at once."""
    office.clock.advance(timedelta(hours=15))
    await sign_in(office, office.company.li)
    await end(office, office.company.li, person_actor(office.company.han.id))
    await office.work()
    assert await texts(office, "li") == []
    await office.pass_time(hours=8)
    [text] = await texts(office, "li")
    assert "已于 03-03 00:00 由韩梅结束" in text


async def test_a_key_and_an_operator_have_names(office: OpenCompany) -> None:
    async with transaction(office.sessions) as session:
        key, _ = await access.create_key(
            session, name="安全平台", scopes=["admin:write"], actor=SYSTEM, now=office.clock.now()
        )
    for number, by in enumerate([Actor(ActorKind.API_KEY, str(key.id)), Actor(ActorKind.OPERATOR, "root"), SYSTEM]):
        await sign_in(office, office.company.li)
        await end(office, office.company.li, by, correlation_id=str(number))
    await office.work()
    said = [text.partition("由")[2].partition("结束")[0] for text in await texts(office, "li")]
    assert sorted(said) == sorted(["接口密钥“安全平台”", "服务的运维人员", "服务的运维人员"])


async def test_a_job_that_runs_again_tells_nobody_again(office: OpenCompany) -> None:
    await sign_in(office, office.company.li)
    await end(office, office.company.li, person_actor(office.company.han.id))
    async with transaction(office.sessions) as session:
        [payload] = await queued(session, SIGNED_OUT)
    for _ in range(2):
        with bound_contextvars(correlation_id=payload.correlation_id):
            await tell_signed_out(office.ctx, payload)
    assert len(await told(office)) == 1


async def test_each_time_it_happens_it_is_told(office: OpenCompany) -> None:
    for number in range(2):
        await sign_in(office, office.company.li)
        await end(office, office.company.li, person_actor(office.company.han.id), correlation_id=str(number))
        async with transaction(office.sessions) as session:
            payload = (await queued(session, SIGNED_OUT))[-1]
        with bound_contextvars(correlation_id=payload.correlation_id):
            await tell_signed_out(office.ctx, payload)
    assert len(await told(office)) == 2


async def test_whoever_ends_their_own_is_not_told(office: OpenCompany) -> None:
    await sign_in(office, office.company.han)
    assert await end(office, office.company.han, person_actor(office.company.han.id)) == 2
    await office.work()
    assert await told(office) == []


async def test_nothing_was_open_and_nothing_is_said(office: OpenCompany) -> None:
    assert await end(office, office.company.li, person_actor(office.company.han.id)) == 0
    await office.work()
    assert await told(office) == []


async def test_nothing_is_sent_to_who_cannot_read_it(office: OpenCompany) -> None:
    await sign_in(office, office.company.li)
    await end(office, office.company.li, person_actor(office.company.han.id))
    async with transaction(office.sessions) as session:
        (await session.get_one(Person, office.company.li.id)).status = PersonStatus.DISABLED
    await office.work()
    assert await told(office) == []


async def test_the_trail_has_one_row_about_the_person(office: OpenCompany) -> None:
    await sign_in(office, office.company.li)
    await end(office, office.company.li, person_actor(office.company.han.id))
    async with transaction(office.sessions) as session:
        statement = select(AuditEntry).where(col(AuditEntry.action) == "person.signed_out")
        [row] = await session.scalars(statement)
    assert (row.actor_id, UUID(row.object_id)) == (str(office.company.han.id), office.company.li.id)
