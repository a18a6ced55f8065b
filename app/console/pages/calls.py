"""调用: each call to the platform, its attempts, what its answer means and what cures it, and a person's decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from starlette.responses import Response

from app import addresses
from app.console import words
from app.console.visiting import (
    actor_of,
    chosen,
    may,
    one_of,
    plain,
    trace_of,
    typed,
    way_to,
)
from app.delivery import service as delivery
from app.ledger import service as ledger
from app.ledger.service import Among, Resolution
from app.pages import messages
from app.pages.drawing.catalogue import phrase
from app.pages.drawing.words import DELIVERY_STATES
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, Table, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from models.delivery import CallKind, CallState, FailReason, OutgoingCall

router = page_router(addresses.CONSOLE_CALLS)

CallsVisit = Annotated[Visit, visits(addresses.CONSOLE_CALLS)]
DecidingVisit = Annotated[Visit, visits(addresses.CONSOLE_CALLS, Permission.DELIVERY_RETRY)]

AMONG: Final[Mapping[Among, Words]] = {
    Among.WAITING: Words("等待发出", "wait to be made"),
    Among.REFUSED_LATELY: Words("最近一天被拒绝", "refused in the last day"),
}
"""Where a number of the overview leads."""


@router.get("")
async def listed(
    visit: CallsVisit,
    cursor: CursorDep,
    state: str = "",
    kind: str = "",
    purpose: str = "",
    reason: str = "",
    among: str = "",
) -> Response:
    wanted, of_kind, counted = chosen(CallState, state), chosen(CallKind, kind), chosen(Among, among)
    found = await ledger.calls_listed(
        visit.session,
        state=wanted,
        kind=of_kind,
        purpose=typed(purpose) or None,
        reason=typed(reason) or None,
        among=ledger.counted_among(counted, now=visit.now) if counted else None,
        page=page_at(cursor),
    )
    filters = [
        one_of("state", Words("状态", "State"), plain(words.CALL_STATES), wanted or ""),
        one_of("kind", Words("做什么", "What"), words.CALL_KINDS, of_kind or ""),
        one_of("purpose", Words("用途", "Purpose"), messages.purposes(typed(purpose)), typed(purpose)),
    ]
    if counted:
        filters.append(one_of("among", Words("概览", "Overview"), AMONG, counted))
    if reason:
        filters.append(one_of("reason", Words("原因", "Reason"), {reason: messages.reason(reason)}, reason))
    return visit.draw(
        "console/calls.html",
        done=await said_to(visit),
        table=Table(found.items, found.next_cursor, filters),
        states=words.CALL_STATES,
        kinds=words.CALL_KINDS,
        reason=messages.reason,
        purpose=messages.purpose,
    )


@router.get("/{call_id}")
async def one(call_id: UUID, visit: CallsVisit) -> Response:
    return await _drawn(visit, call_id)


@router.post("/{call_id}/resolve/{resolution}")
async def resolve(call_id: UUID, resolution: Resolution, visit: DecidingVisit, submission: SubmissionDep) -> Response:
    """Say what became of a call whose outcome nobody knows, after a look into WeCom."""

    async def act() -> Done:
        await ledger.resolve_call(
            visit.session, call_id=call_id, resolution=resolution, actor=actor_of(visit), now=visit.now
        )
        return Done(addresses.console_call(call_id), visit.say(phrase("已记下核对的结果。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, call_id, form, status)

    return await submission.carry_out(visit, act, again=again)


@router.post("/{call_id}/retry")
async def retry(call_id: UUID, visit: DecidingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        call = await ledger.retry_call(visit.session, call_id=call_id, actor=actor_of(visit), now=visit.now)
        return Done(addresses.console_call(call.id), visit.say(phrase("已安排重新调用，这是新的一次。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, call_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _drawn(visit: Visit, call_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    found = await delivery.examine_call(visit.session, call_id=call_id)
    may_read = may(visit, Permission.DELIVERY_CONTENT)
    may_decide = may(visit, Permission.DELIVERY_RETRY)
    return visit.draw(
        "console/call.html",
        status=status,
        form=form,
        done=await said_to(visit),
        call=found.call,
        found=found,
        content=await delivery.content_of_call(visit.session, call_id=call_id) if may_read else None,
        subject=way_to(visit, found.call.subject_kind, found.call.subject_id),
        trace=trace_of(visit, found.call.correlation_id),
        may_resolve=may_decide and _waits_for_a_person(found.call),
        arrived=found.call.hold_reason == FailReason.ARRIVED_AFTER_ALL,
        may_retry=may_decide and _may_be_made_again(found.call),
        states=words.CALL_STATES,
        kinds=words.CALL_KINDS,
        delivery_states=DELIVERY_STATES,
        reason=messages.reason,
        purpose=messages.purpose,
        object_kind=words.object_kind,
    )


def _waits_for_a_person(call: OutgoingCall) -> bool:
    return call.state is CallState.UNKNOWN or call.hold_reason == FailReason.ARRIVED_AFTER_ALL


def _may_be_made_again(call: OutgoingCall) -> bool:
    """What the ledger refuses is not offered; it has the last word."""
    return call.kind in ledger.RETRIED_BY_PERSONS and call.state in {CallState.FAILED, CallState.UNKNOWN}
