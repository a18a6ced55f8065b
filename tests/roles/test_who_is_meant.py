"""F119: who answers to each role of the policy today, for people."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.database import transaction
from app.policy.document import default_document
from app.policy.sections.people import Expression
from app.roles import service as roles
from app.settings import Settings
from models.org import PersonStatus
from tests.builders.org import person, tag
from tests.company import PERSONNEL, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock

HR = Expression.parse("role:hr")


async def meant(session: AsyncSession, *texts: str) -> dict[str, roles.Meant]:
    wanted = [Expression.parse(text) for text in texts]
    return {str(one.expression): one for one in await roles.who_is_meant(session, default_document(), wanted)}


async def test_holders_are_named_with_their_departments(session: AsyncSession, company: Company) -> None:
    hr = (await meant(session, "role:hr"))["role:hr"]
    assert [(one.name, one.department) for one in hr.people] == [("孙宁", "人力资源部"), ("韩梅", "人力资源部")]
    assert hr.count == 2
    assert hr.chinese.endswith("（role:hr）")
    assert hr.places == roles.named_in(default_document())[HR] != []


async def test_who_may_not_act_holds_nothing(session: AsyncSession, company: Company) -> None:
    company.sun.status = PersonStatus.DISABLED
    await session.flush()
    assert [one.name for one in (await meant(session, "role:hr"))["role:hr"].people] == ["韩梅"]


async def test_what_nobody_holds_is_shown_as_vacant(session: AsyncSession, company: Company) -> None:
    vacant = (await meant(session, "tag:没有人"))["tag:没有人"]
    assert (vacant.count, vacant.people, vacant.places) == (0, [], [])


async def test_of_a_crowd_the_first_are_named(session: AsyncSession, company: Company) -> None:
    userids = [f"u{number:03}" for number in range(roles.MOST_NAMED + 5)]
    for userid in userids:
        await person(session, userid, departments=[PERSONNEL])
    await tag(session, 7, "志愿者", userids=userids)
    crowd = (await meant(session, "tag:志愿者"))["tag:志愿者"]
    assert (crowd.count, len(crowd.people)) == (roles.MOST_NAMED + 5, roles.MOST_NAMED)


async def test_a_handful_of_statements_however_many_roles_there_are(session: AsyncSession, company: Company) -> None:
    async def statements(*texts: str) -> int:
        ran: list[str] = []
        connection = (await session.connection()).sync_connection

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            ran.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        try:
            await meant(session, *texts)
        finally:
            event.remove(connection, "before_cursor_execute", note)
        return len(ran)

    many = [str(one) for one in roles.named_in(default_document())] + [f"tag:{number}" for number in range(50)]
    assert await statements(*many) <= await statements("role:hr") + 3


async def test_rest(shared_engine: AsyncEngine, clock: FakeClock, settings: Settings) -> None:
    async with rolled_back(shared_engine) as sessions:
        async with transaction(sessions) as session:
            company = await found(session)
        async with serving(sessions, clock, settings, scopes=["policy:read"]) as client:
            first = await answer(client.get("/policy/roles", params={"limit": 1}))
            rest = await answer(client.get("/policy/roles", params={"cursor": first["next_cursor"]}))
        async with serving(sessions, clock, settings, scopes=["org:read"]) as client:
            await answer(client.get("/policy/roles"), 403)
    listed = first["items"] + rest["items"]
    assert [one["expression"] for one in listed] == [str(one) for one in roles.named_in(company.policy.document)]
    [hr] = [one for one in listed if one["expression"] == "role:hr"]
    assert (hr["count"], {one["userid"] for one in hr["people"]}) == (2, {"han", "sun"})
