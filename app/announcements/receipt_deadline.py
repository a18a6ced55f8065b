"""Policy 3.6: until when a receipt is wanted, the one chase before it, and the final list when it has passed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, queries, rules
from app.announcements.confirm import card_again
from app.announcements.rules import AnnouncementPurpose, about
from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue, publish
from app.jobs.timers import cancel_timer, set_timer
from app.org import queries as org
from app.policy import service as policies
from app.policy.sections.announcements import AnnouncementClassRule
from app.policy.service import Policy
from models.announcements import Announcement, AnnouncementState
from models.delivery import MessageClass
from models.ids import AnnouncementId, PersonId

CHASE = "announcement.chase"
DEADLINE = "announcement.deadline"


async def set_receipt_deadline(
    session: AsyncSession,
    announcement: Announcement,
    rule: AnnouncementClassRule,
    policy: Policy,
    wanted: datetime | None,
    now: datetime,
) -> None:
    """Policy 3.6: the announcement's own deadline, or its class's; and one chase before it."""
    if not announcement.receipt_required:
        return
    basis = None
    if wanted is not None:
        rules.check_deadline(wanted, now)
        announcement.deadline = wanted
    elif rule.default_deadline is not None:
        announcement.deadline, basis = await calendars.deadline(
            session, start=now, duration=rule.default_deadline, policy=policy
        )
    if announcement.deadline is None:
        return
    subject = str(announcement.id)
    await set_timer(session, DEADLINE, subject, announcement.deadline, basis=basis)
    if rule.chase_before is not None:
        chase_at, chase_basis = await calendars.reminder(
            session, due_at=announcement.deadline, before=rule.chase_before, policy=policy, due_basis=basis
        )
        if chase_at > now:
            await set_timer(session, CHASE, subject, chase_at, basis=chase_basis)


async def chase(session: AsyncSession, *, announcement_id: AnnouncementId, now: datetime) -> int:
    """Remind everybody who has not confirmed, once (policy 3.6). Returns how many."""
    announcement = await queries.announcement_for_update(session, announcement_id)
    if announcement is None or announcement.state is not AnnouncementState.PUBLISHED:
        return 0
    waiting = [row for row in await queries.unconfirmed(session, announcement_id, lock=True) if row.chased_at is None]
    if not waiting:
        return 0
    policy = await policies.in_force(session, now=now)
    notice = messages.chase_notice(
        policy.document.announcements.chase_text,
        announcement,
        citation=policy.cite("announcement.chase"),
        zone=calendars.timezone_of(session),
    )
    why = Why(SYSTEM, "announcement.chase", policy.id)
    message = await delivery.send_card(
        session,
        MessageHeader(AnnouncementPurpose.CHASE, about(announcement), why, MessageClass.NOTICE),
        to=[PersonId(row.person_id) for row in waiting],
        card=await card_again(session, announcement, notice=notice),
        now=now,
    )
    announcement.chase_message_id = message.id
    announcement.updated_at = now
    for row in waiting:
        row.chased_at = now
    return len(waiting)


async def close(session: AsyncSession, *, announcement_id: AnnouncementId, now: datetime) -> None:
    """The deadline: who was not chased yet is chased now, and the author gets the final list (policy 3.6, 3.7).

    A confirmation after it still counts and is marked late. Nobody gets a point by itself.
    """
    # Before the announcement is locked: a chase that fires now holds its timer and waits for the announcement.
    await cancel_timer(session, CHASE, str(announcement_id))
    await chase(session, announcement_id=announcement_id, now=now)
    announcement = await queries.announcement_for_update(session, announcement_id)
    if announcement is None or announcement.state is not AnnouncementState.PUBLISHED:
        return
    announcement.state, announcement.closed_at, announcement.updated_at = AnnouncementState.CLOSED, now, now
    standing = await queries.standing(session, announcement_id)
    waiting = await queries.unconfirmed(session, announcement_id)
    reached = await delivery.people_reached(session, announcement.card_message_id, announcement.chase_message_id)
    missing = await org.names_of(session, [row.person_id for row in waiting if row.person_id in reached])
    undelivered = await org.names_of(session, [row.person_id for row in waiting if row.person_id not in reached])
    policy = await policies.in_force(session, now=now)
    why = Why(SYSTEM, "announcement.receipt", policy.id)
    await delivery.send_text(
        session,
        MessageHeader(AnnouncementPurpose.FINAL_LIST, about(announcement), why, MessageClass.NOTICE),
        to=[PersonId(announcement.author_id)],
        text=messages.final_list(announcement, confirmed=standing.confirmed, missing=missing, undelivered=undelivered),
        now=now,
    )
    closed = catalogue.AnnouncementClosed(
        announcement_id=announcement_id, audience=standing.audience, confirmed=standing.confirmed
    )
    await publish(session, closed, why, now=now)
