"""Announcements as lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import rules
from app.announcements.queries import AnnouncementFilter, matching
from app.announcements.rules import ReceiptState
from app.announcements.sight import seen_by
from app.org import service as org
from app.org.service import NamedPerson
from app.permissions import Sight
from app.policy import service as policies
from app.web.pagination import PageQuery, Sorting, paginate
from models.announcements import Announcement, AnnouncementState, Receipt
from models.org import Person

FIRST_PAGE = PageQuery(cursor=None, limit=50)


@dataclass(frozen=True)
class OwnReceipt:
    """How the reader stands to it."""

    state: ReceiptState
    due_at: datetime | None
    confirmed_at: datetime | None
    late: bool


@dataclass(frozen=True)
class AnnouncementLine:
    """An announcement as a list shows it."""

    id: UUID
    title: str
    class_title: str
    author: NamedPerson | None
    state: AnnouncementState
    published_at: datetime
    deadline: datetime | None
    receipt_required: bool
    own: OwnReceipt | None
    """None for who is not concerned."""


@dataclass(frozen=True)
class AnnouncementPage:
    items: Sequence[AnnouncementLine]
    next_cursor: str | None


async def announcements_to(
    session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE, now: datetime
) -> AnnouncementPage:
    """What was sent to this person, the latest first."""
    received = select(col(Receipt.announcement_id)).where(col(Receipt.person_id) == person_id)
    statement = select(Announcement).where(col(Announcement.id).in_(received))
    columns = (col(Announcement.published_at), col(Announcement.id))
    rows, cursor = await paginate(session, statement, *columns, page=page)
    return AnnouncementPage(await lines_of(session, rows, reader_id=person_id, now=now), cursor)


ANNOUNCEMENTS_SORTED: Final = Sorting(
    {
        "title": col(Announcement.title),
        "class": col(Announcement.message_class),
        "published": col(Announcement.published_at),
        "deadline": col(Announcement.deadline),
    },
    ties=col(Announcement.id),
    usual="-published",
)


EVERY: Final = AnnouncementFilter()


def listed(sight: Sight, reader_id: UUID, wanted: AnnouncementFilter = EVERY) -> Select[Announcement]:
    return matching(wanted).where(or_(seen_by(sight), col(Announcement.author_id) == reader_id))


async def announcements_seen(
    session: AsyncSession,
    sight: Sight,
    wanted: AnnouncementFilter = EVERY,
    *,
    reader_id: UUID,
    sort: str = "",
    page: PageQuery = FIRST_PAGE,
    now: datetime,
) -> AnnouncementPage:
    """Everything that the sight reaches, and what the reader has published, the latest first unless another order is
    asked for.
    """
    rows, cursor = await ANNOUNCEMENTS_SORTED.by(sort).page(session, listed(sight, reader_id, wanted), page)
    return AnnouncementPage(await lines_of(session, rows, now=now), cursor)


def _to_somebody(person_id: UUID, sight: Sight, reader_id: UUID) -> Select[Announcement]:
    """As the list of receipts of each of them: a sight reaches announcements, and people among their recipients."""
    received = select(col(Receipt.announcement_id)).where(col(Receipt.person_id) == person_id)
    is_reached = select(col(Person.id)).where(col(Person.id) == person_id, org.seen_by(sight)).exists()
    is_followed = or_(and_(seen_by(sight), is_reached), col(Announcement.author_id) == reader_id)
    return select(Announcement).where(col(Announcement.id).in_(received), is_followed)


async def receipts_of_person(
    session: AsyncSession,
    person_id: UUID,
    sight: Sight,
    *,
    reader_id: UUID,
    page: PageQuery = FIRST_PAGE,
    now: datetime,
) -> AnnouncementPage:
    """What was sent to somebody else, as far as the reader follows it, and how they stand to it. The latest first."""
    columns = (col(Announcement.published_at), col(Announcement.id))
    rows, cursor = await paginate(session, _to_somebody(person_id, sight, reader_id), *columns, page=page)
    return AnnouncementPage(await lines_of(session, rows, reader_id=person_id, now=now), cursor)


async def lines_of(
    session: AsyncSession, rows: Sequence[Announcement], *, reader_id: UUID | None = None, now: datetime
) -> list[AnnouncementLine]:
    """In their order: a handful of statements, however many there are."""
    people = await org.named_people(session, {row.author_id for row in rows})
    document = (await policies.in_force(session, now=now)).document
    own = await _receipts_of(session, reader_id, rows) if reader_id else {}
    classes = document.announcements.classes
    return [
        AnnouncementLine(
            id=row.id,
            title=row.title,
            class_title=classes[row.message_class].title if row.message_class in classes else row.message_class,
            author=people.get(row.author_id),
            state=row.state,
            published_at=row.published_at,
            deadline=row.deadline,
            receipt_required=row.receipt_required,
            own=own.get(row.id),
        )
        for row in rows
    ]


async def _receipts_of(session: AsyncSession, person_id: UUID, rows: Sequence[Announcement]) -> dict[UUID, OwnReceipt]:
    wanted = [row.id for row in rows if row.receipt_required]
    statement = select(Receipt).where(col(Receipt.person_id) == person_id, col(Receipt.announcement_id).in_(wanted))
    return {one.announcement_id: own_receipt(one) for one in await session.scalars(statement)}


def own_receipt(row: Receipt) -> OwnReceipt:
    return OwnReceipt(rules.state_of(row), row.due_at, row.confirmed_at, row.late)
