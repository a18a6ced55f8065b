"""Who is who when userids change (D17): renamed, re-used, linked by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.observability import current_correlation_id
from app.org import queries
from app.org.errors import NothingToReview, PersonUnknown
from app.org.read_again import REJOINED, SAME_DEPARTMENT
from models.ids import PersonId, fold
from models.org import Membership, OrgChange, Person, PersonStatus, PersonUserid, UseridReview

TOLD = (
    "name",
    "alias",
    "position",
    "status",
    "main_department_id",
    "direct_leader_userids",
    "extra",
    "details_known",
)


async def rename(session: AsyncSession, *, old: str, new: str, run_id: UUID | None, now: datetime) -> bool:
    """The same person under another userid; everything of theirs stays (F23). False when there was nothing to do."""
    if fold(old) == fold(new):
        return False
    person = await queries.person_by_userid(session, old)
    holder = await queries.person_by_userid(session, new)
    if holder is not None and await _has_been(session, holder, old):
        return False  # told twice; and by now the old userid may be somebody else's
    if person is None or (holder is not None and holder.first_seen_at < person.first_seen_at):
        await _ask_a_person(session, new=new, old=old, holder=holder, now=now)
        return False
    if holder is not None:
        # A full run met the new userid before we heard of the rename.
        await _absorb(session, keep=person, drop=holder, run_id=run_id, now=now)
    await _close_userids(session, person, now=now)
    _open_userid(session, person, new, now=now)
    person.updated_at = now
    _note(session, person, "renamed", {"userid": old}, {"userid": new}, run_id=run_id, now=now)
    await session.flush()
    return True


async def _has_been(session: AsyncSession, person: Person, userid: str) -> bool:
    statement = select(col(PersonUserid.id)).where(
        col(PersonUserid.person_id) == person.id,
        col(PersonUserid.userid) == fold(userid),
        col(PersonUserid.ended_at).is_not(None),
    )
    return (await session.scalars(statement.limit(1))).one_or_none() is not None


async def _ask_a_person(session: AsyncSession, *, new: str, old: str, holder: Person | None, now: datetime) -> None:
    """The old userid is nobody's any more: whether the holder of the new one is the same, a person decides."""
    former = await queries.former_person_of(session, old)
    if holder is None or former is None or former.id == holder.id:
        return
    if await queries.open_review(session, new) is None:
        session.add(UseridReview(userid=fold(new), new_person_id=holder.id, former_person_id=former.id, found_at=now))
        await session.flush()


async def link_userid(
    session: AsyncSession, *, userid: str, person_id: PersonId, actor: Actor, now: datetime
) -> Person:
    """A person says: whoever has this userid now is that former colleague. They get their history back (F29)."""
    holder = await queries.person_by_userid(session, userid)
    former = await queries.person(session, person_id)
    if holder is None or former is None:
        raise PersonUnknown(
            f"找不到账号 {userid} 或要关联的人员",
            f"There is no account {userid}, or not the person to link it with",
            userid=userid,
        )
    if holder.id == former.id:
        return former
    shown = (await queries.userids_of(session, [holder.id]))[PersonId(holder.id)]
    back = {"userid": shown, SAME_DEPARTMENT: await _is_where_they_were(session, former, holder)}
    _take_over(former, holder, now=now)
    await _absorb(session, keep=former, drop=holder, run_id=None, now=now)
    await _close_userids(session, former, now=now)
    _open_userid(session, former, shown, now=now)
    _note(session, former, REJOINED, {"status": "left"}, back, run_id=None, now=now)
    await _close_review(session, userid, decision="linked", actor=actor, now=now)
    await publish(session, catalogue.UseridLinked(person_id=former.id), Why(actor), now=now, details={"userid": shown})
    return former


