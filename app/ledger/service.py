"""The use cases of the ledger, for the domains: `from app.ledger import service as ledger`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.ledger import queries
from app.ledger.calls import (
    MAKE_CALL,
    Attempt,
    CallPayload,
    CallRequest,
    OnFailure,
    OutcomeHandler,
    call_row,
    conclude,
    move,
    record,
    release,
    why_of,
)
from app.ledger.claiming.claim import Divided, claim
from app.ledger.claiming.platform_limits import Share
from app.ledger.claiming.sending_hours import allowed_from
from app.ledger.errors import CallNotFound, NotRetried
from app.ledger.make_call import Answered, Missing, NotAnswered, Outcome, carry_out
from app.ledger.overview import Among, counted_among
from app.ledger.resolve import (
    RETRIED_BY_PERSONS,
    Resolution,
    ask_for_the_rest,
    is_unsent,
    replace_call,
    resolve_call,
    retry_call,
)
from app.ledger.rules import CODE_LIFE, Failed, Hold, body_of, id_beside, remaining_update
from app.observability import current_correlation_id
from app.web.pagination import PageQuery, paginate
from models.delivery import CallKind, CallState, OutgoingCall

__all__ = [
    "CODE_LIFE",
    "MAKE_CALL",
    "RETRIED_BY_PERSONS",
    "Among",
    "Answered",
    "Attempt",
    "CallPage",
    "CallPayload",
    "CallRequest",
    "Divided",
    "Failed",
    "Hold",
    "Missing",
    "NotAnswered",
    "NotRetried",
    "OnFailure",
    "Outcome",
    "OutcomeHandler",
    "Resolution",
    "Share",
    "add_call",
    "allowed_from",
    "ask_for_the_rest",
    "body_of",
    "call_row",
    "calls_listed",
    "carry_out",
    "claim",
    "conclude",
    "counted_among",
    "id_beside",
    "is_unsent",
    "move",
    "read_call",
    "record",
    "release",
    "remaining_update",
    "replace_call",
    "request_call",
    "resolve_call",
    "retry_call",
    "why_of",
]


async def request_call(
    session: AsyncSession, request: CallRequest, *, now: datetime, after: UUID | None = None
) -> OutgoingCall:
    """Request any call but a message. `after` names a call that has to end first: both share its ordering key."""
    if request.kind is CallKind.MEDIA_UPLOAD:
        raise ValueError("A media upload has no JSON body to keep")
    if after and not request.ordering_key:
        request = replace(request, ordering_key=await _key_after(session, after))
    call = call_row(request, correlation_id=current_correlation_id(), now=now)
    await add_call(session, call)
    return call


async def _key_after(session: AsyncSession, call_id: UUID) -> str:
    call = await queries.call_for_update(session, call_id)
    if call is None:
        raise CallNotFound("要等待的那次调用不存在", "The call to wait for does not exist")
    call.ordering_key = call.ordering_key or f"call:{call.id}"
    return call.ordering_key


async def add_call(session: AsyncSession, call: OutgoingCall) -> None:
    """Record the call and queue the job that makes it."""
    session.add(call)
    await session.flush()
    await MAKE_CALL.enqueue(session, CallPayload(call_id=call.id), dedupe_key=f"call:{call.id}")


async def read_call(session: AsyncSession, *, call_id: UUID) -> OutgoingCall:
    call = await queries.get_call(session, call_id)
    if call is None:
        raise CallNotFound("没有这次调用", "There is no such call")
    return call


@dataclass(frozen=True)
class CallPage:
    items: Sequence[OutgoingCall]
    next_cursor: str | None


async def calls_listed(
    session: AsyncSession,
    *,
    state: CallState | None = None,
    kind: CallKind | None = None,
    purpose: str | None = None,
    reason: str | None = None,
    among: ColumnElement[bool] | None = None,
    page: PageQuery,
) -> CallPage:
    """The newest first. `among`: `counted_among`."""
    statement = queries.listed_calls(state=state, purpose=purpose, kind=kind, reason=reason)
    if among is not None:
        statement = statement.where(among)
    rows, cursor = await paginate(session, statement, col(OutgoingCall.id), page=page)
    return CallPage(rows, cursor)
