"""Announcements and receipts as REST shows them: ids of ours become userids, the rule key becomes a clause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import queries, rules
from app.announcements.publishing.audience import AudienceWanted
from app.announcements.schemas import AnnouncementOut, AnnouncementSummary, ReceiptOut, StandingOut
from app.delivery import queries as delivery_queries
from app.delivery import service as delivery
from app.org import queries as org
from app.policy import service as policies
from models.announcements import Announcement, Receipt
from models.delivery import Delivery
from models.ids import PolicyVersionId


async def summaries(session: AsyncSession, rows: Sequence[Announcement]) -> list[AnnouncementSummary]:
    userids = await org.last_userids_of(session, {row.author_id for row in rows})
    return [AnnouncementSummary(author=userids.get(row.author_id, ""), **_own_columns(row)) for row in rows]


async def announcement(session: AsyncSession, row: Announcement) -> AnnouncementOut:
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    userids = await org.last_userids_of(session, {row.author_id})
    return AnnouncementOut(
        author=userids.get(row.author_id, ""),
        **_own_columns(row),
        body=row.body,
        audience=AudienceWanted.model_validate(row.audience).model_dump(mode="json"),
        receipts=await _standing(session, row),
        delivery=await delivery.counts_by_state(session, message_id=row.card_message_id),
        rule_key=row.rule_key,
        clause=policy.cite(row.rule_key).clause,
        correlation_id=row.correlation_id,
    )


async def receipts(session: AsyncSession, announcement: Announcement, rows: Sequence[Receipt]) -> list[ReceiptOut]:
    """Each with the delivery of its card."""
    people = [row.person_id for row in rows]
    userids = await org.last_userids_of(session, people)
    message_id = announcement.card_message_id
    cards = await delivery_queries.deliveries_to(session, message_id, people) if message_id else {}
    wanted = announcement.receipt_required
    return [
        _receipt(row, userids.get(row.person_id, ""), cards.get(row.person_id), receipt_required=wanted) for row in rows
    ]


def confirmed(row: Receipt, userid: str) -> ReceiptOut:
    """The answer to somebody who has just confirmed: whether the card reached them matters no more."""
    return _receipt(row, userid, None)


_OWN = {"source", "due_at", "confirmed_at", "confirmed_via", "late", "chased_at", "escalated_at"}


def _receipt(row: Receipt, userid: str, card: Delivery | None, *, receipt_required: bool = True) -> ReceiptOut:
    return ReceiptOut(
        person=userid,
        state=rules.state_of(row) if receipt_required else None,
        card=card.state if card else None,
        card_reason=(card.reason or None) if card else None,
        **row.model_dump(include=_OWN),
    )


async def _standing(session: AsyncSession, row: Announcement) -> StandingOut:
    standing = await queries.standing(session, row.id)
    undelivered = standing.undelivered if row.receipt_required else 0
    return StandingOut(
        audience=standing.audience,
        confirmed=standing.confirmed,
        unconfirmed=standing.audience - standing.confirmed - undelivered,
        undelivered=undelivered,
        late=standing.late,
        chased=standing.chased,
    )


def _own_columns(row: Announcement) -> dict[str, Any]:
    return row.model_dump(include=set(AnnouncementSummary.model_fields) - {"author"})
