"""When a message may go: working hours, the rest period, and the moment of its release (policy 3.4, F62).

Asked in the transaction that claims the call, of the policy in force at that moment (D11).
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import queries
from app.ledger.rules import Hold
from app.policy import service as policies
from app.policy.rules import next_allowed_moment
from models.delivery import CallKind, OutgoingCall

_SPEAKS = frozenset({CallKind.MESSAGE_SEND, CallKind.APPCHAT_SEND})
"""What makes a phone ring: only this has hours."""


async def outside_hours(session: AsyncSession, call: OutgoingCall, *, now: datetime) -> Hold | None:
    """The hold of a message that may not go at this hour (policy 3.4), until the moment it may."""
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