async def _is_where_they_were(session: AsyncSession, former: Person, holder: Person) -> bool:
    """Asked before the two become one: then nothing tells any more what the newcomer has brought."""
    here = await queries.departments_of_people(session, [holder.id])
    before = await queries.last_departments_of(session, [former.id])
    return bool(here.get(holder.id, set()) & before.get(former.id, set()))


async def separate_userid(session: AsyncSession, *, userid: str, actor: Actor, now: datetime) -> None:
    """A person says: these are two people."""
    holder = await queries.person_by_userid(session, userid)
    if holder is None or not await _close_review(session, userid, decision="separate", actor=actor, now=now):
        raise NothingToReview(
            f"账号 {userid} 没有待确认的重名记录", f"No review is open for the account {userid}", userid=userid
        )
    await publish(
        session, catalogue.UseridSeparated(person_id=holder.id), Why(actor), now=now, details={"userid": userid}
    )


async def link_former(session: AsyncSession, *, userid: str, actor: Actor, now: datetime) -> Person:
    """Link the userid to the person whom its open review names."""
    review = await queries.open_review(session, userid)
    if review is None:
        raise NothingToReview(
            f"账号 {userid} 没有待确认的重名记录", f"No review is open for the account {userid}", userid=userid
        )
    return await link_userid(session, userid=userid, person_id=PersonId(review.former_person_id), actor=actor, now=now)


def _take_over(former: Person, holder: Person, *, now: datetime) -> None:
    """What the platform told about the newcomer is true of the person from now on."""
    for name in TOLD:
        setattr(former, name, getattr(holder, name))
    former.ended_at, former.missing_runs, former.updated_at = None, 0, now


async def _absorb(session: AsyncSession, *, keep: Person, drop: Person, run_id: UUID | None, now: datetime) -> None:
    """Two rows for one human being become one: the newer ends, its places in departments go over."""
    await _move_places(session, keep=keep, drop=drop, now=now)
    await _close_userids(session, drop, now=now)
    before: dict[str, Any] = {"status": drop.status.value}
    drop.status, drop.ended_at, drop.updated_at = PersonStatus.LEFT, now, now
    _note(session, drop, "merged", before, {"into": str(keep.id)}, run_id=run_id, now=now)
    await session.flush()


async def _move_places(session: AsyncSession, *, keep: Person, drop: Person, now: datetime) -> None:
    places = await queries.memberships_of(session, [keep.id, drop.id])
    there = {place.department_id for place in places.get(keep.id, [])}
    for place in places.get(drop.id, []):
        place.ended_at = now
        if place.department_id not in there:
            session.add(
                Membership(
                    person_id=keep.id,
                    department_id=place.department_id,
                    sort_order=place.sort_order,
                    is_leader=place.is_leader,
                    started_at=now,
                )
            )
    await session.flush()


async def _close_userids(session: AsyncSession, person: Person, *, now: datetime) -> None:
    statement = select(PersonUserid).where(
        col(PersonUserid.person_id) == person.id, col(PersonUserid.ended_at).is_(None)
    )
    for row in (await session.scalars(statement)).all():
        row.ended_at = now
    await session.flush()


def _open_userid(session: AsyncSession, person: Person, shown: str, *, now: datetime) -> None:
    session.add(PersonUserid(person_id=person.id, userid=fold(shown), shown=shown, started_at=now))


def _note(
    session: AsyncSession,
    person: Person,
    change: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    run_id: UUID | None,
    now: datetime,
) -> None:
    session.add(
        OrgChange(
            run_id=run_id,
            object_kind="person",
            object_id=str(person.id),
            change=change,
            before=before,
            after=after,
            at=now,
            correlation_id=current_correlation_id(),
        )
    )


async def _close_review(session: AsyncSession, userid: str, *, decision: str, actor: Actor, now: datetime) -> bool:
    review = await queries.open_review(session, userid)
    if review is None:
        return False
    review.decision, review.decided_by, review.decided_at = decision, str(actor), now
    await session.flush()
    return True
