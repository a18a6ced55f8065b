"""May this call go now? Asked in the transaction that claims it, of the policy in force at that moment (D11).

Whether the platform's limits leave room is asked last, and reserved at once: `demands`.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import queries, rules
from app.delivery.rules import Hold
from app.policy import service as policies
from app.policy.rules import next_allowed_moment
from models.delivery import CallKind, CallState, OutgoingCall

_SPEAKS = frozenset({CallKind.MESSAGE_SEND, CallKind.APPCHAT_SEND})
"""What makes a phone ring: only this has hours."""


async def reason_to_hold(session: AsyncSession, call: OutgoingCall, *, uncertain: bool, now: datetime) -> Hold | None:
    """Why not, and until when. A resend of uncertain outcome waits for no hours: its window closes."""
    return await _predecessor(session, call) or (None if uncertain else await _hours(session, call, now))


async def _predecessor(session: AsyncSession, call: OutgoingCall) -> Hold | None:
    if call.ordering_key is None:
        return None
    match await queries.predecessor_state(session, call):
        case None:
            return None
        case CallState.UNKNOWN:
            return Hold(rules.UNKNOWN_BEFORE)
        case _:
            return Hold("predecessor")


async def _hours(session: AsyncSession, call: OutgoingCall, now: datetime) -> Hold | None:
    if call.kind not in _SPEAKS or call.message_id is None:
        return None
    message = await queries.get_message(session, call.message_id)
    assert message is not None  # a foreign key
    policy = await policies.in_force(session, now=now)
    moment = next_allowed_moment(
        now,
        message_class=message.message_class,
        delivery=policy.document.delivery,
        calendar=await policies.calendar(session, now=now, policy=policy),
        # The call's own luck: asked again, it answers the same.
        rng=Random(call.id.int),  # noqa: S311 -- spreads load, keeps no secret
    )
    return Hold("quiet_hours", moment) if moment > now else None
