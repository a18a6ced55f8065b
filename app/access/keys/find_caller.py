"""Who calls: the key of a request, and whether it is alive."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.web.deps import Caller
from app.web.scopes import ActsFor
from models.access import ApiKey

_USED_EVERY = timedelta(minutes=1)


def digest(key: str) -> bytes:
    """Keys are long and random, so a plain sha256 keeps them."""
    return hashlib.sha256(key.encode()).digest()


async def find_key(session: AsyncSession, *, key: str, now: datetime) -> ApiKey | None:
    """The living key, or None. Notes the use, at most once a minute."""
    alive = or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > now)
    statement = select(ApiKey).where(col(ApiKey.key_hash) == digest(key), col(ApiKey.ended_at).is_(None), alive)
    row = (await session.scalars(statement)).one_or_none()
    if row is not None and (row.last_used_at is None or now - row.last_used_at > _USED_EVERY):
        await session.execute(update(ApiKey).where(col(ApiKey.id) == row.id).values(last_used_at=now))
    return row


async def find_caller(session: AsyncSession, *, key: str, now: datetime) -> Caller | None:
    """Who calls with this key; None without a living one."""
    row = await find_key(session, key=key, now=now)
    if row is None:
        return None
    return Caller(row.id, row.name, row.scopes, ActsFor(row.act_as, tuple(row.act_as_departments)))
