"""Every SELECT of the audit trail for lists, by intention. The seal's own stand in `verify.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.why import About
from models.audit import AuditDetail, AuditEntry


def entries(*, object_kind: str | None, object_id: str | None, correlation_id: str | None) -> Select[AuditEntry]:
    """The trail for a list; the caller orders and pages."""
    statement = select(AuditEntry)
    wanted = {"object_kind": object_kind, "object_id": object_id, "correlation_id": correlation_id}
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(AuditEntry, name) == value)
    return statement


async def recorded_by(session: AsyncSession, rows: Sequence[AuditEntry]) -> dict[int, str]:
    """Which of these acts an API key did in a person's name, and which key."""
    entry_ids = [row.id for row in rows]
    key: ColumnElement[Any] = col(AuditDetail.details)["recorded_by"].astext
    statement = select(col(AuditDetail.entry_id), key).where(col(AuditDetail.entry_id).in_(entry_ids), key.is_not(None))
    return {row[0]: row[1] for row in (await session.execute(statement)).all()}


async def trail_of(session: AsyncSession, about: About) -> list[tuple[AuditEntry, dict[str, Any]]]:
    """Everything that was done to one object, in order, each with its details as far as they are not erased."""
    statement = (
        select(AuditEntry, col(AuditDetail.details))
        .outerjoin(AuditDetail, col(AuditDetail.entry_id) == col(AuditEntry.id))
        .where(col(AuditEntry.object_kind) == about.kind, col(AuditEntry.object_id) == about.key)
        .order_by(col(AuditEntry.at), col(AuditEntry.id))
    )
    return [(row[0], row[1] or {}) for row in await session.execute(statement)]
