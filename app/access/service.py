"""API keys: made, listed, ended, looked up. Only a digest is stored; the key itself is shown once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.errors import NoSuchKey, UnknownScope
from app.access.keys import digest
from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.manifest import registry_of
from app.web.scopes import EVERYTHING, scopes_of
from models.access import ApiKey

BOOTSTRAP = "bootstrap"


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
        raise UnknownScope(f"不认识：{', '.join(unknown) or '（空）'}；可选：{', '.join(known)}")


async def end_key(session: AsyncSession, *, key_id: UUID, actor: Actor, now: datetime) -> ApiKey:
    row = await session.get(ApiKey, key_id, with_for_update={"key_share": True})
    if row is None or row.ended_at is not None:
        raise NoSuchKey("没有这个密钥，或它已停用")
    row.ended_at = now
    await publish(session, catalogue.ApiKeyEnded(api_key_id=key_id), Why(actor), now=now)
    return row


async def list_keys(session: AsyncSession) -> list[ApiKey]:
    return list(await session.scalars(select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.id))))


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
