"""Announcements and receipts as REST shows them: ids of ours become userids, the rule key becomes a clause."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import queries, rules
from app.announcements.publish import AudienceWanted
from app.announcements.rules import ReceiptState
from app.announcements.schemas import AnnouncementOut, AnnouncementSummary, ReceiptOut, StandingOut
from app.calendar import service as calendars
from app.database import portions_of
from app.delivery import queries as delivery_queries
from app.delivery import service as delivery
from app.org import queries as org
from app.org import service as people
from app.org.service import NamedPerson
from app.policy import service as policies
from app.spreadsheets.columns import Column, Sheet, moment, person, words
from models.announcements import Announcement, Receipt
from models.delivery import Delivery, DeliveryState
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


# ---------------------------------------------------------------- as a file


@dataclass(frozen=True)
class ReceiptLine:
    """A receipt as personnel reads it."""

    person: NamedPerson | None
    state: ReceiptState | None
    delivered_at: datetime | None
    confirmed_at: datetime | None
    due_at: datetime | None
    late: bool


_STATES: Final = {
    None: ("不要回执", "no receipt"),
    ReceiptState.CONFIRMED: ("已确认", "confirmed"),
    ReceiptState.UNCONFIRMED: ("未确认", "unconfirmed"),
    ReceiptState.UNDELIVERED: ("未送达", "undelivered"),
}
_YES_OR_NO: Final = {True: ("是", "yes"), False: ("否", "no")}


def receipt_sheet(session: AsyncSession, row: Announcement, *, in_english: bool) -> Sheet[ReceiptLine]:
    name = f"{row.title} receipts" if in_english else f"{row.title} 回执"
    columns: list[Column[ReceiptLine]] = [
        *person(lambda line: line.person),
        words("状态", "State", lambda line: _STATES[line.state][in_english]),
        moment("送达时间", "Delivered", lambda line: line.delivered_at),
        moment("确认时间", "Confirmed", lambda line: line.confirmed_at),
        moment("截止", "Due", lambda line: line.due_at),
        words("逾期", "Late", lambda line: _YES_OR_NO[line.late][in_english], width=10),
    ]
    return Sheet(name, columns, calendars.timezone_of(session), in_english)


async def receipt_lines(
    session: AsyncSession, row: Announcement, *, state: ReceiptState | None, now: datetime
) -> AsyncIterator[list[ReceiptLine]]:
    """Everybody of the list, in its order, a portion at a time."""
    async for part in portions_of(session, queries.in_order(queries.receipts(row.id, state=state))):
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
