"""One announcement as a reader sees it: its words, and their own receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import queries
from app.announcements.queries import Standing
from app.announcements.shown.lists import AnnouncementLine, lines_of
from app.delivery import service as delivery
from app.policy import service as policies
from app.policy.service import Citation
from models.announcements import Announcement
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


async def totals_of(session: AsyncSession, announcement_id: AnnouncementId) -> Totals:
    row: Announcement = await queries.announcement(session, announcement_id)
    return Totals(
        await queries.standing(session, row.id),
        await delivery.counts_by_state(session, message_id=row.card_message_id),
    )
