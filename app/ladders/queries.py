"""Every SELECT of rungs, and the statements that change many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ARRAY, BigInteger, CursorResult, any_, delete, func, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.why import About
from app.manifest import registry_of
from models.delivery import Delivery, DeliveryState
from models.ladders import Rung
from models.policy import Timer

_TELLING = 0x7E11
"""Advisory lock: two who gather at once would each tell a person a part of it."""


async def nobody_else_tells(session: AsyncSession) -> bool:
    """Whether this transaction may gather what is due; if so, no other does until it ends."""
    lock = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool((await session.execute(lock, {"key": _TELLING})).scalar_one())


async def due_for_update(session: AsyncSession, now: datetime) -> list[Rung]:
    statement = (
        select(Rung)
        .where(col(Rung.due_at) <= now, col(Rung.message_id).is_(None))
        .order_by(col(Rung.due_at), col(Rung.id))
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(statement))


async def delete_rungs(session: AsyncSession, rows: Sequence[Rung]) -> None:
    ids = literal([row.id for row in rows], ARRAY(BigInteger))
    await session.execute(delete(Rung).where(col(Rung.id) == any_(ids)))


async def details_due(session: AsyncSession, *, about: About, purpose: str, now: datetime) -> list[str]:
    """What its domain has added to the rungs about this that are told now."""
    statement = (
        select(col(Rung.detail))
        .where(col(Rung.purpose) == purpose, col(Rung.origin_kind) == about.kind, col(Rung.origin_id) == about.key)
        .where(col(Rung.due_at) <= now, col(Rung.message_id).is_(None))
        .distinct()
    )
    return list(await session.scalars(statement))


async def oldest_due(session: AsyncSession, now: datetime) -> datetime | None:
    statement = select(func.min(col(Rung.due_at))).where(col(Rung.due_at) <= now, col(Rung.message_id).is_(None))
    return (await session.scalars(statement)).one()


async def classes_waiting(session: AsyncSession, now: datetime) -> list[str]:
    """The message classes of what is to be told later than now."""
    waiting = select(col(Rung.message_class)).where(col(Rung.due_at) > now, col(Rung.message_id).is_(None))
    return list(await session.scalars(waiting.distinct().order_by(col(Rung.message_class))))


async def bring_forward(session: AsyncSession, message_class: str, to: datetime) -> int:
    """Let what waits longer than until then wait until then; what somebody is telling stays. Returns how many."""
    later = (
        select(col(Rung.id))
        .where(col(Rung.message_class) == message_class, col(Rung.due_at) > to, col(Rung.message_id).is_(None))
        .with_for_update(skip_locked=True)
    )
    moved = await session.execute(update(Rung).where(col(Rung.id).in_(later)).values(due_at=to))
    return cast("CursorResult[Any]", moved).rowcount


async def more_falls_due(session: AsyncSession, now: datetime, *, besides: Collection[str]) -> bool:
    """Whether timers are due that have not fired yet, as after a time down. One that fails is not waited for."""
    kinds = set(registry_of(session).timers) - set(besides)
    statement = select(
        select(Timer)
        .where(col(Timer.kind).in_(kinds), col(Timer.due_at) <= now)
        .where(col(Timer.parked_at).is_(None), col(Timer.last_error).is_(None))
        .exists()
    )
    return bool((await session.scalars(statement)).one())


async def count_told_together(session: AsyncSession, *, about: About, purpose: str) -> int:
    """To how many people the platform has taken a message that said this among other things."""
    reached = (
        select(col(Rung.message_id), col(Rung.person_id))
        .join(
            Delivery,
            (col(Delivery.message_id) == col(Rung.message_id)) & (col(Delivery.person_id) == col(Rung.person_id)),
        )
        .where(col(Rung.origin_kind) == about.kind, col(Rung.origin_id) == about.key)
        .where(col(Rung.purpose) == purpose, col(Delivery.state) == DeliveryState.SENT)
        .distinct()
        .subquery()
    )
    return (await session.scalars(select(func.count()).select_from(reached))).one()
