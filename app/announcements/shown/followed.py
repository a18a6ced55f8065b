"""One announcement as a reader sees it: its words, and their own receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries
from app.announcements.queries import Standing
from app.announcements.rules import ReceiptState
from app.announcements.shown.lists import AnnouncementLine, OwnReceipt, lines_of, own_receipt
from app.delivery import queries as delivery_queries
from app.delivery import service as delivery
from app.org import service as org
from app.org.service import NamedPerson
from app.permissions import Sight
from app.policy import service as policies
from app.policy.service import Citation
from app.web.pagination import PageQuery
from models.announcements import Announcement, Receipt
from models.delivery import Delivery, DeliveryState
from models.ids import AnnouncementId, PolicyVersionId
from models.org import Person


@dataclass(frozen=True)
class FollowedAnnouncement:
    line: AnnouncementLine
    body: str
    clause: Citation
    may_confirm: bool
    """The reader is concerned, a receipt is asked for, and they have not confirmed."""


@dataclass(frozen=True)
class Totals:
    """How an announcement stands, for who published it or follows it."""

    standing: Standing
    cards: dict[str, int]
    """Deliveries of the card by state: sent, failed, unknown, held."""

    @property
    def unconfirmed(self) -> int:
        return self.standing.audience - self.standing.confirmed - self.standing.undelivered


async def follow(
    session: AsyncSession, announcement_id: AnnouncementId, *, reader: Person, now: datetime
) -> FollowedAnnouncement:
    """Whether the reader may see it is for the caller to ask. Raises `AnnouncementNotFound`."""
    row = await queries.announcement(session, announcement_id)
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    [line] = await lines_of(session, [row], reader_id=reader.id, now=now)
    is_open = line.own is not None and line.own.confirmed_at is None
    clause = policy.cite("announcement.receipt" if row.receipt_required else row.rule_key)
    return FollowedAnnouncement(line, row.body, clause, is_open)


@dataclass(frozen=True)
class ReceiptRow:
    """One person of the audience."""

    person: NamedPerson | None
    own: OwnReceipt
    card: DeliveryState | None
    why: str
    """Why the card has not reached them."""


@dataclass(frozen=True)
class ReceiptPage:
    items: Sequence[ReceiptRow]
    next_cursor: str | None


async def receipts_of(
    session: AsyncSession, announcement_id: AnnouncementId, *, state: ReceiptState | None, sight: Sight, page: PageQuery
) -> ReceiptPage:
    """Who is concerned among the people whom the sight reaches, and how each stands."""
    row = await queries.announcement(session, announcement_id)
    statement = queries.receipts(row.id, state=state, sight=sight)
    rows, cursor = await org.page_by_name(session, statement, col(Receipt.person_id), page=page)
    ids = [one.person_id for one in rows]
    people = await org.named_people(session, ids)
    cards = await delivery_queries.deliveries_to(session, row.card_message_id, ids) if row.card_message_id else {}
    return ReceiptPage([_receipt(one, people, cards.get(one.person_id)) for one in rows], cursor)


def _receipt(row: Receipt, people: Mapping[UUID, NamedPerson], card: Delivery | None) -> ReceiptRow:
    return ReceiptRow(
        people.get(row.person_id), own_receipt(row), card.state if card else None, (card.reason or "") if card else ""
    )


async def totals_of(session: AsyncSession, announcement_id: AnnouncementId) -> Totals:
    row: Announcement = await queries.announcement(session, announcement_id)
    return Totals(
        await queries.standing(session, row.id),
        await delivery.counts_by_state(session, message_id=row.card_message_id),
    )
