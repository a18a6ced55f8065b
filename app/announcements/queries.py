"""Every SELECT of the domain, by intention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    any_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements.errors import AnnouncementNotFound
from app.announcements.rules import ReceiptState
from app.announcements.sight import seen_by
from app.database import in_parts
from app.org import service as people
from app.overview.service import Asked, Figure, Level, Measure, Place, found_in
from app.permissions import Permission, Sight
from app.today.queries import WaitingColumns
from models.announcements import Announcement, AnnouncementGroup, AnnouncementState, Receipt, ReceiptCount
from models.audit import ObjectKind
from models.ids import AnnouncementId
from models.org import Person

_FREEZE = text(
    "INSERT INTO receipts (announcement_id, person_id, source, late)"
    " SELECT :announcement, person, source, false"
    " FROM unnest(CAST(:people AS uuid[]), CAST(:sources AS text[])) AS audience (person, source)"
)


@dataclass(frozen=True)
class Standing:
    """How many are concerned, how many of them have confirmed, and how many the card has not reached (policy 3.6)."""

    audience: int
    confirmed: int
    undelivered: int
    late: int
    chased: int


async def announcement(session: AsyncSession, announcement_id: AnnouncementId) -> Announcement:
    row = await session.get(Announcement, announcement_id)
    if row is None:
        raise AnnouncementNotFound("没有这个通知", "There is no such announcement")
    return row


async def announcement_for_update(session: AsyncSession, announcement_id: AnnouncementId) -> Announcement | None:
    return await session.get(Announcement, announcement_id, with_for_update={"key_share": True}, populate_existing=True)


@dataclass(frozen=True)
class AnnouncementFilter:
    author_id: UUID | None = None
    message_class: str | None = None
    state: AnnouncementState | None = None
    late_at: datetime | None = None
    """Not closed, and somebody has not confirmed who should have by this moment."""
    updated_since: datetime | None = None
    sight: Sight | None = None
    """As far as the reader sees (D21); everything without one."""


def matching(wanted: AnnouncementFilter) -> Select[Announcement]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.author_id is not None:
        conditions.append(col(Announcement.author_id) == wanted.author_id)
    if wanted.message_class is not None:
        conditions.append(col(Announcement.message_class) == wanted.message_class)
    if wanted.state is not None:
        conditions.append(col(Announcement.state) == wanted.state)
    if wanted.late_at is not None:
        conditions.append(_is_late(wanted.late_at))
    if wanted.updated_since is not None:
        conditions.append(col(Announcement.updated_at) >= wanted.updated_since)
    if wanted.sight is not None:
        conditions.append(seen_by(wanted.sight))
    return select(Announcement).where(*conditions)


def _is_late(now: datetime) -> ColumnElement[bool]:
    late = exists().where(
        col(Receipt.announcement_id) == col(Announcement.id),
        col(Receipt.confirmed_at).is_(None),
        col(Receipt.due_at) < now,
    )
    return and_(col(Announcement.state) == AnnouncementState.PUBLISHED, col(Announcement.receipt_required), late)


async def freeze_audience(session: AsyncSession, announcement_id: UUID, sources: dict[UUID, str]) -> None:
    """One row per person concerned."""
    for part in in_parts(list(sources)):
        values = {"announcement": announcement_id, "people": part, "sources": [sources[one] for one in part]}
        await session.execute(_FREEZE, values)


async def receipt_for_update(session: AsyncSession, announcement_id: UUID, person_id: UUID) -> Receipt | None:
    statement = (
        select(Receipt)
        .where(col(Receipt.announcement_id) == announcement_id, col(Receipt.person_id) == person_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


class Held(NamedTuple):
    """A receipt that is locked, as far as confirming needs it."""

    id: int
    confirmed_at: datetime | None
    due_at: datetime | None
    late: bool


_HOLD = text("""
SELECT receipts.id, receipts.announcement_id, receipts.person_id, receipts.confirmed_at,
    receipts.due_at, receipts.late
