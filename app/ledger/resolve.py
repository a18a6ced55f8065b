"""What may follow a call: a replacement, the recovery from a dead worker, a person's decision."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.events.service import catalogue, publish
from app.ledger import calls, queries, recovery, rules
from app.ledger.calls import CallRequest, about_of, call_row, why_of
from app.ledger.errors import CallNotFound, NotRetried, NotUnknown
from app.ledger.rules import Done, Failed
from app.wecom.errors import OutcomeUnknown
from models.delivery import CallKind, CallState, FailReason, OutgoingCall


class Resolution(StrEnum):
    DONE = "done"
    FAILED = "failed"


RESOLVED = {Resolution.DONE: catalogue.CallResolvedDone, Resolution.FAILED: catalogue.CallResolvedFailed}


def is_unsent(call: OutgoingCall) -> bool:
    """True only if no attempt was made that may have had an effect."""
    return call.state in queries.WAITING and call.sent_at is None


async def give_up_lease(session: AsyncSession, *, call_id: UUID, now: datetime) -> None:
    """The worker died during the call: whether the platform received it is unknown."""
    call = await queries.call_for_update(session, call_id)
    if call is None or call.state is not CallState.SENDING or call.leased_until is None or call.leased_until >= now:
        return
    lost = OutcomeUnknown(call.kind.value, "执行进程中断")
    await calls.conclude(session, call, recovery.verdict_of_attempt(call, lost, uncertain=True, now=now), now=now)


async def ask_for_the_rest(
    session: AsyncSession, *, attempt: calls.Attempt, missing: dict[str, Any], now: datetime
) -> None:
    """The group shows what of an `appchat/update` is still missing: request exactly that with a new call."""
    call = await queries.call_for_update(session, attempt.call_id)
    if call is None or call.state is not CallState.SENDING or call.attempts != attempt.number:
        return
    request = CallRequest(call.kind, missing, call.purpose, about_of(call), why_of(call), call.ordering_key)
    rest = call_row(request, correlation_id=call.correlation_id, now=now)
    await replace_call(session, call, rest, now)


async def resolve_call(
    session: AsyncSession, *, call_id: UUID, resolution: Resolution, actor: Actor, now: datetime
) -> OutgoingCall:
    """A person has checked and says how a call of unknown outcome ended, or takes note that one arrived after all."""
    call = await queries.call_for_update(session, call_id)
    if call is None:
        raise CallNotFound("没有这次调用", "There is no such call")
    if call.hold_reason == FailReason.ARRIVED_AFTER_ALL:
        return await _take_note(session, call, resolution, actor=actor, now=now)
    if call.state is not CallState.UNKNOWN:
        raise NotUnknown(
            "只有结果未知的调用才需要人工确认",
            "Only a call whose outcome is unknown is decided by a person",
            state=call.state.value,
        )
    verdict = Done() if resolution is Resolution.DONE else Failed(FailReason.RESOLVED_FAILED, f"{actor} 确认没有生效")
    await calls.conclude(session, call, verdict, now=now)
    await publish(session, RESOLVED[resolution](call_id=call.id), why_of(call).by(actor), now=now)
    return call


async def _take_note(
    session: AsyncSession, call: OutgoingCall, resolution: Resolution, *, actor: Actor, now: datetime
) -> OutgoingCall:
    """Close the finding. The domain hears that it was done, unless it has heard so, or a later attempt, which it was
    told of, has taken the call's place.
    """
    if resolution is Resolution.FAILED:
        raise NotUnknown(
            "企业微信的答复表明已经生效，只能确认为 done",
            "The platform's answer shows that it took effect: it can only be confirmed as done",
            state=call.state.value,
        )
    if call.state in {CallState.REPLACED, CallState.DONE}:
        call.hold_reason = None
    else:
        await calls.conclude(session, call, Done(), now=now)
    await publish(session, RESOLVED[resolution](call_id=call.id), why_of(call).by(actor), now=now)
    return call


RETRIED_BY_PERSONS = frozenset({CallKind.APPCHAT_SEND, CallKind.CARD_UPDATE, CallKind.MENU_CREATE})
"""A message is retried for a recipient. A group that could not be made or changed is retried by its request, or by
the reconciler: the body of then may not fit the group of now."""


async def retry_call(session: AsyncSession, *, call_id: UUID, actor: Actor, now: datetime) -> OutgoingCall:
    """Make a call again that failed or is unknown, with the same bytes. A person has decided it."""
    call = await queries.call_for_update(session, call_id)
    if call is None:
        raise CallNotFound("没有这次调用", "There is no such call")
    if call.kind not in RETRIED_BY_PERSONS:
        raise NotRetried(
            "消息请按投递记录重试；建群和改群请重试对应的申请，或重新核对这个群",
            "Send messages again by their deliveries; for groups, retry the request or reconcile the group",
            kind=call.kind.value,
        )
    if call.state not in {CallState.FAILED, CallState.UNKNOWN} or call.hold_reason == FailReason.SUPERSEDED:
        raise NotRetried(
            "只有失败或结果未知的调用才能重试",
            "Only a call that failed or whose outcome is unknown can be retried",
            state=call.state.value,
        )
    was = {"state": call.state.value, "reason": call.hold_reason}
    request = CallRequest(
        call.kind, rules.body_of(call), call.purpose, about_of(call), why_of(call).by(actor), call.ordering_key
    )
    again = call_row(request, correlation_id=call.correlation_id, now=now)
    again.app_id, again.message_id, again.part = call.app_id, call.message_id, call.part
    again.request_body, again.request_sha256 = call.request_body, call.request_sha256
    await replace_call(session, call, again, now)
    await publish(session, catalogue.CallRetried(call_id=again.id), why_of(call).by(actor), now=now, details=was)
    return again


async def replace_call(session: AsyncSession, call: OutgoingCall, rest: OutgoingCall, now: datetime) -> None:
    """`rest` takes the place of `call` in its ordering key. No outcome is told: the later attempt tells it."""
    rest.id, rest.previous_id = rules.id_beside(call.id), call.id
    session.add(rest)
    calls.move(call, CallState.REPLACED)
    call.finished_at, call.leased_until = now, None
    await session.flush()
    await calls.release(session, rest.id)
