"""Who holds a permission in the whole company: the other way round than `holdings`."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority.decide import refused
from app.access.authority.holdings import bundles_of
from app.access.errors import NotPermitted
from app.org.rules import MAY_ACT, may_act
from app.permissions import Permission, Reach, Words
from app.policy import service as policies
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
    return sorted(found.values(), key=lambda person: (person.name, person.id))


async def refused_by_name(session: AsyncSession, permission: Permission, *, now: datetime) -> NotPermitted:
    """The refusal with the names of those who may give it in the whole company."""
    names = [person.name for person in (await holders_of(session, Permission.ACCESS_GRANT, now=now))[:NAMED]]
    if not names:
        return refused(permission, Words("信息部门", "the IT department"))
    return refused(permission, Words(f" {'、'.join(names)} ", " or ".join(names)))