FROM unnest(CAST(:announcements AS uuid[]), CAST(:people AS uuid[])) AS wanted (announcement, person)
JOIN receipts ON receipts.announcement_id = wanted.announcement AND receipts.person_id = wanted.person
ORDER BY receipts.announcement_id, receipts.person_id FOR NO KEY UPDATE OF receipts
""")

_CONFIRM = text(
    "UPDATE receipts SET confirmed_at = :now, confirmed_via = :via, event_id = given.event_id, late = given.late"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:event_ids AS bigint[]), CAST(:late AS boolean[]))"
    " AS given (id, event_id, late) WHERE receipts.id = given.id"
)


async def announcements_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Announcement]:
    rows = await session.scalars(select(Announcement).where(col(Announcement.id).in_(ids)))
    return {row.id: row for row in rows}


async def receipts_for_update(
    session: AsyncSession, wanted: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Held]:
    """The receipts of these (announcement, person), locked in sorted order, as everybody does who takes several."""
    facts = {"announcements": [one for one, _ in wanted], "people": [person for _, person in wanted]}
    return {
        (row.announcement_id, row.person_id): Held(row.id, row.confirmed_at, row.due_at, row.late)
        for row in await session.execute(_HOLD, facts)
    }


async def confirm_receipts(
    session: AsyncSession, rows: Sequence[tuple[int, int, bool]], *, via: str, now: datetime
) -> None:
    """`rows`: receipt, event, whether it is late."""
    ids, event_ids, late = (list(column) for column in zip(*rows, strict=True))
    await session.execute(_CONFIRM, {"ids": ids, "event_ids": event_ids, "late": late, "via": via, "now": now})


# ---------------------------------------------------------------- each person's clock


_START = text(
    "WITH reached AS (SELECT id FROM receipts"
    " WHERE announcement_id = :announcement AND person_id = ANY (CAST(:people AS uuid[])) AND due_at IS NULL"
    " ORDER BY person_id FOR NO KEY UPDATE)"
    " UPDATE receipts SET due_at = :due_at, chase_at = :chase_at, escalate_at = CAST(:escalate_at AS timestamptz)"
    " FROM reached WHERE receipts.id = reached.id"
)

_CHASE = text(
    "WITH waiting AS (SELECT id FROM receipts"
    " WHERE announcement_id = :announcement AND confirmed_at IS NULL AND chased_at IS NULL AND chase_at <= :now"
    " ORDER BY person_id FOR NO KEY UPDATE)"
    " UPDATE receipts SET chased_at = :now, escalate_at = CASE"
    " WHEN escalate_at < CAST(:not_before AS timestamptz) THEN CAST(:not_before AS timestamptz)"
    " ELSE escalate_at END"
    " FROM waiting WHERE receipts.id = waiting.id"
    " RETURNING receipts.person_id, receipts.escalate_at = CAST(:not_before AS timestamptz) AS is_late"
)


@dataclass(frozen=True)
class Term:
    """A person's own moments (policy 3.6)."""

    due_at: datetime
    chase_at: datetime
    escalate_at: datetime | None


async def start_clocks(session: AsyncSession, announcement_id: UUID, people: Sequence[UUID], term: Term) -> None:
    """Give these people their deadline, in one statement. Who has one keeps it."""
    await session.execute(_START, {"announcement": announcement_id, "people": people, **asdict(term)})


class Chased(NamedTuple):
    person_id: UUID
    is_late: bool
    """Reminded so late that their superior hears of it at `not_before` only."""


async def mark_chased(
    session: AsyncSession, announcement_id: UUID, *, not_before: datetime | None, now: datetime
) -> list[Chased]:
    """Whose reminder is due and has not been sent; marked in the same statement."""
    rows = await session.execute(_CHASE, {"announcement": announcement_id, "not_before": not_before, "now": now})
    return [Chased(row.person_id, bool(row.is_late)) for row in rows]


async def next_chase(session: AsyncSession, announcement_id: UUID) -> datetime | None:
    statement = select(func.min(col(Receipt.chase_at))).where(
        col(Receipt.announcement_id) == announcement_id,
        col(Receipt.confirmed_at).is_(None),
        col(Receipt.chased_at).is_(None),
    )
    return (await session.scalars(statement)).one()


async def to_escalate(session: AsyncSession, announcement_id: UUID, *, now: datetime) -> list[Receipt]:
    """Who has been reminded and still not confirmed, whose superior has not been told, in the order of deadlines."""
    return list(await session.scalars(_to_escalate(announcement_id, now)))


async def to_escalate_for_update(
    session: AsyncSession, announcement_id: UUID, people: Sequence[UUID], *, now: datetime
) -> list[Receipt]:
    """Of these people those whom nobody holds: whoever is just confirming is left out, and not waited for."""
    theirs = _to_escalate(announcement_id, now).where(
        col(Receipt.person_id) == any_(literal(list(people), ARRAY(Uuid)))
    )
    locked = theirs.with_for_update(key_share=True, skip_locked=True)
    return list(await session.scalars(locked.execution_options(populate_existing=True)))


