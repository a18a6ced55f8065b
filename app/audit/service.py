"""Writing the trail, and sealing it."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.audit.seal import GENESIS, canonical, details_digest, seal
from app.observability import current_correlation_id
from models.audit import AuditDetail, AuditEntry

SEAL_LOCK = 0x5EA1
"""Advisory lock: one sealer at a time, so that the chain has no forks."""


async def record(
    session: AsyncSession,
    *,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: object,
    now: datetime,
    policy_version_id: UUID | None = None,
    rule_key: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add a row in the caller's transaction. `details` may be erased later; only their salted digest is chained."""
    salt = secrets.token_bytes(16)
    plain = json.loads(canonical(details)) if details else None
    entry = AuditEntry(
        at=now,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        action=action,
        object_kind=object_kind,
        object_id=str(object_id),
        policy_version_id=policy_version_id,
        rule_key=rule_key,
        correlation_id=current_correlation_id(),
        details_digest=details_digest(salt, plain) if plain else None,
    )
    session.add(entry)
    # The row's id is the detail row's key.
    await session.flush()
    if plain and entry.id is not None:
        session.add(AuditDetail(entry_id=entry.id, salt=salt, details=plain))


async def seal_entries(session: AsyncSession, *, now: datetime, limit: int = 1000) -> int:
    """Chain up to `limit` rows that are not sealed yet, in the order of their ids. Returns how many.

    A row committed late may carry a smaller id than one already sealed; it is sealed when seen, and `position`
    says where it stands. Nothing is ever sealed twice.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEAL_LOCK})
    last = (
        await session.execute(
            select(col(AuditEntry.position), col(AuditEntry.seal))
            .where(col(AuditEntry.position).is_not(None))
            .order_by(col(AuditEntry.position).desc())
            .limit(1)
        )
    ).one_or_none()
    position, previous = (last[0] or 0, last[1] or GENESIS) if last else (0, GENESIS)
    entries = (
        await session.scalars(
            select(AuditEntry).where(col(AuditEntry.seal).is_(None)).order_by(col(AuditEntry.id)).limit(limit)
        )
    ).all()
    for entry in entries:
        position += 1
        previous = seal(previous, position, entry)
        entry.position, entry.seal, entry.sealed_at = position, previous, now
    return len(entries)


async def unsealed_count(session: AsyncSession) -> int:
    statement = select(func.count()).select_from(AuditEntry).where(col(AuditEntry.seal).is_(None))
    return (await session.scalars(statement)).one()
