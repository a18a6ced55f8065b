"""The life of a call: claimed (`claim`), made (by the job, outside of any transaction), recorded, concluded."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import About, Why
from app.errors import WrongState
from app.events.service import catalogue, publish
from app.jobs.job import Job, Payload
from app.jobs.timers import set_timer
from app.ledger import queries, recovery, rules
from app.ledger.claiming import platform_limits
from app.ledger.rules import Done, Effect, Failed, Hold, Later, Unknown, Verdict
from app.manifest import registry_of
from app.observability import DELIVERIES, get_logger
from app.quota.service import LIMIT_CHANGED, LimitChanged
from app.wecom.errors import WecomError
from app.wecom.message_bodies.encode import to_bytes
from app.wecom.payloads import CallAnswer
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, DeliveryState, FailReason, HoldReason, OutgoingCall
from models.ids import APP

log = get_logger()

RELEASE = "delivery.release"


class CallPayload(Payload):
    """The call that a job is about."""

    call_id: UUID


MAKE_CALL = Job("delivery.make_call", CallPayload)
"""Carried out by `app.delivery`, which knows how a call to many recipients is divided."""
HEAR_OUTCOME = Job("delivery.hear_outcome", CallPayload)


@dataclass(frozen=True)
class Attempt:
    """One claimed attempt: what the worker sends, and what it needs to record the outcome."""

    call_id: UUID
    app_id: str
    kind: CallKind
    body: bytes
    number: int
    uncertain: bool
    """An earlier attempt may have had its effect."""
    not_after: datetime | None = None
    """Whoever wakes later sends nothing."""
    after_lost: bool = False
    """The attempt right before it may have had its effect."""


async def record(
    session: AsyncSession,
    *,
    attempt: Attempt,
    answer: CallAnswer | None = None,
    failure: WecomError | None = None,
    now: datetime,
) -> None:
    """Record how an attempt ended. A success counts however late it comes, also that of an earlier attempt, and also
    while a later one is under way: no later one changes anything where the first arrived (`RECOVERY`), and its own
    answer finds the call done. A late failure changes nothing.
    """
    call = await queries.call_for_update(session, attempt.call_id)
    if call is not None and failure is None and attempt.number <= call.attempts:
        if _made_again_or_failed_by_a_person(call):
            await _arrived_after_all(session, call, answer, now)
            return
        if call.state in queries.OPEN:
            await _arrived(session, call, answer, now)
            return
    if call is None or failure is None or call.attempts != attempt.number or call.state is not CallState.SENDING:
        log.warning("call.answered_late", call_id=str(attempt.call_id), attempt=attempt.number)
        return
    verdict = recovery.verdict_of_attempt(
        call, failure, uncertain=attempt.uncertain, after_lost=attempt.after_lost, now=now
    )
    await conclude(session, call, verdict, effect=rules.effect_of(failure), now=now)


async def _arrived(session: AsyncSession, call: OutgoingCall, answer: CallAnswer | None, now: datetime) -> None:
    """Where a person has sent an unknown message once more to some of its recipients, these have it twice."""
    is_made_again = call.state is CallState.UNKNOWN and await queries.is_made_again(session, call.id)
    await conclude(session, call, Done(), answer=answer, now=now)
    if is_made_again:
        await _find_twice(session, call, now)


def _made_again_or_failed_by_a_person(call: OutgoingCall) -> bool:
    """Somebody has called it failed, or had it made once more: then it exists twice for certain. A call that a new one
    asks for the rest of has no such reason.
    """
    if call.state is CallState.FAILED:
        return call.hold_reason == FailReason.RESOLVED_FAILED
    return call.state is CallState.REPLACED and call.hold_reason in {
        FailReason.RESOLVED_FAILED,
        FailReason.OUTCOME_UNKNOWN,
    }


async def _arrived_after_all(
    session: AsyncSession, call: OutgoingCall, answer: CallAnswer | None, now: datetime
) -> None:
    """A person has decided as if it had not arrived, and what followed stands. The platform says otherwise."""
    if answer is not None:
        call.msgid, call.answer = answer.msgid or None, rules.KeptAnswer.of(answer.raw).model_dump(mode="json")
    was = (DeliveryState.FAILED,)
    if call.kind is CallKind.MESSAGE_SEND:
        await queries.set_deliveries(
            session, call_id=call.id, state=DeliveryState.SENT, reason="", until=None, now=now, was=was
        )
    await _find_twice(session, call, now)


async def _find_twice(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """That is told as an event, and shown by `/readyz` and the doctor until somebody has looked whether it now exists
    twice (`resolve_call`).
    """
    called_failed = call.hold_reason == FailReason.RESOLVED_FAILED
    decided = "人工确认为没有生效" if called_failed else "结果未知时人工要求再做一次"
    call.errcode, call.hold_reason = 0, FailReason.ARRIVED_AFTER_ALL
    call.error = f"{decided}，之后企业微信的答复表明已经生效：请核对是否重复"
    await publish(session, catalogue.CallArrivedAfterAll(call_id=call.id), why_of(call), now=now)
    log.warning("call.arrived_after_all", call_id=str(call.id), attempt=call.attempts)


async def conclude(
    session: AsyncSession,
    call: OutgoingCall,
    verdict: Verdict,
    *,
    answer: CallAnswer | None = None,
    effect: Effect = Effect.POSSIBLE,
    now: datetime,
) -> None:
    """Apply a verdict to a locked call and its recipients. `effect`: what its attempt used of the limits."""
    await platform_limits.settle(session, call, effect, now=now)
    match verdict:
        case Done():
            await _done(session, call, answer, now)
        case Failed(reason, error, errcode):
            call.errcode = errcode
            await _ended_badly(session, call, CallState.FAILED, reason, error, now)
        case Unknown(error):
            await _ended_badly(session, call, CallState.UNKNOWN, FailReason.OUTCOME_UNKNOWN, error, now)
        case Later():
            await _later(session, call, verdict, now)
        case Hold():
            await _hold(session, call, verdict, now)
    log.info(
        "call.concluded", call_id=str(call.id), kind=call.kind.value, state=call.state.value, reason=call.hold_reason
    )


async def release(session: AsyncSession, call_id: UUID) -> None:
    """Queue a call that has waited long enough. The claim checks again whether it may be made."""
    await MAKE_CALL.enqueue(session, CallPayload(call_id=call_id))


async def wake_successor(session: AsyncSession, call: OutgoingCall) -> None:
    """Queue the next call of the ordering key, so that it is made or says what it waits for now."""
    successor = await queries.next_in_key(session, call)
    if successor is not None:
        await release(session, successor)


async def _done(session: AsyncSession, call: OutgoingCall, answer: CallAnswer | None, now: datetime) -> None:
    _end(call, CallState.DONE, now)
    call.errcode, call.error, call.hold_reason, call.not_before = 0, None, None, None
    if answer is not None:
        _keep_answer(call, answer, now)
        await _fail(session, call, answer.invalid_userids, FailReason.INVALID_USER, now)
        await _fail(session, call, answer.unlicensed_userids, FailReason.UNLICENSED, now)
    sent = await _move_recipients(session, call, DeliveryState.SENT, "", None, now)
    DELIVERIES.labels(state=DeliveryState.SENT.value).inc(sent)
    if call.attempts > 1:
        # It got through: what waits for the same trouble need not wait for its moment.
        await LIMIT_CHANGED.enqueue(session, LimitChanged(path=call.kind.value), dedupe_key=f"through:{call.kind}")
    await _be_heard(session, call, now)


async def _move_recipients(
    session: AsyncSession, call: OutgoingCall, state: DeliveryState, reason: str, until: datetime | None, now: datetime
) -> int:
    """Move the recipients of a call. Only messages to people have any."""
    if call.kind is not CallKind.MESSAGE_SEND:
        return 0
    return await queries.set_deliveries(session, call_id=call.id, state=state, reason=reason, until=until, now=now)


def _keep_answer(call: OutgoingCall, answer: CallAnswer, now: datetime) -> None:
    call.msgid = answer.msgid or None
    call.answer = rules.KeptAnswer.of(answer.raw).model_dump(mode="json")
    if answer.response_code:
        call.response_code = answer.response_code
        # Counted from the attempt, which is not later than the platform's own count.
        call.response_code_expires_at = (call.sent_at or now) + rules.CODE_LIFE


async def _fail(session: AsyncSession, call: OutgoingCall, userids: list[str], reason: str, now: datetime) -> None:
    """An errcode of 0 does not mean delivered (messaging §1.2)."""
    failed = await queries.fail_named(session, call, userids=userids, reason=reason, now=now)
    DELIVERIES.labels(state=DeliveryState.FAILED.value).inc(failed)


async def _ended_badly(
    session: AsyncSession, call: OutgoingCall, state: CallState, reason: str, error: str, now: datetime
) -> None:
    _end(call, state, now)
    call.error, call.hold_reason, call.not_before = error, reason, None
    delivery_state = rules.DELIVERY_STATE[state]
    moved = await _move_recipients(session, call, delivery_state, reason, None, now)
    DELIVERIES.labels(state=delivery_state.value).inc(moved)
    await _be_heard(session, call, now)


def _end(call: OutgoingCall, state: CallState, now: datetime) -> None:
    """Set all columns before the next query: then the row, with its seven indexes, is written once."""
    move(call, state)
    call.leased_until = None
    call.finished_at = None if state is CallState.UNKNOWN else now


async def _be_heard(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    await session.flush()
    await _tell(session, call, now)
    await wake_successor(session, call)


async def _tell(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """Let the domain hear the outcome. What the platform answered stands, even when the hearing fails: that is tried
    again by a job of its own. Trouble of the database concerns the whole transaction and is raised.
    """
    if not is_heard(session, call):
        return
    try:
        async with session.begin_nested():
            await tell_outcome(session, call=call, now=now)
    except DBAPIError as error:
        if not isinstance(error, IntegrityError):
            raise
        await _hear_later(session, call, error)
    except Exception as error:  # noqa: BLE001 -- a domain's function may fail in any way
        await _hear_later(session, call, error)


async def _hear_later(session: AsyncSession, call: OutgoingCall, error: Exception) -> None:
    # The savepoint's rollback has expired what the failed hearing touched.
    await session.refresh(call)
    log.error("outcome.not_heard", call_id=str(call.id), purpose=call.purpose, exc_info=error)
    await HEAR_OUTCOME.enqueue(session, CallPayload(call_id=call.id))


async def _later(session: AsyncSession, call: OutgoingCall, verdict: Later, now: datetime) -> None:
    move(call, CallState.READY)
    call.not_before, call.hold_reason, call.error, call.leased_until = verdict.at, verdict.reason, verdict.error, None
    if not verdict.uncertain:
        call.sent_at = None
    state = DeliveryState.UNKNOWN if verdict.uncertain else DeliveryState.HELD
    await _move_recipients(session, call, state, verdict.reason, verdict.at, now)
    await set_timer(session, RELEASE, str(call.id), verdict.at)


async def _hold(session: AsyncSession, call: OutgoingCall, hold: Hold, now: datetime) -> None:
    if call.state is CallState.SENDING:
        call.sent_at = None  # refused before it had an effect
    unchanged = call.state is CallState.HELD and (call.hold_reason, call.not_before) == (hold.reason, hold.until)
    move(call, CallState.HELD)
    call.hold_reason, call.not_before, call.limit_key, call.leased_until = hold.reason, hold.until, hold.limit, None
    if hold.error is not None:
        call.error, call.errcode = hold.error, hold.errcode
    if hold.until is not None:
        await set_timer(session, RELEASE, str(call.id), hold.until)
    if hold.reason == HoldReason.UNKNOWN_BEFORE and (later := await queries.next_in_key(session, call, behind=True)):
        # An unknown post holds up its own message alone: what comes behind may go, but nobody else would wake it.
        await release(session, later)
    if not unchanged:
        await queries.set_deliveries(
            session,
            call_id=call.id,
            state=DeliveryState.HELD,
            reason=hold.reason,
            until=hold.until,
            now=now,
            was=(DeliveryState.HELD,),
        )


def move(call: OutgoingCall, to: CallState) -> None:
    if to not in rules.TRANSITIONS[call.state]:
        raise WrongState(f"call {call.id}: {call.state} → {to}")
    call.state = to
    call.limit_key = None  # a hold by a limit names it anew


@dataclass(frozen=True)
class CallRequest:
    """A changing call that a domain asks for: what, why, about what, and in which order with others."""

    kind: CallKind
    body: dict[str, Any]
    purpose: str
    """Which of our acts it is, `noun.verb`: it names the domain's function that hears the outcome."""
    about: About
    why: Why
    ordering_key: str | None = None
    """Calls of one key go one after another."""


