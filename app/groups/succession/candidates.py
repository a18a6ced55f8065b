"""Policy 1.9: who could follow an owner, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.groups import queries
from app.org import queries as org
from app.org.rules import may_act, seen_first
from app.roles import service as roles
from app.roles.service import Subject
from models.groups import Group, GroupState
from models.ids import PersonId
from models.org import Person

KIND = "own_group"
"""The kind of request by which somebody is asked: nobody applies for it."""

LONGEST_STANDING = 3
"""How many members are asked behind deputy and heads. Then a person decides: nobody asks hundreds one by one."""


def subject_key(group_id: UUID) -> str:
    """What such a request is about: one at a time asks for a group."""
    return f"group:{group_id}"


def in_turn(*, deputy: UUID | None, heads: Collection[UUID], remaining: Sequence[UUID]) -> list[UUID]:
    """The deputy, the heads of the department, the longest-standing. Members only: the platform wants it (86207)."""
    first = [one for one in remaining if one == deputy]
    headed = [one for one in remaining if one in heads and one != deputy]
    others = [one for one in remaining if one not in heads and one != deputy]
    return [*first, *headed, *others[:LONGEST_STANDING]]


@dataclass(frozen=True)
class Candidates:
    """Of those whom the policy names, as the group is now."""

    to_ask: Sequence[Person]
    """In turn."""
    declined: Sequence[Person]
    """Nobody asks them again while the same owner's place is empty, unless an administrator names them."""


async def candidates(session: AsyncSession, group: Group, *, former: Person) -> Candidates:
    """Members who may act: those seen by the last reading first, of them the longest-standing."""
    stays = [one for one in await queries.current_stays(session, group.id) if one.desired]
    # In a group that the platform has not confirmed yet nobody has been seen.
    inside = [one.person_id for one in stays if one.observed or group.state is not GroupState.ACTIVE]
    ids = [one for one in inside if one != former.id]
    people = await org.people_by_id(session, ids)
    heads = await roles.department_heads(session, Subject(former, group.department_id))
    remaining = [one.id for one in seen_first(people[one] for one in ids)]
    order = in_turn(deputy=group.deputy_id, heads={head.id for head in heads}, remaining=remaining)
    declined = await _declined(session, group, former)
    return Candidates([people[one] for one in order if one not in {person.id for person in declined}], declined)


async def _declined(session: AsyncSession, group: Group, former: Person) -> list[Person]:
    since = await queries.gone_since(session, group.id, former.id)
    if since is None:
        return []
    ids = await request_queries.declined_since(session, kind=KIND, subject_key=subject_key(group.id), since=since)
    people = await org.people_by_id(session, ids)
    return [people[one] for one in ids]


async def deputy_to_ask(session: AsyncSession, group: Group) -> Person | None:
    """The deputy, where they are in the group and may act."""
    stay = await queries.current_stay(session, group.id, group.deputy_id) if group.deputy_id else None
    if stay is None or not stay.desired or stay.person_id == group.desired_owner_id:
        return None
    deputy = await org.person(session, PersonId(stay.person_id))
    return deputy if deputy is not None and may_act(deputy) else None
