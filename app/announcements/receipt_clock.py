"""Policy 3.6: a person's clock starts when the card has reached them, and everybody has the full term."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import queries, rules
from app.announcements.escalation import ESCALATE
from app.announcements.queries import Term
from app.announcements.receipt_deadline import CHASE, DEADLINE
from app.calendar import service as calendars
from app.delivery import queries as delivery_queries
from app.jobs.timers import bring_forward
from app.policy import service as policies
from models.announcements import Announcement, AnnouncementState
from models.delivery import CallState, OutgoingCall
from models.ids import AnnouncementId, PolicyVersionId


async def start_clocks(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """A card has reached the people of one call: at once after the publication, or when whatever held it has ended.

    One statement for all of them. The timers come first: see `receipt_deadline` for the order of locks.
    """
    if call.state is not CallState.DONE or call.message_id is None:
        return
    origin = await delivery_queries.origin_of(session, call.message_id)
    announcement = await queries.announcement(session, AnnouncementId(UUID(origin)))
    people = await delivery_queries.people_reached_by(session, call.id)
    if announcement.deadline is None or not people:
        return
    term, subject = await _term(session, announcement, announcement.deadline, now), str(announcement.id)
    await bring_forward(session, DEADLINE, subject, term.due_at)
    await bring_forward(session, CHASE, subject, term.chase_at)
    if term.escalate_at is not None:
        await bring_forward(session, ESCALATE, subject, term.escalate_at)
    await session.refresh(announcement)
    if announcement.state is AnnouncementState.CLOSED:
        await _open_again(session, announcement, now)
    await queries.start_clocks(session, announcement.id, people, term)


async def _term(session: AsyncSession, announcement: Announcement, deadline: datetime, now: datetime) -> Term:
    """The deadline that the card names, or the term of its class from now, whichever is later. Where the author has
    given less time than the class does, that much is the term.
    """
    policy = await policies.get(session, PolicyVersionId(announcement.policy_version_id))
    rule = rules.class_rule(policy.document, announcement.message_class)
    given = now + (deadline - announcement.published_at)
    if rule.default_deadline is not None:
        of_class, _ = await calendars.deadline(session, start=now, duration=rule.default_deadline, policy=policy)
        usual, _ = await calendars.deadline(
            session, start=announcement.published_at, duration=rule.default_deadline, policy=policy
        )
        # In working time a night lies between: only a deadline that the author named is shorter or longer.
        given = min(given, of_class) if deadline < usual else of_class
    due_at = max(deadline, given)
    chase_at, escalate_at = due_at, None
    if rule.chase_before is not None:
        reminder, _ = await calendars.reminder(session, due_at=due_at, before=rule.chase_before, policy=policy)
        chase_at = reminder if reminder > now else due_at
    if rule.escalate_after is not None:
        escalate_at, _ = await calendars.deadline(session, start=due_at, duration=rule.escalate_after, policy=policy)
    return Term(due_at, chase_at, escalate_at)


async def _open_again(session: AsyncSession, announcement: Announcement, now: datetime) -> None:
    locked = await queries.announcement_for_update(session, AnnouncementId(announcement.id))
    if locked is not None:
        locked.state, locked.closed_at, locked.updated_at = AnnouncementState.PUBLISHED, None, now
        await session.flush()