def _to_escalate(announcement_id: UUID, now: datetime) -> Select[Receipt]:
    return (
        select(Receipt)
        .where(col(Receipt.announcement_id) == announcement_id, col(Receipt.escalate_at) <= now)
        .where(col(Receipt.confirmed_at).is_(None), col(Receipt.escalated_at).is_(None))
        .where(col(Receipt.chased_at).is_not(None))
        .order_by(col(Receipt.due_at), col(Receipt.person_id))
    )


async def next_escalation(session: AsyncSession, announcement_id: UUID, *, after: datetime) -> datetime | None:
    statement = select(func.min(col(Receipt.escalate_at))).where(
        col(Receipt.announcement_id) == announcement_id,
        col(Receipt.escalate_at) > after,
        col(Receipt.confirmed_at).is_(None),
        col(Receipt.escalated_at).is_(None),
    )
    return (await session.scalars(statement)).one()


async def next_list(
    session: AsyncSession, announcement_id: UUID, *, listed_at: datetime | None, together: timedelta
) -> datetime | None:
    """When the next clocks of those who have not confirmed have run out: the last of those that end together."""
    waiting = select(col(Receipt.due_at)).where(
        col(Receipt.announcement_id) == announcement_id,
        col(Receipt.confirmed_at).is_(None),
        col(Receipt.due_at) > (listed_at or datetime.min.replace(tzinfo=UTC)),
    )
    ends = waiting.subquery()
    first = select(func.min(ends.c.due_at)).scalar_subquery()
    last = select(func.max(ends.c.due_at)).where(ends.c.due_at <= first + together)
    end: datetime | None = (await session.scalars(last)).one()
    return end


async def unconfirmed(session: AsyncSession, announcement_id: UUID) -> list[Receipt]:
    statement = (
        select(Receipt)
        .where(col(Receipt.announcement_id) == announcement_id, col(Receipt.confirmed_at).is_(None))
        .order_by(col(Receipt.person_id))
    )
    return list(await session.scalars(statement))


async def unconfirmed_of(session: AsyncSession, announcement_id: UUID, people: Sequence[UUID]) -> list[Receipt]:
    """Of these people those who have not confirmed, the earliest deadline first."""
    statement = (
        select(Receipt)
        .where(col(Receipt.announcement_id) == announcement_id, col(Receipt.confirmed_at).is_(None))
        # An array: a list may hold more people than a statement takes parameters.
        .where(col(Receipt.person_id) == any_(literal(list(people), ARRAY(Uuid))))
        .order_by(col(Receipt.due_at), col(Receipt.person_id))
    )
    return list(await session.scalars(statement))


async def ended_between(session: AsyncSession, announcement_id: UUID, after: datetime, until: datetime) -> int:
    """How many clocks have run out since, whether confirmed or not."""
    statement = select(func.count()).where(
        col(Receipt.announcement_id) == announcement_id, col(Receipt.due_at) > after, col(Receipt.due_at) <= until
    )
    return (await session.scalars(statement)).one()


async def standing(session: AsyncSession, announcement_id: UUID) -> Standing:
    """Read from the counts beside the receipts: an announcement may concern 100,000 people."""
    kept = col(ReceiptCount.people), col(ReceiptCount.confirmed), col(ReceiptCount.late), col(ReceiptCount.chased)
    people, confirmed, late, chased = (func.coalesce(func.sum(one), 0) for one in kept)
    undelivered = func.coalesce(func.sum(_OPEN).filter(col(ReceiptCount.due_at).is_(None)), 0)
    statement = select(people, confirmed, undelivered, late, chased)
    row = (await session.execute(statement.where(col(ReceiptCount.announcement_id) == announcement_id))).one()
    return Standing(*row)


def receipts(announcement_id: UUID, *, state: ReceiptState | None, sight: Sight | None = None) -> Select[Receipt]:
    """With a sight: of the people whom it reaches (D21)."""
    statement = select(Receipt).where(col(Receipt.announcement_id) == announcement_id)
    if sight is not None and not sight.everything:
        statement = statement.where(col(Receipt.person_id).in_(select(col(Person.id)).where(people.seen_by(sight))))
    return statement if state is None else statement.where(_IN_STATE[state])


def in_order(statement: Select[Receipt]) -> Select[Any]:
    """As the list shows them, for whoever reads all of it."""
    return people.with_names(statement, col(Receipt.person_id)).order_by(*people.PEOPLE_BY_NAME)


_OPEN = col(ReceiptCount.people) - col(ReceiptCount.confirmed)
_CONFIRMED = col(Receipt.confirmed_at).is_not(None)
_UNDELIVERED = ~_CONFIRMED & col(Receipt.due_at).is_(None)
_IN_STATE = {
    ReceiptState.CONFIRMED: _CONFIRMED,
    ReceiptState.UNCONFIRMED: ~_CONFIRMED & col(Receipt.due_at).is_not(None),
    ReceiptState.UNDELIVERED: _UNDELIVERED,
}


