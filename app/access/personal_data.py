"""What is kept about the signing in of one person, and what they were granted (F198)."""

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
from models.access import AccessGrant, PersonSession


class SessionRow(KeptRow):
    browser: str = Field(title="浏览器", description="Browser")
    way: str = Field(title="登录方式", description="How they signed in")
    started_at: datetime = Field(title="登录", description="Signed in")
    seen_at: datetime = Field(title="最近使用", description="Used last")
    ended_at: datetime | None = Field(title="结束", description="Ended")
    ended_because: str | None = Field(title="结束原因", description="Why it ended")


class GrantRow(KeptRow):
    bundle: str = Field(title="权限", description="Bundle of permissions")
    reach: str = Field(title="范围", description="How far")
    place: str = Field(title="所在", description="Department or group")
    reason: str = Field(title="理由", description="Why")
    granted_at: datetime = Field(title="授予", description="Granted")
    ends_at: datetime | None = Field(title="到期", description="Ends")
    ended_at: datetime | None = Field(title="收回", description="Taken back")


SESSIONS: Final = Kind("sessions", "登录记录", "Sessions", SessionRow)
GRANTS: Final = Kind("grants", "授予的权限", "Permissions granted", GrantRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    sessions = (
        select(*(getattr(PersonSession, name) for name in SessionRow.model_fields))
        .where(col(PersonSession.person_id) == person_id)
        .order_by(col(PersonSession.started_at).desc(), col(PersonSession.id))
    )
    grants = (
        select(*(getattr(AccessGrant, name) for name in GrantRow.model_fields))
        .where(col(AccessGrant.person_id) == person_id)
        .order_by(col(AccessGrant.granted_at).desc(), col(AccessGrant.id))
    )
    return [await SESSIONS.read(session, sessions), await GRANTS.read(session, grants)]
