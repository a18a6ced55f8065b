"""Announcements and their receipts as files: the lists as personnel keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import queries, rules
from app.announcements.queries import AnnouncementFilter
from app.announcements.rules import ReceiptState
from app.announcements.shown.lists import ANNOUNCEMENTS_SORTED, EVERY, AnnouncementLine, lines_of, listed
from app.calendar import service as calendars
from app.database import portions_of
from app.delivery import queries as delivery_queries
from app.org import service as people
from app.org.service import NamedPerson
from app.permissions import Sight
from app.spreadsheets.columns import Column, Sheet, moment, person, words
from models.announcements import Announcement, AnnouncementState, Receipt
from models.delivery import Delivery, DeliveryState


@dataclass(frozen=True)
class ReceiptLine:
    """A receipt as personnel reads it."""

    person: NamedPerson | None
    state: ReceiptState | None
    delivered_at: datetime | None
    confirmed_at: datetime | None
    due_at: datetime | None
    late: bool


STATES: Final = {
    None: ("不要回执", "no receipt"),
    ReceiptState.CONFIRMED: ("已确认", "confirmed"),
    ReceiptState.UNCONFIRMED: ("待确认", "to be confirmed"),
    ReceiptState.UNDELIVERED: ("未送达", "not delivered"),
}
_YES_OR_NO: Final = {True: ("是", "yes"), False: ("否", "no")}


def receipt_sheet(session: AsyncSession, row: Announcement, *, in_english: bool) -> Sheet[ReceiptLine]:
    name = f"{row.title} receipts" if in_english else f"{row.title} 回执"
    columns: list[Column[ReceiptLine]] = [
        *person(lambda line: line.person),
        words("状态", "State", lambda line: STATES[line.state][in_english]),
        moment("送达时间", "Delivered", lambda line: line.delivered_at),
        moment("确认时间", "Confirmed", lambda line: line.confirmed_at),
        moment("截止", "Due", lambda line: line.due_at),
        words("逾期", "Late", lambda line: _YES_OR_NO[line.late][in_english], width=10),
    ]
    return Sheet(name, columns, calendars.timezone_of(session), in_english)


async def receipt_lines(
    session: AsyncSession, row: Announcement, *, state: ReceiptState | None, now: datetime, sight: Sight | None = None
) -> AsyncIterator[list[ReceiptLine]]:
    """Everybody of the list, or whom the sight reaches, in its order, a portion at a time."""
    async for part in portions_of(session, queries.in_order(queries.receipts(row.id, state=state, sight=sight))):
        ids = [one.person_id for one in part]
        named = await people.named_people(session, ids)
        cards = await delivery_queries.deliveries_to(session, row.card_message_id, ids) if row.card_message_id else {}
        yield [_line(row, one, named.get(one.person_id), cards.get(one.person_id), now=now) for one in part]


def _line(
    announcement: Announcement, row: Receipt, who: NamedPerson | None, card: Delivery | None, *, now: datetime
) -> ReceiptLine:
    has_arrived = card is not None and card.state is DeliveryState.SENT
    return ReceiptLine(
        person=who,
        state=rules.state_of(row) if announcement.receipt_required else None,
        delivered_at=card.updated_at if card and has_arrived else None,
        confirmed_at=row.confirmed_at,
        due_at=row.due_at,
        late=row.late if row.confirmed_at else rules.is_late(row.due_at, now),
    )


OPEN_OR_NOT: Final = {
    AnnouncementState.PUBLISHED: ("进行中", "under way"),
    AnnouncementState.CLOSED: ("已结束", "closed"),
}


def announcement_sheet(session: AsyncSession, *, in_english: bool) -> Sheet[AnnouncementLine]:
    columns: list[Column[AnnouncementLine]] = [
        words("标题", "Title", lambda line: line.title, width=40),
        words("类别", "Class", lambda line: line.class_title),
        *person(lambda line: line.author, role="发布人", english="Author"),
        words("状态", "State", lambda line: OPEN_OR_NOT[line.state][in_english]),
        words("要回执", "Receipt", lambda line: _YES_OR_NO[line.receipt_required][in_english], width=10),
        moment("发布时间", "Published", lambda line: line.published_at),
        moment("截止", "Due", lambda line: line.deadline),
    ]
    name = "announcements" if in_english else "通知"
    return Sheet(name, columns, calendars.timezone_of(session), in_english)


async def announcement_lines(
    session: AsyncSession,
    sight: Sight,
    wanted: AnnouncementFilter = EVERY,
    *,
    reader_id: UUID,
    sort: str = "",
    now: datetime,
) -> AsyncIterator[Sequence[AnnouncementLine]]:
    """Everything that the list holds, in its order, a portion at a time."""
    async for part in portions_of(session, ANNOUNCEMENTS_SORTED.by(sort).apply(listed(sight, reader_id, wanted))):
        yield await lines_of(session, part, now=now)
