"""How far a permission goes among announcements (D21)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Uuid, any_, false, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import service as org
from app.permissions import Sight
from models.announcements import Announcement, AnnouncementGroup, Receipt


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """Announcements in groups of the sight or by somebody of its departments, one's own, and those sent to oneself."""
    if sight.everything:
        return true()
    groups = any_(literal(list(sight.groups), ARRAY(Uuid)))
    posted = select(col(AnnouncementGroup.announcement_id)).where(col(AnnouncementGroup.group_id) == groups)
    return or_(
        col(Announcement.id).in_(posted) if sight.groups else false(),
        col(Announcement.author_id).in_(org.people_in(sight.departments)) if sight.departments else false(),
        _own(sight) if sight.person_id else false(),
    )


def _own(sight: Sight) -> ColumnElement[bool]:
    received = select(col(Receipt.announcement_id)).where(col(Receipt.person_id) == sight.person_id)
    return or_(col(Announcement.author_id) == sight.person_id, col(Announcement.id).in_(received))


async def is_seen(session: AsyncSession, sight: Sight, announcement_id: object) -> bool:
    statement = select(col(Announcement.id)).where(col(Announcement.id) == announcement_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None