async def groups_of(session: AsyncSession, announcement_id: UUID) -> list[AnnouncementGroup]:
    statement = select(AnnouncementGroup).where(col(AnnouncementGroup.announcement_id) == announcement_id)
    return list(await session.scalars(statement))


# ---------------------------------------------------------------- what waits for somebody

STILL_ASKED_FOR: Final = timedelta(days=30)
"""So long after the clocks have run out, who has not confirmed finds the announcement among what waits for them."""


def waiting_for_receipt(_session: AsyncSession, person_id: UUID, now: datetime) -> Select[Any]:
    """F168: what this person is to confirm. Their deadline is empty until the card has reached them (policy 3.6)."""
    wanted = WaitingColumns(
        kind="announcement.confirm",
        about=ObjectKind.ANNOUNCEMENT,
        id=col(Announcement.id),
        title=col(Announcement.title),
        asked_at=col(Announcement.published_at),
        due_at=col(Receipt.due_at),
        asked_by=col(Announcement.author_id),
    )
    is_asked_for = or_(
        col(Announcement.state) == AnnouncementState.PUBLISHED, col(Announcement.closed_at) >= now - STILL_ASKED_FOR
    )
    return (
        select(*wanted.columns())
        .select_from(Receipt)
        .join(Announcement, col(Announcement.id) == col(Receipt.announcement_id))
        .where(col(Receipt.person_id) == person_id, col(Receipt.confirmed_at).is_(None))
        .where(col(Announcement.receipt_required), is_asked_for)
    )


# ---------------------------------------------------------------- the overview

_OPEN_RECEIPTS = Measure(
    "receipts.open",
    Level.WAITING,
    "已送达、未确认的回执",
    "receipts that have arrived and are not confirmed",
    Permission.ANNOUNCEMENT_READ,
    found_in(Place.ANNOUNCEMENTS, state="published"),
    is_scoped=True,
)
_LATE_RECEIPTS = Measure(
    "receipts.late",
    Level.LATE,
    "超过截止时间未确认的回执",
    "receipts past their deadline and not confirmed",
    Permission.ANNOUNCEMENT_READ,
    found_in(Place.ANNOUNCEMENTS, late="true"),
    is_scoped=True,
)
_NOT_ARRIVED = Measure(
    "receipts.undelivered",
    Level.WAITING,
    "卡片尚未送达的回执",
    "receipts whose card has not arrived",
    Permission.ANNOUNCEMENT_READ,
    found_in(Place.ANNOUNCEMENTS, state="published"),
    is_scoped=True,
)


async def counted(session: AsyncSession, asked: Asked) -> list[Figure]:
    """Receipts of announcements that have not been closed."""
    wanted = AnnouncementFilter(state=AnnouncementState.PUBLISHED, sight=asked.sight_of(Permission.ANNOUNCEMENT_READ))
    with_receipts = matching(wanted).where(col(Announcement.receipt_required))
    published = await session.execute(
        with_receipts.with_only_columns(col(Announcement.id), col(Announcement.published_at))
    )
    since = {row[0]: row[1] for row in published}
    of_one_deadline = (
        select(
            col(ReceiptCount.announcement_id), col(ReceiptCount.due_at), cast(func.sum(_OPEN), Integer).label("open")
        )
        .where(col(ReceiptCount.announcement_id) == any_(literal(list(since), ARRAY(Uuid))))
        .group_by(col(ReceiptCount.announcement_id), col(ReceiptCount.due_at))
    ).subquery()
    due, people = of_one_deadline.c.due_at, of_one_deadline.c.open
    statement = (
        select(
            of_one_deadline.c.announcement_id,
            func.sum(people).filter(due.is_not(None)),
            func.min(due).filter(due < asked.now),
            func.sum(people).filter(due < asked.now),
            func.sum(people).filter(due.is_(None)),
        )
        .where(people > 0)
        .group_by(of_one_deadline.c.announcement_id)
    )
    rows = list(await session.execute(statement)) if since else []
    return [
        _OPEN_RECEIPTS.figure(
            sum(row[1] or 0 for row in rows), min((since[row[0]] for row in rows if row[1]), default=None)
        ),
        _NOT_ARRIVED.figure(sum(row[4] or 0 for row in rows)),
        _LATE_RECEIPTS.figure(sum(row[3] or 0 for row in rows), min((row[2] for row in rows if row[2]), default=None)),
    ]
