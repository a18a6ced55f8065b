"""Every SELECT of the ledger, and the statements that work on many rows at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.ledger.recovery import BACKED_OFF, FARTHEST_AHEAD
from models.delivery import (
    ARRIVED_CALLS,
    SENT_TEXTS,
    CallKind,
    CallState,
    Delivery,
    DeliveryState,
    FailReason,
    HoldReason,
    Message,
    OutgoingCall,
)
from models.groups import Group, GroupMember
from models.ids import fold
from models.installation import App
from models.org import PersonUserid

OPEN = (CallState.READY, CallState.HELD, CallState.SENDING, CallState.UNKNOWN)
WAITING = (CallState.READY, CallState.HELD)


class Ended(StrEnum):
    """What a person may have sent again: it ended badly, or nobody knows how it ended."""

    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Selection:
    """What a person has selected to be sent again. Every condition that is given has to hold."""

    state: Ended = Ended.FAILED
    kind: CallKind | None = None
    purpose: str | None = None
    errcode: int | None = None
    since: datetime | None = None
    message_id: UUID | None = None
    about: tuple[str, str] | None = None
    """What it belongs to: `announcement`, `request`, `task` or `group`, and its id."""


# --------------------------------------------------------------------------- calls


async def get_call(session: AsyncSession, call_id: UUID) -> OutgoingCall | None:
    return await session.get(OutgoingCall, call_id)


async def lock_ordering_of(session: AsyncSession, call_id: UUID) -> None:
    """Let only one transaction at a time read or move the calls of this call's ordering key, until its commit.

    Without it a successor could look just before its predecessor ends, and the wake-up find the successor's row
    locked: nobody would wake it again.
    """
    lock = func.pg_advisory_xact_lock(func.hashtextextended(col(OutgoingCall.ordering_key), 0))
    has_key = col(OutgoingCall.ordering_key).is_not(None)
    await session.execute(select(lock).where(col(OutgoingCall.id) == call_id, has_key))


async def agent_id_of(session: AsyncSession, app_id: str) -> int | None:
    """As the settings have it now."""
    return (await session.scalars(select(col(App.agent_id)).where(col(App.id) == app_id))).one_or_none()


async def is_made_again(session: AsyncSession, call_id: UUID) -> bool:
    """Whether another call has come after this one: for some of its recipients, or in its place."""
    return bool(await session.scalar(select(exists().where(col(OutgoingCall.previous_id) == call_id))))


async def lock_bytes_of(session: AsyncSession, call: OutgoingCall) -> None:
    """Let only one transaction at a time claim calls of these bytes, until its commit."""
    await session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(call.request_sha256[:8], signed=True))))


async def is_text_sent(session: AsyncSession, request_sha256: bytes, *, since: datetime) -> bool:
    """Whether a text of these very bytes may have reached the platform after `since`: its last attempt counts. What
    was certainly refused has not.
    """
    ended, reason = col(OutgoingCall.finished_at), col(OutgoingCall.hold_reason)
    may_be_there = or_(
        col(OutgoingCall.state) != CallState.FAILED,
        reason.in_((FailReason.RESOLVED_FAILED, FailReason.ARRIVED_AFTER_ALL)),
    )
    same = (
        select(col(OutgoingCall.id))
        .where(text(SENT_TEXTS), col(OutgoingCall.request_sha256) == request_sha256)
        .where(or_(ended.is_(None), ended > since), may_be_there)
    )
    return bool((await session.execute(select(exists(same)))).scalar_one())


def _is_due(now: datetime) -> ColumnElement[bool]:
    """A call that waits by back-off for longer than any lasts is due: our clock was set back since."""
    not_before = col(OutgoingCall.not_before)
    set_back = and_(col(OutgoingCall.hold_reason).in_(BACKED_OFF), not_before > now + FARTHEST_AHEAD)
    return or_(not_before.is_(None), not_before <= now, set_back)


async def claim_waiting_call(session: AsyncSession, call_id: UUID, now: datetime) -> OutgoingCall | None:
    """The call, locked, if it waits and is due. None also while another worker has it."""
    statement = (
        select(OutgoingCall)
        .where(col(OutgoingCall.id) == call_id, col(OutgoingCall.state).in_(WAITING))
        .where(_is_due(now))
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def call_for_update(session: AsyncSession, call_id: UUID) -> OutgoingCall | None:
    """The call, locked together with its ordering key."""
    await lock_ordering_of(session, call_id)
    statement = (
        select(OutgoingCall)
        .where(col(OutgoingCall.id) == call_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def predecessor_state(session: AsyncSession, call: OutgoingCall) -> CallState | None:
    """The state of an unfinished call of the same key that this one must wait for. An unknown one comes first."""
    # A call of a later id may be under way when this one was committed late.
    ahead = or_(col(OutgoingCall.id) < call.id, col(OutgoingCall.state) == CallState.SENDING)
    statement = (
        select(col(OutgoingCall.state))
        .where(col(OutgoingCall.ordering_key) == call.ordering_key, col(OutgoingCall.id) != call.id, ahead)
        .where(col(OutgoingCall.state).in_(OPEN), ~_lets_pass(OutgoingCall, call.message_id))
        .order_by((col(OutgoingCall.state) == CallState.UNKNOWN).desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


def _lets_pass(ahead: Any, message_id: Any) -> ColumnElement[bool]:
    """Which of the calls ahead hold nobody up, but perhaps what says more of the same message.

    A card update of unknown outcome: the newest face wins anyway. A post of unknown outcome, and those of its parts
    that wait for it: nobody can tell for hours, and people who join or leave the group must not wait for that.
    """
    is_unknown = col(ahead.state) == CallState.UNKNOWN
    waits_for_unknown = and_(col(ahead.state) == CallState.HELD, col(ahead.hold_reason) == HoldReason.UNKNOWN_BEFORE)
    return or_(
        and_(is_unknown, col(ahead.kind) == CallKind.CARD_UPDATE),
        and_(
            or_(is_unknown, func.coalesce(waits_for_unknown, false())),
            col(ahead.kind) == CallKind.APPCHAT_SEND,
            col(ahead.message_id).is_distinct_from(message_id),
        ),
    )


async def next_in_key(session: AsyncSession, call: OutgoingCall, *, behind: bool = False) -> UUID | None:
    """The first call of the same key that waits; with `behind`, the first of those that came later."""
    if call.ordering_key is None:
        return None
    statement = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.ordering_key) == call.ordering_key, col(OutgoingCall.state).in_(WAITING))
        .where(col(OutgoingCall.id) > call.id if behind else col(OutgoingCall.id) != call.id)
        .order_by(col(OutgoingCall.id))
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def calls_with_dead_workers(session: AsyncSession, now: datetime, *, limit: int) -> Sequence[UUID]:
    statement = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.state) == CallState.SENDING, col(OutgoingCall.leased_until) < now)
        .order_by(col(OutgoingCall.id))
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def calls_left_waiting(session: AsyncSession, since: datetime, *, limit: int) -> Sequence[UUID]:
    """Due calls that were not made: their job was lost or given up. Calls behind another call are left out."""
    ahead = aliased(OutgoingCall)
    blocked = exists().where(
        col(ahead.ordering_key) == col(OutgoingCall.ordering_key),
        col(ahead.id) < col(OutgoingCall.id),
        col(ahead.state).in_(OPEN),
        ~_lets_pass(ahead, col(OutgoingCall.message_id)),  # as `predecessor_state`
    )
    statement = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.state).in_(WAITING))
        .where(or_(col(OutgoingCall.created_at) < since, col(OutgoingCall.created_at) > since + FARTHEST_AHEAD))
        .where(_is_due(since), ~blocked)
        .order_by(col(OutgoingCall.id))
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


def calls_for_a_person() -> Select[OutgoingCall]:
    """Calls that wait until somebody has looked into WeCom: unknown ones, and those that arrived after all."""
    return select(OutgoingCall).where(or_(col(OutgoingCall.state) == CallState.UNKNOWN, text(ARRIVED_CALLS)))


def listed_calls(
    *, state: CallState | None, purpose: str | None, kind: CallKind | None, reason: str | None = None
) -> Select[OutgoingCall]:
    statement = select(OutgoingCall)
    if reason is not None:
        statement = statement.where(col(OutgoingCall.hold_reason) == reason)
    if state is not None:
        statement = statement.where(col(OutgoingCall.state) == state)
    if purpose is not None:
        statement = statement.where(col(OutgoingCall.purpose) == purpose)
    if kind is not None:
        statement = statement.where(col(OutgoingCall.kind) == kind)
    return statement


async def ended_calls(
    session: AsyncSession, selected: Selection, *, kinds: Collection[CallKind], most: int
) -> list[tuple[UUID, str]]:
    """Calls of these kinds that ended so, the oldest first, without those that were taken back."""
    statement = select(col(OutgoingCall.id), func.coalesce(col(OutgoingCall.hold_reason), "")).where(
        col(OutgoingCall.kind).in_(kinds),
        col(OutgoingCall.state) == selected.state.value,
        col(OutgoingCall.hold_reason).is_distinct_from(FailReason.SUPERSEDED),
    )
    if selected.purpose is not None:
        statement = statement.where(col(OutgoingCall.purpose) == selected.purpose)
    if selected.errcode is not None:
        statement = statement.where(col(OutgoingCall.errcode) == selected.errcode)
    if selected.since is not None:
        statement = statement.where(col(OutgoingCall.created_at) >= selected.since)
    if selected.message_id is not None:
        statement = statement.where(col(OutgoingCall.message_id) == selected.message_id)
    if selected.about is not None:
        statement = statement.where(
            col(OutgoingCall.subject_kind) == selected.about[0], col(OutgoingCall.subject_id) == selected.about[1]
        )
    rows = await session.execute(statement.order_by(col(OutgoingCall.id)).limit(most))
    return [(row[0], row[1]) for row in rows]


async def later_parts(session: AsyncSession, call: OutgoingCall) -> list[OutgoingCall]:
    """The parts of the same message that wait behind this one, for the same people; locked."""
    if call.ordering_key is None or call.message_id is None:
        return []
    statement = (
        select(OutgoingCall)
        .where(col(OutgoingCall.ordering_key) == call.ordering_key, col(OutgoingCall.message_id) == call.message_id)
        .where(col(OutgoingCall.part) > call.part, col(OutgoingCall.state).in_(WAITING))
        .where(col(OutgoingCall.sent_at).is_(None))
        .order_by(col(OutgoingCall.id))
        .with_for_update(key_share=True)
    )
    return list((await session.scalars(statement)).all())


# --------------------------------------------------------------------------- messages and recipients


async def get_message(session: AsyncSession, message_id: UUID) -> Message | None:
    return await session.get(Message, message_id)


async def set_deliveries(
    session: AsyncSession,
    *,
    call_id: UUID,
    state: DeliveryState,
    reason: str,
    until: datetime | None,
    now: datetime,
    was: Sequence[DeliveryState] = (DeliveryState.HELD, DeliveryState.UNKNOWN),
) -> int:
    """Move the recipients of a call that have not ended yet; returns how many."""
    statement = (
        update(Delivery)
        .where(col(Delivery.call_id) == call_id, col(Delivery.state).in_(was))
        .values(state=state, reason=reason, until=until, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return _rows(await session.execute(statement))


async def fail_named(
    session: AsyncSession, call: OutgoingCall, *, userids: Sequence[str], reason: str, now: datetime
) -> int:
    """Fail the recipients that the answer names, by the userids they had when the body was written."""
    if not userids:
        return 0
    named = (
        select(col(PersonUserid.person_id))
        .where(col(PersonUserid.userid).in_([fold(userid) for userid in userids]))
        .where(or_(col(PersonUserid.ended_at).is_(None), col(PersonUserid.ended_at) > call.created_at))
    )
    statement = (
        update(Delivery)
        .where(col(Delivery.call_id) == call.id, col(Delivery.person_id).in_(named))
        .where(col(Delivery.state).in_((DeliveryState.HELD, DeliveryState.UNKNOWN)))
        .values(state=DeliveryState.FAILED, reason=reason, until=None, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return _rows(await session.execute(statement))


async def fail_people(
    session: AsyncSession, *, call_id: UUID, people: Sequence[UUID], reason: str, now: datetime
) -> None:
    """Fail these recipients of a call that has not gone."""
    await session.execute(
        update(Delivery)
        .where(col(Delivery.call_id) == call_id, col(Delivery.person_id) == func.any(uuid_array(people)))
        .where(col(Delivery.state) == DeliveryState.HELD)
        .values(state=DeliveryState.FAILED, reason=reason, until=None, updated_at=now)
        .execution_options(synchronize_session=False)
    )


async def move_deliveries(
    session: AsyncSession, *, from_call: UUID, to_call: UUID, people: Sequence[UUID], reason: str, now: datetime
) -> None:
    """Move these recipients to another call."""
    await session.execute(
        update(Delivery)
        .where(col(Delivery.call_id) == from_call, col(Delivery.person_id) == func.any(uuid_array(people)))
        .values(call_id=to_call, state=DeliveryState.HELD, reason=reason, until=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )


async def has_recipients(session: AsyncSession, call_id: UUID) -> bool:
    return bool(await session.scalar(select(exists().where(col(Delivery.call_id) == call_id))))


async def recipients_of_call(session: AsyncSession, call_id: UUID) -> list[UUID]:
    statement = select(col(Delivery.person_id)).where(col(Delivery.call_id) == call_id).order_by(col(Delivery.id))
    return list((await session.scalars(statement)).all())


def uuid_array(values: Sequence[UUID]) -> Any:
    """One array parameter: an IN list ends at 32,767 of them."""
    return bindparam(None, list(values), type_=ARRAY(Uuid))


def _rows(result: Any) -> int:
    assert isinstance(result, CursorResult)  # the driver answers an UPDATE with one
    return result.rowcount


async def calls_long_under_way(session: AsyncSession, since: datetime) -> Sequence[OutgoingCall]:
    """Calls that were claimed before that time and not recorded yet: usually none."""
    statement = select(OutgoingCall).where(
        col(OutgoingCall.state) == CallState.SENDING, col(OutgoingCall.reserved_at) < since
    )
    return (await session.scalars(statement)).all()


async def waiting_ahead(session: AsyncSession, call: OutgoingCall, limit_key: str) -> tuple[int, int]:
    """How many older calls wait for this limit, and how many people they are for."""
    statement = select(func.count(), func.coalesce(func.sum(col(OutgoingCall.limit_amount)), 0)).where(
        col(OutgoingCall.limit_key) == limit_key, col(OutgoingCall.id) < call.id
    )
    count, people = (await session.execute(statement)).one()
    return int(count), int(people)


async def let_go(
    session: AsyncSession, *, limit_key: str | None, path: str | None, now: datetime, most: int
) -> Sequence[UUID]:
    """Release calls that wait for this limit, or for the end of this path's block: at most `most` of them."""
    reasons = (HoldReason.PLATFORM_LIMIT, HoldReason.PLATFORM_TROUBLE)
    for_block = and_(
        col(OutgoingCall.kind) == path,
        col(OutgoingCall.hold_reason).in_(reasons),
        col(OutgoingCall.limit_key).is_(None),
    )
    waiting = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.state).in_(WAITING), col(OutgoingCall.not_before) > now)
        .where(for_block if limit_key is None else col(OutgoingCall.limit_key) == limit_key)
        .order_by(col(OutgoingCall.id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
    )
    statement = update(OutgoingCall).where(col(OutgoingCall.id).in_(waiting)).values(not_before=now)
    return (await session.scalars(statement.returning(col(OutgoingCall.id)))).all()


async def unfinished_recipients(session: AsyncSession, call_id: UUID) -> list[UUID]:
    """The recipients that the call would still reach, without those who have failed."""
    statement = (
        select(col(Delivery.person_id))
        .where(col(Delivery.call_id) == call_id)
        .where(col(Delivery.state).in_((DeliveryState.HELD, DeliveryState.UNKNOWN)))
        .order_by(col(Delivery.id))
    )
    return list((await session.scalars(statement)).all())


async def members_of_chat(session: AsyncSession, chatid: str, *, since: datetime) -> list[UUID]:
    """The members of the group as we last saw it or want it, and the members at that time, each once."""
    is_in = or_(col(GroupMember.ended_at).is_(None), col(GroupMember.ended_at) >= since)
    statement = (
        select(col(GroupMember.person_id))
        .join(Group, col(Group.id) == col(GroupMember.group_id))
        .where(col(Group.chatid) == chatid, is_in)
        .distinct()
    )
    return list((await session.scalars(statement)).all())
