"""Who holds a permission in the whole company: the other way round than `holdings`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority.holdings import bundles_of
from app.org.rules import MAY_ACT, may_act
from app.permissions import Permission, Reach
from app.policy import service as policies
from app.roles import service as roles
from app.roles.service import Subject
from models.access import AccessGrant
from models.org import Person


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
