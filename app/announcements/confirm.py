"""Use case: a person confirms; or thousands do, in the minutes after a notice went out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.announcements import messages, queries, rules
from app.announcements.errors import NotConcerned
from app.audit.actor import person_actor
from app.audit.why import Why
from app.calendar import service as calendars
from app.cards import service as cards
from app.cards.service import Click, ClickedCard, Face, KnownClick
from app.events.service import Happening, catalogue, publish_many
from app.observability import current_correlation_id
from app.org import queries as org
from app.policy import service as policies
from app.wecom.message_bodies.card import Card
from models.announcements import Announcement, Receipt
from models.delivery import CardClick
from models.ids import AnnouncementId, PersonId, PolicyVersionId
from models.org import Person

BY_CARD = "card"


async def confirm(
    session: AsyncSession,
    *,
    announcement_id: AnnouncementId,
    person: Person,
    via: str,
    now: datetime,
    clicked: ClickedCard | None = None,
) -> Receipt:
    """A person confirms. The first confirmation stands; a repeat only greys the card it came from.

    `clicked` is the card that was clicked, which then shows the outcome. A click that comes again has spent its code
    already and does nothing (P2).
    """
    announcement = await queries.announcement(session, announcement_id)
    rules.check_takes_receipts(announcement)
    receipt = await queries.receipt_for_update(session, announcement_id, person.id)
    if receipt is None:
        raise NotConcerned("这个通知没有发给该成员", "This announcement was not sent to this member")
    click = clicked.click if clicked else None
    is_first = rules.may_confirm(receipt)
    if is_first:
        event_id = click.event_id if click else None
        await _store(session, announcement, receipt, via=via, event_id=event_id, now=now)
    is_fresh_click = click is not None and click.spent_at is None
    shown_on = clicked.message.id if clicked else announcement.card_message_id
    if shown_on is not None and (is_first or is_fresh_click):
        await _show_confirmed(session, announcement, receipt, shown_on, click=click, now=now)
    return receipt


async def confirm_many(session: AsyncSession, *, clicks: Sequence[Click], now: datetime) -> set[int]:
    """What `confirm` does for each of these clicks on cards, in a handful of statements.

    Returns the events that are dealt with. What cannot be confirmed is left to be refused one by one.
    """
    known = await cards.identify_clicks(session, clicks=clicks)
    asked = await _asked_for(session, known)
    concerned = {(row.id, one.person_id) for one in known if (row := asked.get(one.click.argument))}
    receipts = await queries.receipts_for_update(session, sorted(concerned))
    plain = [
        one
        for one in known
        if (row := asked.get(one.click.argument)) is not None and (row.id, one.person_id) in receipts
    ]
    plain = cards.whole_subjects(clicks, plain)
    if not plain:
        return set()
    firsts: dict[int, tuple[KnownClick, Announcement, bool]] = {}
    shown: dict[tuple[UUID, datetime, bool], list[KnownClick]] = {}
    for one in plain:
        announcement = asked[one.click.argument]
        receipt = receipts[announcement.id, one.person_id]
        late = receipt.late if receipt.confirmed_at else rules.is_late(receipt.due_at, now)
        if receipt.confirmed_at is None:
            firsts.setdefault(receipt.id, (one, announcement, late))
        shown.setdefault((announcement.id, receipt.confirmed_at or now, late), []).append(one)
    await _store_many(session, firsts, now=now)
    await _show_many(session, {row.id: row for row in asked.values()}, shown, now=now)
    return {one.click.event_id for one in plain}


async def _asked_for(session: AsyncSession, known: Sequence[KnownClick]) -> dict[str, Announcement]:
    """The announcements that take receipts, by the argument of the buttons that were pressed."""
    ids = {argument: key for argument in {one.click.argument for one in known} if (key := _uuid(argument))}
    rows = await queries.announcements_by_id(session, sorted(set(ids.values())))
    return {
        argument: row for argument, key in ids.items() if (row := rows.get(key)) is not None and row.receipt_required
    }


async def _store_many(
    session: AsyncSession, firsts: Mapping[int, tuple[KnownClick, Announcement, bool]], *, now: datetime
) -> None:
    """The first click of each person counts. With each: whether it is late."""
    if not firsts:
        return
    rows = [(receipt_id, one.click.event_id, late) for receipt_id, (one, _, late) in firsts.items()]
    await queries.confirm_receipts(session, rows, via=BY_CARD, now=now)
    details = {"via": BY_CARD}
    confirmations = [
        _confirmation(row, one.person_id, late, one.click.correlation_id, details) for one, row, late in firsts.values()
    ]
    await publish_many(session, confirmations, now=now)


async def _show_many(
    session: AsyncSession,
    announcements: Mapping[UUID, Announcement],
    shown: Mapping[tuple[UUID, datetime, bool], list[KnownClick]],
    *,
    now: datetime,
) -> None:
    zone = calendars.timezone_of(session)
    faces = {key: await card_again(session, announcements[key]) for key in {key for key, _, _ in shown}}
    await cards.record_clicks(
        session,
        faces=[
            Face(messages.confirmed_card(faces[key], at=at, late=late, zone=zone), clicks)
            for (key, at, late), clicks in shown.items()
        ],
        now=now,
    )


def _uuid(argument: str) -> UUID | None:
    try:
        return UUID(argument)
    except ValueError:
        return None


async def _store(
    session: AsyncSession,
    announcement: Announcement,
    receipt: Receipt,
    *,
    via: str,
    event_id: int | None,
    now: datetime,
) -> None:
    receipt.confirmed_at = now
    receipt.confirmed_via = via
    receipt.event_id = event_id
    receipt.late = rules.is_late(receipt.due_at, now)
    correlation_id, details = current_correlation_id(), {"via": via}
    confirmation = _confirmation(announcement, receipt.person_id, receipt.late, correlation_id, details)
    await publish_many(session, [confirmation], now=now)


def _confirmation(
    announcement: Announcement, person_id: UUID, late: bool, correlation_id: str, details: dict[str, str]
) -> Happening:
    return Happening(
        catalogue.ReceiptConfirmed(announcement_id=announcement.id, person_id=person_id, late=late),
        Why(person_actor(person_id), "announcement.receipt", announcement.policy_version_id),
        correlation_id,
        details,
    )


async def _show_confirmed(
    session: AsyncSession,
    announcement: Announcement,
    receipt: Receipt,
    message_id: UUID,
    *,
    click: CardClick | None,
    now: datetime,
) -> None:
    face = await card_again(session, announcement)
    at = receipt.confirmed_at or now
    await cards.update_cards(
        session,
        message_id=message_id,
        card=messages.confirmed_card(face, at=at, late=receipt.late, zone=calendars.timezone_of(session)),
        now=now,
        person_ids=[PersonId(receipt.person_id)],
        click=click,
        actor=person_actor(receipt.person_id),
    )


async def card_again(
    session: AsyncSession, announcement: Announcement, *, notice: str = "", due_at: datetime | None = None
) -> Card:
    """The card as it was sent; with `notice` and the deadline of those who are reminded."""
    policy = await policies.get(session, PolicyVersionId(announcement.policy_version_id))
    rule = rules.class_rule(policy.document, announcement.message_class)
    author = await org.person(session, PersonId(announcement.author_id))
    return messages.card(
        announcement,
        class_title=rule.title,
        author=author.name if author else "",
        citation=policy.cite("announcement.receipt"),
        zone=calendars.timezone_of(session),
        notice=notice,
        due_at=due_at,
    ).leading_to(addresses.link(session, addresses.me_announcement(announcement.id)))
