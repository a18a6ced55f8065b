"""Taking a call in hand: it waits, is due, may go, and the platform's limits have room for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import demands, gates, queries, rules
from app.delivery.calls import Attempt, conclude, move
from app.delivery.rules import Failed, Hold, Unknown
from app.delivery.split import split
from models.delivery import CallState, OutgoingCall


async def claim(session: AsyncSession, *, call_id: UUID, now: datetime) -> Attempt | None:
    """Take the call when it waits, is due and may go. None: somebody else has it, or it is held (and says why), or
    others carry its recipients now: those who may have it, and those who are at a limit.
    """
    await queries.lock_ordering_of(session, call_id)
    call = await queries.claim_waiting_call(session, call_id, now)
    if call is None:
        return None
    uncertain = call.sent_at is not None
    if rules.is_too_late_to_resend(call, now):
        await conclude(session, call, Unknown("去重时间窗已过，不能再安全重发：请人工确认"), now=now)
        return None
    hold = await gates.reason_to_hold(session, call, uncertain=uncertain, now=now)
    if hold is not None:
        await conclude(session, call, hold, now=now)
        return None
    if not await _has_room(session, call, uncertain=uncertain, now=now):
        return None
    move(call, CallState.SENDING)
    call.hold_reason, call.not_before = None, None
    call.attempts += 1
    call.leased_until = now + rules.LEASE
    call.sent_at = call.sent_at or now
    return Attempt(call.id, call.app_id, call.kind, call.request_body, call.attempts, uncertain)


async def _has_room(session: AsyncSession, call: OutgoingCall, *, uncertain: bool, now: datetime) -> bool:
    match await demands.reserve(session, call, uncertain=uncertain, now=now):
        case []:
            return True
        case [demands.Part(verdict=Hold() | Failed() as verdict)]:
            await conclude(session, call, verdict, now=now)
        case parts:
            await split(session, call, parts, now=now)
    return False
