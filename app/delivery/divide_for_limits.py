"""Divides a call when the limits allow only some of its recipients now, so that the others need not wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.delivery import compose
from app.delivery.content import read_content
from app.delivery.send import Sender, sender
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.service import Hold, Share
from app.org import queries as org
from models.delivery import CallState, DeliveryState, FailReason, HoldReason, Message, OutgoingCall

PREDECESSOR = Hold(HoldReason.PREDECESSOR)


async def divide(session: AsyncSession, call: OutgoingCall, shares: Sequence[Share], *, now: datetime) -> None:
    """Put a call for each share in the place of this locked and unsent one, with bytes of its own.

    Later parts of the message follow each by itself: who waits for the first part waits for the second as well.
    """
    if call.sent_at is not None:
        raise ValueError("what may have been sent keeps its bytes")
    if call.message_id is None:
        raise ValueError("only messages are divided")
    message = await ledger_queries.get_message(session, call.message_id)
    assert message is not None  # a foreign key
    from_us = await sender(session, now=now)
    behind = await ledger_queries.later_parts(session, call)
    for index, share in enumerate(shares):
        # One key for all would make everybody wait for the last.
        key = call.ordering_key if index == 0 or call.ordering_key is None else f"{call.ordering_key}:{call.id}:{index}"
        await _carry(session, message, call, share, key, from_us, now)
        for later in behind:
            await _carry(session, message, later, Share(share.people, PREDECESSOR), key, from_us, now)
    for former in (call, *behind):
        ledger.move(former, CallState.REPLACED)
        former.finished_at, former.hold_reason, former.not_before = now, None, None
        # People who have left since then cannot be reached any more: no body names their userid.
        await ledger_queries.set_deliveries(
            session, call_id=former.id, state=DeliveryState.FAILED, reason=FailReason.LEFT, until=None, now=now
        )
    await session.flush()


async def _carry(
    session: AsyncSession,
    message: Message,
    former: OutgoingCall,
    taking: Share,
    ordering_key: str | None,
    from_us: Sender,
    now: datetime,
) -> None:
    """Send the same to these people with a call that takes the place of the former one."""
    userids = await org.userids_of(session, taking.people)
    reachable = [person for person in taking.people if person in userids]
    if not reachable:
        return
    part = compose.parts_of(read_content(message.content))[former.part - 1]
    body = compose.body_for(
        part,
        userids=[userids[person] for person in reachable],
        agent_id=from_us.agent_id,
        window_seconds=from_us.window_seconds,
        task_id=compose.new_task_id() if "template_card" in part else None,
    )
    rest = compose.message_call(message, body=body, part=former.part, actor=Actor.parse(former.actor), now=now)
    rest.id, rest.previous_id, rest.ordering_key = ledger.id_beside(former.id), former.id, ordering_key
    rest.limit_amount = len(reachable)
    session.add(rest)
    await session.flush()
    await ledger_queries.move_deliveries(
        session, from_call=former.id, to_call=rest.id, people=reachable, reason=HoldReason.QUEUED, now=now
    )
    if taking.verdict is None:
        await ledger.release(session, rest.id)
    else:
        await ledger.conclude(session, rest, taking.verdict, now=now)
