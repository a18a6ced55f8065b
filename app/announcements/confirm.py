"""Use case: a person confirms."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, queries, rules
from app.announcements.errors import NotConcerned
from app.audit.actor import person_actor
from app.audit.service import record
from app.delivery import service as delivery
from app.org import queries as org
from app.policy import service as policies
from app.wecom.messages import Card
from models.announcements import Announcement, Receipt
from models.delivery import CardClick
from models.ids import AnnouncementId, PersonId, PolicyVersionId
from models.org import Person


async def confirm(
    session: AsyncSession,
    *,
    announcement_id: AnnouncementId,
    person: Person,
    via: str,
    now: datetime,
    event_id: int | None = None,
    click: CardClick | None = None,
    message_id: UUID | None = None,
) -> Receipt:
    """A person confirms. The first confirmation stands; a repeat only greys the card it came from.

    `click` and `message_id` name the card that was clicked, which then shows the outcome. A click that comes again
    has spent its code already and does nothing (P2).
    """
    announcement = await queries.announcement(session, announcement_id)
    rules.check_takes_receipts(announcement)
    receipt = await queries.receipt_for_update(session, announcement_id, person.id)
    if receipt is None:
        raise NotConcerned("这个通知没有发给该成员")
    is_first = rules.may_confirm(receipt)
    if is_first:
        await _store(session, announcement, receipt, person, via=via, event_id=event_id, now=now)
    is_fresh_click = click is not None and click.spent_at is None
    shown_on = message_id or announcement.card_message_id
    if shown_on is not None and (is_first or is_fresh_click):
        await _show_confirmed(session, announcement, receipt, shown_on, click=click, now=now)
    return receipt


async def _store(
    session: AsyncSession,
    announcement: Announcement,
    receipt: Receipt,
    person: Person,
    *,
    via: str,
    event_id: int | None,
    now: datetime,
) -> None:
    receipt.confirmed_at = now
    receipt.confirmed_via = via
    receipt.event_id = event_id
    receipt.late = rules.is_late(announcement.deadline, now)
    await record(
        session,
        actor=person_actor(person.id),
        action="announcement.confirmed",
        object_kind="announcement",
        object_id=announcement.id,
        now=now,
        policy_version_id=announcement.policy_version_id,
        rule_key="announcement.receipt",
        details={"via": via, "late": receipt.late},
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
    await delivery.update_cards(
        session,
        message_id=message_id,
        card=messages.confirmed_card(face, at=at, late=receipt.late, zone=policies.timezone_of(session)),
        now=now,
        person_ids=[PersonId(receipt.person_id)],
        click=click,
        actor=person_actor(receipt.person_id),
    )


async def card_again(session: AsyncSession, announcement: Announcement, *, notice: str = "") -> Card:
    policy = await policies.get(session, PolicyVersionId(announcement.policy_version_id))
    rule = rules.class_rule(policy.document, announcement.message_class)
    author = await org.person(session, PersonId(announcement.author_id))
    return messages.card(
        announcement,
        class_title=rule.title,
        author=author.name if author else "",
        citation=policy.cite("announcement.receipt"),
        zone=policies.timezone_of(session),
        notice=notice,
    )
