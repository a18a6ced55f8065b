"""Every SELECT of the audit trail for lists, by intention. The seal's own stand in `verify.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select, text, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.audit.why import About
from models.audit import OTHER_ACTS, AuditDetail, AuditEntry


def entries(
    *,
    object_kind: str | None = None,
    object_id: str | None = None,
    correlation_id: str | None = None,
    actor: Actor | None = None,
    action: str | None = None,
) -> Select[AuditEntry]:
    """The trail for a list; the caller orders and pages."""
    statement = select(AuditEntry)
    wanted = {
        "object_kind": object_kind,
        "object_id": object_id,
        "correlation_id": correlation_id,
        "actor_kind": actor.kind.value if actor else None,
        "actor_id": actor.id if actor else None,
        "action": action,
    }
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(AuditEntry, name) == value)
    return statement


def about(what: About, *, with_confirmations: bool) -> Select[AuditEntry]:
    """What was done to one object; the caller orders and pages."""
    statement = select(AuditEntry).where(
        col(AuditEntry.object_kind) == what.kind, col(AuditEntry.object_id) == what.key
    )
    # A literal, for the index of everything else.
    return statement if with_confirmations else statement.where(text(f"audit_entries.{OTHER_ACTS}"))


_LOOKED_BACK = 200
"""Entries of one object: a group with a long life has thousands."""


async def beginnings(session: AsyncSession, what: About, *, most: int) -> list[AuditEntry]:
    """The first entry about an object, and of each other correlation id among its latest the first: in their order."""
    of_it = about(what, with_confirmations=False).with_only_columns(col(AuditEntry.id), col(AuditEntry.correlation_id))
    latest = of_it.order_by(col(AuditEntry.id).desc()).limit(_LOOKED_BACK).subquery()
    first_of_each = (
        select(func.min(latest.c.id).label("id"))
        .group_by(latest.c.correlation_id)
        .order_by(func.min(latest.c.id).desc())
        .limit(most)
    )
    first = of_it.with_only_columns(col(AuditEntry.id)).order_by(col(AuditEntry.id)).limit(1)
    wanted = union(first, first_of_each).subquery()
    statement = select(AuditEntry).where(col(AuditEntry.id).in_(select(wanted.c.id))).order_by(col(AuditEntry.id))
    by_trace = {row.correlation_id: row for row in reversed((await session.scalars(statement)).all())}
    return sorted(by_trace.values(), key=lambda row: row.id or 0)


async def latest_about(session: AsyncSession, what: About, *, action: str, most: int) -> Sequence[AuditEntry]:
    """How often one thing was done to an object, the latest first."""
    statement = about(what, with_confirmations=False).where(col(AuditEntry.action) == action)
    return (await session.scalars(statement.order_by(col(AuditEntry.id).desc()).limit(most))).all()


async def under(session: AsyncSession, correlation_id: str, *, most: int) -> Sequence[AuditEntry]:
    """What is recorded under a correlation id, the first of it."""
    statement = select(AuditEntry).where(col(AuditEntry.correlation_id) == correlation_id)
    return (await session.scalars(statement.order_by(col(AuditEntry.id)).limit(most))).all()


class BothActors(NamedTuple):
    """An act that an API key did in a person's name: whichever of the two is not the row's actor."""

    recorded_by: str | None
    on_behalf_of: str | None


async def both_actors(session: AsyncSession, rows: Sequence[AuditEntry]) -> dict[int, BothActors]:
    """Which of these acts an API key did in a person's name, and which key and person these were."""
    entry_ids = [row.id for row in rows]
    details = col(AuditDetail.details)
    key: ColumnElement[Any] = details["recorded_by"].astext
    person: ColumnElement[Any] = details["on_behalf_of"].astext
    statement = select(col(AuditDetail.entry_id), key, person).where(
        col(AuditDetail.entry_id).in_(entry_ids), or_(key.is_not(None), person.is_not(None))
    )
    return {row[0]: BothActors(row[1], row[2]) for row in (await session.execute(statement)).all()}


async def trail_of(session: AsyncSession, about: About) -> list[tuple[AuditEntry, dict[str, Any]]]:
    """Everything that was done to one object, in order, each with its details as far as they are not erased."""
    statement = (
        select(AuditEntry, col(AuditDetail.details))
        .outerjoin(AuditDetail, col(AuditDetail.entry_id) == col(AuditEntry.id))
        .where(col(AuditEntry.object_kind) == about.kind, col(AuditEntry.object_id) == about.key)
        .order_by(col(AuditEntry.at), col(AuditEntry.id))
    )
    return [(row[0], row[1] or {}) for row in await session.execute(statement)]
