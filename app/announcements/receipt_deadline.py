"""Policy 3.6: until when a receipt is wanted, and when those who are late are chased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import rules
from app.announcements.chase import CHASE, DEADLINE
from app.calendar import service as calendars
from app.jobs.timers import set_timer
from app.policy.sections.announcements import AnnouncementClassRule
from app.policy.service import Policy
from models.announcements import Announcement


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