def call_row(request: CallRequest, *, correlation_id: str, now: datetime) -> OutgoingCall:
    """The row of a call, ready to go, with the exact bytes it sends."""
    request_body = to_bytes(request.body)
    return OutgoingCall(
        app_id=APP,
        kind=request.kind,
        purpose=request.purpose,
        subject_kind=request.about.kind,
        subject_id=request.about.key,
        request_body=request_body,
        request_sha256=hashlib.sha256(request_body).digest(),
        ordering_key=request.ordering_key,
        state=CallState.READY,
        policy_version_id=request.why.policy_version_id,
        rule_key=request.why.rule_key,
        actor=str(request.why.actor),
        correlation_id=correlation_id,
        created_at=now,
    )


def set_body(call: OutgoingCall, body: dict[str, Any]) -> None:
    """Give a call that certainly had no effect other bytes than it was first made with."""
    call.request_body = to_bytes(body)
    call.request_sha256 = hashlib.sha256(call.request_body).digest()


def why_of(call: OutgoingCall) -> Why:
    """Why the call is made, for calls and acts that follow from it."""
    return Why(Actor.parse(call.actor), call.rule_key, call.policy_version_id)


def about_of(call: OutgoingCall) -> About:
    return About(ObjectKind(call.subject_kind), call.subject_id)


# ---------------------------------------------------------------- who hears of it


OutcomeHandler = Callable[[AsyncSession, OutgoingCall, datetime], Awaitable[None]]
"""`(session, call, now)`, in the transaction that records a final state: done, failed or unknown. A call that was
unknown is heard of again when a person resolves it."""


@dataclass(frozen=True)
class OnFailure:
    """A handler that hears only of calls that did not end well. The savepoint of each hearing has its price, and
    thousands of cards are updated in a minute.
    """

    handler: OutcomeHandler

    async def __call__(self, session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
        await self.handler(session, call, now)


def is_heard(session: AsyncSession, call: OutgoingCall) -> bool:
    """Whether a domain has a handler for this outcome."""
    handler = registry_of(session).outcomes.get(call.purpose)
    return handler is not None and not (isinstance(handler, OnFailure) and call.state is CallState.DONE)


async def tell_outcome(session: AsyncSession, *, call: OutgoingCall, now: datetime) -> None:
    """Call the handler that a domain has registered for the call's purpose."""
    handler = registry_of(session).outcomes.get(call.purpose)
    if handler is not None:
        await handler(session, call, now)
