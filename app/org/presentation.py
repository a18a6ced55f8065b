"""Members as the REST edge shows them: each row with its userid and departments, read in three statements a page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries
from app.org.errors import PersonUnknown
from app.org.schemas import Member
from models.org import Person


async def as_members(session: AsyncSession, people: Sequence[Person]) -> list[Member]:
    ids = [person.id for person in people]
    userids = await queries.last_userids_of(session, ids)
    places = await queries.memberships_of(session, ids)
    return [
        Member.of(person, userid=userids.get(person.id, ""), memberships=places.get(person.id, [])) for person in people
    ]


async def find_member(session: AsyncSession, userid: str) -> Person:
    """Whom the userid names now, else whom it named last."""
    person = await queries.person_by_userid(session, userid) or await queries.former_person_of(session, userid)
    if person is None:
        raise PersonUnknown(f"没有成员 {userid}", userid=userid)
    return person
