"""Who holds a permission in the whole company, the other way round than `holdings`; refusals name who may give it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority.decide import Authority, covers
from app.access.authority.holdings import bundles_of
from app.access.errors import NotPermitted, NotSeen
from app.audit.why import About
from app.org.rules import MAY_ACT, may_act
from app.org.service import by_name
from app.permissions import TITLES, Permission, Reach, Words
from app.policy import service as policies
from app.quotes import quoted
from app.roles import service as roles
from app.roles.service import Subject
from models.access import AccessGrant
from models.org import Person

NAMED: Final = 3
"""So many are enough to ask one of them."""


async def holders_of(
    session: AsyncSession, permission: Permission, *, now: datetime, without: UUID | None = None
) -> list[Person]:
    """Everybody who can act and holds it in the whole company, by a role or by a grant; by name. What somebody holds in
    a department or a group, or as everybody does, is not meant. The grant `without` does not count.
    """
    policy = await policies.in_force(session, now=now)
    giving = {name: rule for name, rule in bundles_of(policy.document).items() if permission in rule.permissions}
    found: dict[UUID, Person] = {}
    for rule in giving.values():
        for expression in rule.held_by:
            people = await roles.resolve(session, expression, Subject(), policy)
            found |= {person.id: person for person in people if may_act(person)}
    granted = (
        select(Person)
        .join(AccessGrant, col(AccessGrant.person_id) == col(Person.id))
        .where(col(AccessGrant.bundle).in_(list(giving)), col(AccessGrant.reach) == Reach.COMPANY.value)
        .where(col(AccessGrant.ended_at).is_(None), col(Person.status).in_(MAY_ACT))
        .where(or_(col(AccessGrant.ends_at).is_(None), col(AccessGrant.ends_at) > now))
    )
    if without is not None:
        granted = granted.where(col(AccessGrant.id) != without)
    found |= {person.id: person for person in (await session.scalars(granted)).unique()}
    return sorted(found.values(), key=by_name)


async def refused_by_name(session: AsyncSession, permission: Permission, *, now: datetime) -> NotPermitted:
    """The refusal with the names of those who may give it in the whole company."""
    words, ask = TITLES[permission], await _whom_to_ask(session, now=now)
    return NotPermitted(
        f"您没有{quoted(words.chinese)}的权限。需要时请向{ask.chinese}申请",
        f"You may not {words.english}. Ask {ask.english} if you need to",
        permission=permission.value,
    )


async def check_held(session: AsyncSession, authority: Authority, permission: Permission, *, now: datetime) -> None:
    """Raises `NotPermitted` when they hold it nowhere."""
    if not authority.holds(permission):
        raise await refused_by_name(session, permission, now=now)


async def check(
    session: AsyncSession, authority: Authority, permission: Permission, about: About, *, now: datetime
) -> None:
    """Raises `NotPermitted` when the permission is held nowhere, and `NotSeen` when it does not cover the object: that
    one reads like one that does not exist, down to whom it names.
    """
    await check_held(session, authority, permission, now=now)
    if not await covers(session, authority, permission, about):
        ask = await _whom_to_ask(session, now=now)
        raise NotSeen(
            f"没有这一项，或它不在您能查看的范围内。需要时请向{ask.chinese}申请",
            f"There is no such thing, or it is not for you to see. Ask {ask.english} if you need to",
        )


async def _whom_to_ask(session: AsyncSession, *, now: datetime) -> Words:
    names = [person.name for person in (await holders_of(session, Permission.ACCESS_GRANT, now=now))[:NAMED]]
    if not names:
        return Words("信息部门", "the IT department")
    return Words(f" {'、'.join(names)} ", " or ".join(names))
