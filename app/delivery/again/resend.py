"""Sends a message again to some recipients: it was taken back from others, or a person retries it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.delivery import compose, queries
from app.delivery.content import read_content
from app.delivery.errors import DeliveryNotFound, NothingToRetry, RecipientGone
from app.delivery.send import sender
from app.events.service import catalogue, publish
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.service import Failed
from app.org import queries as org
from models.delivery import CallState, Delivery, DeliveryState, FailReason, HoldReason, Message, OutgoingCall


async def take_back(
    session: AsyncSession, message: Message, call: OutgoingCall, *, people: Sequence[UUID], actor: Actor, now: datetime
) -> None:
    """Take the unsent, locked call back from these people. The others get the same from a new call."""
    everybody = await ledger_queries.recipients_of_call(session, call.id)
    others = [person for person in everybody if person not in set(people)]
    reachable = list(await org.userids_of(session, others))
    gone = [person for person in others if person not in set(reachable)]
    await ledger_queries.fail_people(session, call_id=call.id, people=gone, reason=FailReason.LEFT, now=now)
    if reachable:
        part = compose.parts_of(read_content(message.content))[call.part - 1]
        body = await _body_to(session, part, reachable, now)
        rest = compose.message_call(message, body=body, part=call.part, actor=actor, now=now)
        rest.ordering_key = call.ordering_key
        await ledger.replace_call(session, call, rest, now)
        await ledger_queries.move_deliveries(
            session, from_call=call.id, to_call=rest.id, people=reachable, reason=HoldReason.QUEUED, now=now
        )
        await ledger_queries.set_deliveries(
            session, call_id=call.id, state=DeliveryState.FAILED, reason=FailReason.SUPERSEDED, until=None, now=now
        )
        return
    await ledger.conclude(session, call, Failed(FailReason.SUPERSEDED, "发出前已有结果，不再发送"), now=now)


async def retry_delivery(session: AsyncSession, *, delivery_id: int, actor: Actor, now: datetime) -> Delivery:
    """Send again what failed or is unknown, with a new call to this recipient alone. A person has decided it."""
    delivery, former = await _lock_with_call(session, delivery_id)
    message = await ledger_queries.get_message(session, delivery.message_id)
    assert message is not None  # a foreign key
    _check_may_retry(delivery, former)
    was = {"state": delivery.state.value, "reason": delivery.reason}
    call = await _one_more(session, message, delivery, former, actor, now)
    delivery.call_id, delivery.state, delivery.reason = call.id, DeliveryState.HELD, HoldReason.QUEUED
    delivery.until = delivery.updated_at = now
    await session.flush()
    await _retire(session, former, now)
    await ledger.release(session, call.id)
    retried = catalogue.DeliveryRetried(delivery_id=delivery_id, call_id=call.id)
    await publish(session, retried, Why(actor, delivery.rule_key, delivery.policy_version_id), now=now, details=was)
    return delivery


async def _lock_with_call(session: AsyncSession, delivery_id: int) -> tuple[Delivery, OutgoingCall | None]:
    """Lock the call before the delivery: the order in which outcomes are recorded."""
    seen = await queries.get_delivery(session, delivery_id)
    if seen is None:
        raise DeliveryNotFound(
            f"没有编号为 {delivery_id} 的投递记录", f"There is no delivery with the id {delivery_id}"
        )
    call_id = seen.call_id
    call = await ledger_queries.call_for_update(session, call_id) if call_id else None
    delivery = await queries.delivery_for_update(session, delivery_id)
    assert delivery is not None  # rows of the ledger are never deleted
    if delivery.call_id != call_id:
        raise NothingToRetry(
            "刚刚已有人重试", "Somebody has just sent it again", state=delivery.state.value, reason=delivery.reason
        )
    return delivery, call


def _check_may_retry(delivery: Delivery, former: OutgoingCall | None) -> None:
    if delivery.state in {DeliveryState.SENT, DeliveryState.HELD}:
        raise NothingToRetry(
            "已经送出或正在排队，不需要重试",
            "It was sent or is about to be: nothing to send again",
            state=delivery.state.value,
            reason=delivery.reason,
        )
    if delivery.reason == FailReason.SUPERSEDED:
        raise NothingToRetry(
            "发出前已有结果，内容已过时",
            "It was settled before it was sent: what it says is out of date",
            state=delivery.state.value,
            reason=delivery.reason,
        )
    if former is not None and former.state in {*ledger_queries.WAITING, CallState.SENDING}:
        raise NothingToRetry(
            "系统正在自动恢复这次调用，请稍后再看",
            "This call is being recovered: look again later",
            state=delivery.state.value,
            reason=delivery.reason,
        )


async def _one_more(
    session: AsyncSession,
    message: Message,
    delivery: Delivery,
    former: OutgoingCall | None,
    actor: Actor,
    now: datetime,
) -> OutgoingCall:
    part = compose.parts_of(read_content(message.content))[delivery.part - 1]
    body = await _body_to(session, part, [delivery.person_id], now)
    call = compose.message_call(message, body=body, part=delivery.part, actor=actor, now=now)
    if former is not None:
        call.id, call.previous_id, call.ordering_key = ledger.id_beside(former.id), former.id, former.ordering_key
    session.add(call)
    await session.flush()
    return call


async def _body_to(
    session: AsyncSession, part: dict[str, Any], people: Sequence[UUID], now: datetime
) -> dict[str, Any]:
    userids = await org.userids_of(session, people)
    if not userids:
        raise RecipientGone(
            "收件人已经没有企业微信账号，无法重发",
            "The recipient has no WeCom account any more: nothing can be sent to them",
        )
    from_us = await sender(session, now=now)
    return compose.body_for(
        part,
        userids=list(userids.values()),
        agent_id=from_us.agent_id,
        window_seconds=from_us.window_seconds,
        task_id=compose.new_task_id() if "template_card" in part else None,
    )


async def _retire(session: AsyncSession, former: OutgoingCall | None, now: datetime) -> None:
    """Mark a call without recipients as replaced, so that it no longer blocks its ordering key."""
    if former is None or former.state not in {CallState.UNKNOWN, CallState.FAILED}:
        return
    if not await ledger_queries.has_recipients(session, former.id):
        ledger.move(former, CallState.REPLACED)
        former.finished_at = now
