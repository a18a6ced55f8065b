"""Who came back under the userid of somebody who had left: compared by what both are known by, and linked in one step.

After a mass loss that was none, everybody comes back at once. Nobody is linked unasked (D17); one confirmation is
enough for all of whom userid, name and a department are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.org import queries
from app.org.errors import NothingToReview
from app.org.identity import link_userid
from app.overview.service import Asked, Figure, Level, Measure, Place, found_in
from app.permissions import Permission
from app.web.pagination import PageQuery, paginate
from models.ids import DepartmentId, PersonId, fold
from models.org import Person, UseridReview

_RETURNED = Measure(
    "members.returned",
    Level.WRONG,
    "离职后又出现、等待确认的账号",
    "accounts that came back after their person had left, not decided",
    Permission.PERSON_READ,
    found_in(Place.RETURNED_MEMBERS),
)


async def counted(session: AsyncSession, _asked: Asked) -> list[Figure]:
    """For the overview: accounts about which nobody has decided."""
    statement = select(func.count(), func.min(col(UseridReview.found_at))).where(col(UseridReview.decision).is_(None))
    return [_RETURNED.figure(*(await session.execute(statement)).one())]


@dataclass(frozen=True)
class Returner:
    """An account whose userid belonged to somebody who had left."""

    userid: str
    newcomer: Person
    former: Person
    shared_departments: list[DepartmentId]
    """Where the newcomer is, and where the former person was until they left."""

    @property
    def is_same_name(self) -> bool:
        return bool(self.former.name) and self.former.name == self.newcomer.name

    @property
    def is_alike(self) -> bool:
        """Userid, name and a department are the same: linked with the others in one step."""
        return self.is_same_name and bool(self.shared_departments)


@dataclass(frozen=True)
class ReturnerPage:
    items: Sequence[Returner]
    next_cursor: str | None
    alike: int
    """How many there are in all that one step links."""


async def returners_listed(session: AsyncSession, *, page: PageQuery) -> ReturnerPage:
    """Undecided, the latest first."""
    statement, columns = queries.open_reviews(), (col(UseridReview.found_at), col(UseridReview.id))
    rows, cursor = await paginate(session, statement, *columns, page=page)
    alike = await alike_returners(session)
    return ReturnerPage(await compare_returners(session, rows), cursor, len(alike))


async def compare_returners(session: AsyncSession, reviews: Sequence[UseridReview]) -> list[Returner]:
    people = await queries.people_by_id(
        session, [one for r in reviews for one in (r.new_person_id, r.former_person_id)]
    )
    shown = await queries.userids_of(session, [review.new_person_id for review in reviews])
    here = await queries.departments_of_people(session, [review.new_person_id for review in reviews])
    before = await queries.last_departments_of(session, [review.former_person_id for review in reviews])
    return [
        Returner(
            userid=shown.get(review.new_person_id, review.userid),
            newcomer=people[review.new_person_id],
            former=people[review.former_person_id],
            shared_departments=sorted(
                here.get(review.new_person_id, set()) & before.get(review.former_person_id, set())
            ),
        )
        for review in reviews
    ]


async def alike_returners(session: AsyncSession) -> list[Returner]:
    """Whom one step links."""
    found = await compare_returners(session, (await session.scalars(queries.open_reviews())).all())
    return [one for one in found if one.is_alike]


async def link_returners(
    session: AsyncSession, *, userids: Sequence[str] | None, actor: Actor, now: datetime
) -> list[Returner]:
    """Link these, or everybody who is alike. Raises `NothingToReview`, and links nobody, if one of them is not."""
    alike = {fold(one.userid): one for one in await alike_returners(session)}
    if userids is not None:
        if unlike := [userid for userid in userids if fold(userid) not in alike]:
            raise NothingToReview(
                f"这些账号不能一次关联：{'、'.join(unlike)}；没有待确认的记录，或姓名、部门与离职前不同，请逐个确认",
                f"These accounts cannot be linked at once: {', '.join(unlike)}. No review is open, or name "
                "or departments differ from before: decide them one by one",
                userid=unlike[0],
            )
        alike = {fold(userid): alike[fold(userid)] for userid in userids}
    for one in alike.values():
        await link_userid(session, userid=one.userid, person_id=PersonId(one.former.id), actor=actor, now=now)
    return list(alike.values())
