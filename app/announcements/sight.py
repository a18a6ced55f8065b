"""How far a permission goes among announcements (D21)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, literal, select, true
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
    parts: list[Select[UUID]] = []
    if sight.groups:
        groups = any_(literal(list(sight.groups), ARRAY(Uuid)))
        parts.append(select(col(AnnouncementGroup.announcement_id)).where(col(AnnouncementGroup.group_id) == groups))
    if sight.person_id:
        parts += _own(sight)
    return org.among(col(Announcement.id), parts, col(Announcement.author_id), sight.departments)


def _own(sight: Sight) -> list[Select[UUID]]:
    received = select(col(Receipt.announcement_id)).where(col(Receipt.person_id) == sight.person_id)
    return [select(col(Announcement.id)).where(col(Announcement.author_id) == sight.person_id), received]


async def is_seen(session: AsyncSession, sight: Sight, announcement_id: object) -> bool:
    statement = select(col(Announcement.id)).where(col(Announcement.id) == announcement_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None
