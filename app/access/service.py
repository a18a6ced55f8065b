"""API keys: made, listed, ended, looked up. Only a digest is stored; the key itself is shown once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.errors import NoSuchKey, UnknownScope
from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.manifest import registry_of
from app.web.deps import EVERYTHING, Caller, scopes_of
from models.access import ApiKey

BOOTSTRAP = "bootstrap"
_USED_EVERY = timedelta(minutes=1)


def digest(key: str) -> bytes:
    """Keys are long and random, so a plain sha256 keeps them."""
    return hashlib.sha256(key.encode()).digest()


async def create_key(
    session: AsyncSession,
    *,
    name: str,
    scopes: list[str],
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key. The second value is the key itself, which cannot be read again. Raises `UnknownScope`."""
    _check_scopes(scopes, known=scopes_of(registry_of(session)))
    key = f"stw_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        name=name,
        prefix=key[:8],
        key_hash=digest(key),
        scopes=scopes,
        created_at=now,
        created_by=str(actor),
        expires_at=expires_at,
    )
    session.add(row)
    details = {"name": name, "scopes": scopes}
    await publish(session, catalogue.ApiKeyCreated(api_key_id=row.id), Why(actor), now=now, details=details)
    return row, key


def _check_scopes(scopes: list[str], *, known: Sequence[str]) -> None:
    unknown = [scope for scope in scopes if scope not in known]
    if unknown or not scopes:
        raise UnknownScope(f"不认识: {', '.join(unknown) or '(空)'}；可选: {', '.join(known)}")


async def end_key(session: AsyncSession, *, key_id: UUID, actor: Actor, now: datetime) -> ApiKey:
    row = await session.get(ApiKey, key_id, with_for_update={"key_share": True})
    if row is None or row.ended_at is not None:
        raise NoSuchKey("没有这个密钥，或它已停用")
    row.ended_at = now
    await publish(session, catalogue.ApiKeyEnded(api_key_id=key_id), Why(actor), now=now)
    return row


async def list_keys(session: AsyncSession) -> list[ApiKey]:
    return list(await session.scalars(select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.id))))


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
    return Caller(row.id, row.name, row.scopes) if row is not None else None


async def install_bootstrap_key(session: AsyncSession, *, key: str | None, now: datetime) -> None:
    """Accept the configured all-scopes key, and no former one."""
    wanted = digest(key) if key else b""
    rows = await session.scalars(
        select(ApiKey)
        .where(col(ApiKey.name) == BOOTSTRAP, col(ApiKey.created_by) == BOOTSTRAP)
        .with_for_update(key_share=True)
    )
    present = False
    for row in rows:
        is_wanted = row.key_hash == wanted
        present = present or is_wanted
        row.ended_at = None if is_wanted else (row.ended_at or now)
    if key and not present:
        session.add(
            ApiKey(
                name=BOOTSTRAP,
                prefix=key[:4],
                key_hash=wanted,
                scopes=[EVERYTHING],
                created_at=now,
                created_by=BOOTSTRAP,
            )
        )
