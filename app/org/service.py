"""The organisation, for others: who a userid names, and what people decide about userids that come back (D17)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries
from app.org.errors import PersonUnknown
from app.org.identity import link_former, link_userid, rename, separate_userid
from app.org.lists import MemberFilter, members, subtree
from app.org.named_people import NamedPerson, named_people
from app.org.read_again import (
    DEPARTMENTS_READ_AGAIN,
    PEOPLE_READ_AGAIN,
    not_shown_in,
    read_again_since,
    rejoined_since,
)
from app.org.returners import (
    Returner,
    ReturnerPage,
    alike_returners,
    compare_returners,
    link_returners,
    returners_listed,
)
from app.org.search.find import FoundDepartment, departments_by_id, first_departments, search_departments, search_people
from app.org.search.ordering import PEOPLE_BY_NAME, by_name, page_by_name, with_names
from app.org.shown import (
    PEOPLE_SORTED,
    ChangePage,
    DepartmentPage,
    PersonLine,
    PersonPage,
    changes_listed,
    departments_seen,
    people_lines,
    people_seen,
    people_sheet,
    person_shown,
)
from app.org.sight import (
    Place,
    among,
    departments_seen_by,
    headships_of,
    is_in,
    people_in,
    people_outside,
    place_of,
    seen_by,
)
from models.ids import PersonId, fold
from models.org import Person

__all__ = [
    "DEPARTMENTS_READ_AGAIN",
    "PEOPLE_BY_NAME",
    "PEOPLE_READ_AGAIN",
    "PEOPLE_SORTED",
    "ChangePage",
    "DepartmentPage",
    "FoundDepartment",
    "MemberFilter",
    "NamedPerson",
    "PersonLine",
    "PersonPage",
    "Place",
    "Returner",
    "ReturnerPage",
    "alike_returners",
    "among",
    "by_name",
    "changes_listed",
    "compare_returners",
    "departments_by_id",
    "departments_seen",
    "departments_seen_by",
    "first_departments",
    "headships_of",
    "id_named",
    "id_named_or_former",
    "is_in",
    "link_former",
    "link_returners",
    "link_userid",
    "members",
    "named_people",
    "not_shown_in",
    "page_by_name",
    "people_in",
    "people_lines",
    "people_named",
    "people_outside",
    "people_seen",
    "people_sheet",
    "person_named",
    "person_named_or_former",
    "person_shown",
    "place_of",
    "read_again_since",
    "rejoined_since",
    "rename",
    "returners_listed",
    "search_departments",
    "search_people",
    "seen_by",
    "separate_userid",
    "subtree",
    "with_names",
]


async def person_named(session: AsyncSession, userid: str) -> Person:
    """Whom the userid names now. Raises `PersonUnknown`."""
    return (await people_named(session, [userid]))[0]


async def people_named(session: AsyncSession, userids: Sequence[str]) -> list[Person]:
    """Whom these userids name now, each person once. Raises `PersonUnknown` with all that name nobody."""
    found = await queries.people_by_userids(session, userids)
    if missing := [userid for userid in userids if fold(userid) not in found]:
        raise _unknown(missing)
    return list(found.values())


async def id_named(session: AsyncSession, userid: str | None) -> PersonId | None:
    """For the filter of a list: whom it names now, None without a userid. Raises `PersonUnknown`."""
    return PersonId((await person_named(session, userid)).id) if userid else None


async def id_named_or_former(session: AsyncSession, userid: str | None) -> PersonId | None:
    """For the filter of a list that also finds who has left. Raises `PersonUnknown`."""
    return PersonId((await person_named_or_former(session, userid)).id) if userid else None


async def person_named_or_former(session: AsyncSession, userid: str) -> Person:
    """Whom the userid names now, else whom it named last. Raises `PersonUnknown`."""
    person = await queries.person_by_userid(session, userid) or await queries.former_person_of(session, userid)
    if person is None:
        raise _unknown([userid])
    return person


def _unknown(userids: Sequence[str]) -> PersonUnknown:
    return PersonUnknown(
        f"没有账号为 {'、'.join(userids)} 的成员",
        f"There is no member with the userid {', '.join(userids)}",
        userid=userids[0],
    )
