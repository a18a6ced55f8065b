"""The statements of `demands`: whom a call concerns, what is under way, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.delivery import CallState, Delivery, DeliveryState, OutgoingCall
from models.groups import Group, GroupMember


async def calls_long_under_way(session: AsyncSession, since: datetime) -> Sequence[OutgoingCall]:
    """Calls that were claimed before then and not recorded: few, and usually none."""
    statement = select(OutgoingCall).where(
        col(OutgoingCall.state) == CallState.SENDING, col(OutgoingCall.reserved_at) < since
    )
    return (await session.scalars(statement)).all()


async def waiting_ahead(session: AsyncSession, call: OutgoingCall, limit_key: str) -> tuple[int, int]:
    """How many older calls wait for this limit, and how many people they are for."""
    statement = select(func.count(), func.coalesce(func.sum(col(OutgoingCall.limit_amount)), 0)).where(
        col(OutgoingCall.limit_key) == limit_key, col(OutgoingCall.id) < call.id
    )
    count, people = (await session.execute(statement)).one()
    return int(count), int(people)


async def let_go(
    session: AsyncSession, *, limit_key: str | None, path: str | None, now: datetime, most: int
) -> Sequence[UUID]:
    """Calls that wait for this limit, or for the end of this path's block, wait no more. Returns at most so many."""
    for_block = and_(
        col(OutgoingCall.kind) == path,
        col(OutgoingCall.hold_reason) == "platform_limit",
        col(OutgoingCall.limit_key).is_(None),
    )
    waiting = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.state) == CallState.HELD, col(OutgoingCall.not_before) > now)
        .where(for_block if limit_key is None else col(OutgoingCall.limit_key) == limit_key)
        .order_by(col(OutgoingCall.id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    statement = update(OutgoingCall).where(col(OutgoingCall.id).in_(waiting)).values(not_before=now)
    return (await session.scalars(statement.returning(col(OutgoingCall.id)))).all()


async def unfinished_recipients(session: AsyncSession, call_id: UUID) -> list[UUID]:
    """Whom the call would reach now: those left out who failed before it went."""
    statement = (
        select(col(Delivery.person_id))
        .where(col(Delivery.call_id) == call_id)
        .where(col(Delivery.state).in_((DeliveryState.HELD, DeliveryState.UNKNOWN)))
        .order_by(col(Delivery.id))
    )
    return list((await session.scalars(statement)).all())


async def members_of_chat(session: AsyncSession, chatid: str, *, since: datetime) -> list[UUID]:
    """Who is in the group, as we last saw it or want it, and who was at that time: each once."""
    is_in = or_(col(GroupMember.ended_at).is_(None), col(GroupMember.ended_at) >= since)
    statement = (
        select(col(GroupMember.person_id))
        .join(Group, col(Group.id) == col(GroupMember.group_id))
        .where(col(Group.chatid) == chatid, is_in)
        .distinct()
    )
    return list((await session.scalars(statement)).all())
