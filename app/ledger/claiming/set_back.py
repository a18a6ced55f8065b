"""Our clock was set back: what waits until a moment that was reckoned with the wrong time is judged again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.delivery import CallState, HoldReason, OutgoingCall

JUDGED_BY_NOW = (HoldReason.QUIET_HOURS, HoldReason.PLATFORM_LIMIT, HoldReason.MEMBER_LIMIT)
"""Why a call waits that may go as soon as the reason is over, whatever moment was foreseen. A back-off ends by itself
(`FARTHEST_AHEAD`), and what waits for another call waits for no moment."""


async def judge_again(session: AsyncSession, *, now: datetime, after: UUID, most: int) -> Sequence[UUID]:
    """Let calls that wait by the time ask again now: at most `most`, by their ids."""
    waiting = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.state).in_((CallState.HELD, CallState.READY)), col(OutgoingCall.not_before) > now)
        .where(col(OutgoingCall.hold_reason).in_(JUDGED_BY_NOW), col(OutgoingCall.id) > after)
        .order_by(col(OutgoingCall.id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    statement = update(OutgoingCall).where(col(OutgoingCall.id).in_(waiting)).values(not_before=now)
    return sorted((await session.scalars(statement.returning(col(OutgoingCall.id)))).all())


async def shorten_leases(session: AsyncSession, *, until: datetime) -> None:
    """No attempt under way is believed in for longer."""
    too_long = update(OutgoingCall).where(
        col(OutgoingCall.state) == CallState.SENDING, col(OutgoingCall.leased_until) > until
    )
    await session.execute(too_long.values(leased_until=until))
