"""Policy 3.6: until when a receipt is wanted, the one chase before it, and the list when it has passed.

Each person has a deadline of their own (`receipt_clock`). Locks are taken in one order: the timers (deadline, chase,
escalation), the announcement, the receipts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, queries, rules
from app.announcements.confirm import card_again
from app.announcements.escalation import ESCALATE, another_look
from app.announcements.final_list import reach_author
from app.announcements.rules import AnnouncementPurpose, about
from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.calendar import service as calendars
from app.delivery.service import MessageHeader
from app.events.service import catalogue, publish
from app.jobs.timers import cancel_timer, set_timer
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.ledger import service as ledger
from app.policy import service as policies
from app.policy.sections.announcements import AnnouncementClassRule
from app.policy.service import Policy
from models.announcements import Announcement, AnnouncementState, Receipt
from models.delivery import MessageClass
from models.ids import AnnouncementId, PolicyVersionId

CHASE = "announcement.chase"
DEADLINE = "announcement.deadline"
TOGETHER = timedelta(minutes=10)
"""Clocks that run out within this time of one another are reported in one list."""


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
    """Remind everybody whose time has come and who has not confirmed, once (policy 3.6). Returns how many."""
    announcement = await queries.announcement_for_update(session, announcement_id)
    if announcement is None or announcement.state is not AnnouncementState.PUBLISHED:
        return 0
    not_before = await _escalation_after_reminder(session, announcement, now=now)
    waiting = await queries.mark_chased(session, announcement_id, not_before=not_before, now=now)
    reached = [one.person_id for one in waiting]
    await ladders.reach(session, AnnouncementPurpose.CHASE, about(announcement), reached, now=now)
    if not_before is not None and any(one.is_late for one in waiting):
        await set_timer(session, ESCALATE, another_look(announcement), not_before)
    if waiting:
        announcement.updated_at = now
    following = await queries.next_chase(session, announcement_id)
    if following is not None:
        await set_timer(session, CHASE, str(announcement_id), following)
    return len(waiting)


async def _escalation_after_reminder(
    session: AsyncSession, announcement: Announcement, *, now: datetime
) -> datetime | None:
    """3.6: first the reminder, then the superior. After a time down, or when it waits for the end of the rest period,
    the reminder comes late, and the term is counted from it.
    """
    policy = await policies.get(session, PolicyVersionId(announcement.policy_version_id))
    after = rules.class_rule(policy.document, announcement.message_class).escalate_after
    if after is None:
        return None
    reminded = await ledger.allowed_from(session, MessageClass.NOTICE, now=now)
    return (await calendars.deadline(session, start=reminded, duration=after, policy=policy))[0]


async def chase_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    """For those who have not confirmed meanwhile: the card once more, one for all whose deadline reads the same."""
    announcement = await queries.announcement(session, AnnouncementId(UUID(rung.about)))
    policy, zone = await policies.in_force(session, now=rung.now), calendars.timezone_of(session)
    by_deadline: dict[str, list[Receipt]] = {}
    for receipt in await queries.unconfirmed_of(session, announcement.id, rung.people):
        by_deadline.setdefault(messages.local(receipt.due_at, zone), []).append(receipt)
    why, citation = Why(SYSTEM, "announcement.chase", policy.id), policy.cite("announcement.chase")
    header = MessageHeader(AnnouncementPurpose.CHASE, about(announcement), why, MessageClass.NOTICE)
    said: list[Words] = []
    for deadline, receipts in by_deadline.items():
        notice = messages.chase_notice(
            policy.document.announcements.chase_text, announcement, deadline=deadline, citation=citation
        )
        card = await card_again(session, announcement, notice=notice, due_at=receipts[0].due_at)
        line = messages.chase_in_short(announcement, deadline=deadline, citation=citation)
        said.append(Words(header, [one.person_id for one in receipts], text=notice, line=line, card=card))
    return said


async def close(session: AsyncSession, *, announcement_id: AnnouncementId, now: datetime) -> None:
    """Clocks have run out: who was not chased yet is chased now, and the author gets the list (policy 3.6, 3.7).

    While the clock of somebody whom the card reached later still runs, the announcement stays open, and the author
    hears of them when it has run out. A confirmation after it still counts and is marked late. Nobody gets a point by
    itself.
    """
    # Before the announcement is locked: a chase that fires now holds its timer and waits for the announcement.
    await cancel_timer(session, CHASE, str(announcement_id))
    await chase(session, announcement_id=announcement_id, now=now)
    announcement = await queries.announcement_for_update(session, announcement_id)
    if announcement is None or announcement.state is not AnnouncementState.PUBLISHED:
        return
    at = await _next_list(session, announcement)
    if at is not None and at > now:
        await set_timer(session, DEADLINE, str(announcement_id), at)
        return
    await reach_author(session, announcement, now=now)
    announcement.listed_at, announcement.updated_at = now, now
    following = await _next_list(session, announcement)
    if following is not None:
        await set_timer(session, DEADLINE, str(announcement_id), following)
        return
    announcement.state, announcement.closed_at = AnnouncementState.CLOSED, now
    standing = await queries.standing(session, announcement_id)
    closed = catalogue.AnnouncementClosed(
        announcement_id=announcement_id, audience=standing.audience, confirmed=standing.confirmed
    )
    policy = await policies.in_force(session, now=now)
    await publish(session, closed, Why(SYSTEM, "announcement.receipt", policy.id), now=now)


async def _next_list(session: AsyncSession, announcement: Announcement) -> datetime | None:
    return await queries.next_list(session, announcement.id, listed_at=announcement.listed_at, together=TOGETHER)
