"""What two people do about access: one wants to give a bundle in the whole company, another confirms (F197).

Whoever could give it alone would make their own second person. Taking back needs nobody else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.authority import queries
from app.access.authority.grants import Wanted, authority_of, check_giver, check_wanted, grant
from app.access.authority.holdings import bundles_of
from app.audit.actor import person_actor
from app.calendar import service as calendars
from app.dual_control import Needs, TwoPersonAct, TwoPersonHandler
from app.org import queries as org
from app.org import service as org_service
from app.org.rules import department_written
from app.permissions import Permission, Reach, Words
from app.policy import service as policies
from app.quotes import quoted
from app.web.schemas import AsText, Input, Moment, Userid
from models.groups import Group
from models.ids import PersonId
from models.org import Person


class GrantIn(Input):
    """A bundle that somebody is to have."""

    person: Userid = Field(description="userid of whom it is for.")
    bundle: Annotated[str, Field(min_length=1, max_length=64, examples=["it"])]
    reason: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="They and the audit read it.")
    reach: AsText[Reach] = Field(Reach.COMPANY, description="`company`, `department` or `group`.")
    place: str = Field(
        "", max_length=64, description="The department's number or the group's id; empty for the company."
    )
    ends_at: Moment | None = Field(default=None, description="With its time zone; none is without an end.")

    async def wanted(self, session: AsyncSession) -> Wanted:
        """Raises `PersonUnknown`."""
        person = await org_service.person_named(session, self.person)
        return Wanted(person, self.bundle, self.reason, self.reach, self.place, self.ends_at)


async def needs_of_grant(session: AsyncSession, payload: GrantIn, *, now: datetime) -> Needs:  # noqa: ARG001 -- every act is asked alike
    """Nobody gives to themselves, neither by asking nor by confirming."""
    return Needs(not_by=frozenset([(await payload.wanted(session)).person.id]))


async def describe_grant(
    session: AsyncSession,
    payload: GrantIn,
    *,
    asker: Person,  # noqa: ARG001 -- every act is described alike
    now: datetime,
) -> list[tuple[str, str]]:
    wanted = await payload.wanted(session)
    rule = await check_wanted(session, wanted, now=now)
    zone = calendars.timezone_of(session)
    until = f"{wanted.ends_at.astimezone(zone):%Y-%m-%d}" if wanted.ends_at else "长期"
    return [
        ("授予", wanted.person.name),
        ("权限组", rule.title),
        ("范围", await _place(session, wanted.reach, wanted.place)),
        ("截止", until),
        ("理由", wanted.reason),
        ("现在已有", await _held(session, wanted.person, now=now)),
    ]


async def _held(session: AsyncSession, person: Person, *, now: datetime) -> str:
    """What they were given before, so that who confirms sees what comes to what."""
    rows = await session.scalars(queries.living(now=now, person_id=PersonId(person.id)))
    bundles = bundles_of((await policies.in_force(session, now=now)).document)
    titles = {name: rule.title for name, rule in bundles.items()}
    held = [f"{titles.get(row.bundle, row.bundle)}（{await _place(session, row.reach, row.place)}）" for row in rows]
    return "、".join(held) or "没有单独授予的权限"


async def _place(session: AsyncSession, reach: str, place: str) -> str:
    if reach == Reach.COMPANY:
        return "全公司"
    if reach == Reach.GROUP:
        group = await session.get(Group, UUID(place))
        return f"群{quoted(group.observed_name or group.desired_name)}" if group else "一个已不存在的群"
    number = department_written(place)
    found = await org.department(session, number) if number is not None else None
    return f"{found.name if found else place}及其下级"


async def check_asker(session: AsyncSession, payload: GrantIn, *, asker: Person, now: datetime) -> None:
    wanted = await payload.wanted(session)
    rule = await check_wanted(session, wanted, now=now)
    authority = await authority_of(session, asker, now=now)
    await check_giver(session, wanted, rule, actor=person_actor(asker.id), authority=authority, now=now)


async def give(session: AsyncSession, payload: GrantIn, *, asker: Person, now: datetime) -> str:
    authority, actor = await authority_of(session, asker, now=now), person_actor(asker.id)
    row = await grant(session, await payload.wanted(session), actor=actor, authority=authority, now=now)
    return str(row.id)


ACTS: dict[str, TwoPersonHandler] = {
    TwoPersonAct.ACCESS_GRANT: TwoPersonHandler(
        title=Words("在全公司授予权限", "grant access in the whole company"),
        permission=Permission.ACCESS_GRANT,
        payload=GrantIn,
        describe=describe_grant,
        carry_out=give,
        needs=needs_of_grant,
        check_asker=check_asker,
    ),
}
