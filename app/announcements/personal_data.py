"""What the announcements keep about one person (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kept_data import Kept, KeptRow, Kind
from models.announcements import Announcement, AnnouncementState, Receipt


class ReceiptRow(KeptRow):
    announcement: str = Field(title="通知", description="Announcement")
    published_at: datetime = Field(title="发布", description="Published")
    source: str = Field(title="发给本人的原因", description="Why it went to the person")
    due_at: datetime | None = Field(title="期限", description="Deadline")
    confirmed_at: datetime | None = Field(title="确认", description="Confirmed")
    confirmed_via: str | None = Field(title="途径", description="Channel")
    late: bool = Field(title="逾期", description="Late")
    chased_at: datetime | None = Field(title="催办", description="Reminded")
    escalated_at: datetime | None = Field(title="告知上级", description="Superior told")


class PublishedRow(KeptRow):
    title: str = Field(title="通知", description="Announcement")
    message_class: str = Field(title="类别", description="Class")
    state: AnnouncementState = Field(title="状态", description="State")
    published_at: datetime = Field(title="发布", description="Published")


RECEIPTS: Final = Kind("receipts", "收到的通知和回执", "Receipts", ReceiptRow)
PUBLISHED: Final = Kind("announcements", "发布的通知", "Announcements published", PublishedRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    receipts = (
        select(
            col(Announcement.title).label("announcement"),
            col(Announcement.published_at),
            *(getattr(Receipt, name) for name in ReceiptRow.model_fields if name in Receipt.model_fields),
        )
        .join(Announcement, col(Announcement.id) == col(Receipt.announcement_id))
        .where(col(Receipt.person_id) == person_id)
        .order_by(col(Receipt.id).desc())
    )
    published = (
        select(*(getattr(Announcement, name) for name in PublishedRow.model_fields))
        .where(col(Announcement.author_id) == person_id)
        .order_by(col(Announcement.published_at).desc(), col(Announcement.id))
    )
    return [await RECEIPTS.read(session, receipts), await PUBLISHED.read(session, published)]
