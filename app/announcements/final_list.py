"""Policy 3.6, 3.7: what the author is told when clocks have run out, as it stands when it is said."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, queries
from app.announcements.rules import AnnouncementPurpose, about
from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.delivery.service import MessageHeader
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.org import queries as org
from app.policy import service as policies
from models.announcements import Announcement
from models.delivery import MessageClass
from models.ids import AnnouncementId


class Ended(BaseModel):
    """Whose clocks the list is about: those that have run out until then, and after the list before it."""

    since: datetime | None
    until: datetime

    def names(self, due_at: datetime | None) -> bool:
        return due_at is not None and due_at <= self.until and (self.since is None or due_at > self.since)


async def reach_author(session: AsyncSession, announcement: Announcement, *, now: datetime) -> None:
    detail = Ended(since=announcement.listed_at, until=now).model_dump_json()
    author = [announcement.author_id]
    await ladders.reach(session, AnnouncementPurpose.FINAL_LIST, about(announcement), author, now=now, detail=detail)


async def lists_said_now(session: AsyncSession, announcement: Announcement, *, now: datetime) -> list[Ended]:
    """What the author reads at this moment anyhow. Whoever is the superior as well reads each name once."""
    lists = await ladders.details_due(
        session, about=about(announcement), purpose=AnnouncementPurpose.FINAL_LIST, now=now
    )
    return [Ended.model_validate_json(one) for one in lists]


async def list_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    announcement = await queries.announcement(session, AnnouncementId(UUID(rung.about)))
    lines = await _lines(session, announcement, Ended.model_validate_json(rung.detail))
    if not lines:
        return []
    policy = await policies.in_force(session, now=rung.now)
    why = Why(SYSTEM, "announcement.receipt", policy.id)
    header = MessageHeader(AnnouncementPurpose.FINAL_LIST, about(announcement), why, MessageClass.NOTICE)
    return [Words(header, rung.people, text="\n".join(lines), line=messages.in_one_line(lines))]


async def _lines(session: AsyncSession, announcement: Announcement, ended: Ended) -> list[str]:
    """The list; after the first one only what is new in it, and nothing when nothing is."""
    waiting = await queries.unconfirmed(session, announcement.id)
    since, until = ended.since, ended.until
    due = [row for row in waiting if ended.names(row.due_at)]
    missing = list(await org.names_of(session, [row.person_id for row in due]))
    if since is None:
        unreached = [row.person_id for row in waiting if row.due_at is None]
        undelivered = await org.names_of(session, unreached)
        running = len(waiting) - len(due) - len(unreached)
        confirmed = (await queries.standing(session, announcement.id)).confirmed
        others = messages.NotConfirmed(missing, undelivered, running)
        return messages.final_list(announcement, confirmed=confirmed, others=others)
    clocks = await queries.ended_between(session, announcement.id, since, until)
    return messages.later_list(announcement, confirmed=clocks - len(due), missing=missing) if clocks else []
