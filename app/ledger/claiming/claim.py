"""Claims a call: it waits, is due, is allowed, and fits the platform's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import queries, recovery, rules
from app.ledger.calls import Attempt, conclude, move, set_body
from app.ledger.claiming import platform_limits
from app.ledger.claiming.sending_hours import outside_hours
from app.ledger.rules import Failed, Hold, Unknown
from app.wecom.message_bodies.split_text import said_again
from models.delivery import CallState, HoldReason, OutgoingCall


@dataclass(frozen=True)
class Divided:
    """The limits let only some recipients have the call now: the caller splits it in the same transaction."""

    call: OutgoingCall
    shares: Sequence[platform_limits.Share]


async def claim(session: AsyncSession, *, call_id: UUID, now: datetime) -> Attempt | Divided | None:
    """Claim the call if it waits, is due and is allowed. None: another worker has it, or it is held and says why."""
    await queries.lock_ordering_of(session, call_id)
    call = await queries.claim_waiting_call(session, call_id, now)
    if call is None:
        return None
    uncertain = call.sent_at is not None
    if recovery.is_too_late_to_resend(call, now):
        await conclude(session, call, Unknown("去重时间窗已过，不能再安全重发：请人工确认"), now=now)
        return None
    hold = await _reason_to_hold(session, call, uncertain=uncertain, now=now)
    if hold is not None:
        await conclude(session, call, hold, now=now)
        return None
    match await platform_limits.reserve(session, call, uncertain=uncertain, now=now):
        case []:
            if call.hold_reason == HoldReason.PLATFORM_TROUBLE and not uncertain:
                await _speak_as_the_app_of_now(session, call)
            if not uncertain and recovery.is_checked_for_duplicates(call):
                await _tell_apart(session, call, now=now)
            return _take(call, uncertain=uncertain, now=now)
        case [platform_limits.Share(verdict=Hold() | Failed() as verdict)]:
            await conclude(session, call, verdict, now=now)
            return None
        case shares:
            return Divided(call, shares)


def _take(call: OutgoingCall, *, uncertain: bool, now: datetime) -> Attempt:
    after_lost = call.hold_reason == HoldReason.RECOVERING
    move(call, CallState.SENDING)
    call.hold_reason, call.not_before = None, None
    call.attempts += 1
    call.leased_until = now + rules.LEASE
    call.sent_at = call.sent_at or now
    not_after = now + rules.SENT_WITHIN
    return Attempt(call.id, call.app_id, call.kind, call.request_body, call.attempts, uncertain, not_after, after_lost)


async def _speak_as_the_app_of_now(session: AsyncSession, call: OutgoingCall) -> None:
    """The trouble may have been a wrong agentid (40056, 301002), which somebody has corrected in the settings. Nothing
    was sent with the old bytes that the platform would have to recognise.
    """
    body = rules.body_of(call)
    agent_id = await queries.agent_id_of(session, call.app_id)
    if agent_id is not None and body.get("agentid", agent_id) != agent_id:
        set_body(call, body | {"agentid": agent_id})


async def _tell_apart(session: AsyncSession, call: OutgoingCall, *, now: datetime) -> None:
    """The platform takes a second text of the same bytes for a repeat of the first, answers as if it were sent, and
    shows it to nobody (messaging §1.1). Whoever says the same again within the window says so.
    """
    since = now - recovery.duplicate_window(call) - recovery.WINDOW_MARGIN
    await queries.lock_bytes_of(session, call)
    body, times = rules.body_of(call), 1
    while await queries.is_text_sent(session, call.request_sha256, since=since):
        times += 1
        set_body(call, body | {"text": {"content": said_again(body["text"]["content"], times)}})


async def _reason_to_hold(session: AsyncSession, call: OutgoingCall, *, uncertain: bool, now: datetime) -> Hold | None:
    """Why the call may not be made now, and until when. A resend does not wait for hours: its window closes.

    The platform's limits are asked last, and reserved at once.
    """
    return await _predecessor(session, call) or (None if uncertain else await outside_hours(session, call, now=now))


async def _predecessor(session: AsyncSession, call: OutgoingCall) -> Hold | None:
    if call.ordering_key is None:
        return None
    match await queries.predecessor_state(session, call):
        case None:
            return None
        case CallState.UNKNOWN:
            return Hold(HoldReason.UNKNOWN_BEFORE)
        case _:
            return Hold(HoldReason.PREDECESSOR)
