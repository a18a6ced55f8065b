"""Every SELECT of the ledger, and the statements that work on many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    String,
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
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.delivery import rules
from models.delivery import OPEN_CALLS, CallKind, CallState, CardClick, Delivery, DeliveryState, Message, OutgoingCall
from models.ids import fold
from models.installation import App
from models.org import PersonUserid

OPEN = (CallState.READY, CallState.HELD, CallState.SENDING, CallState.UNKNOWN)
WAITING = (CallState.READY, CallState.HELD)


# --------------------------------------------------------------------------- calls


async def get_call(session: AsyncSession, call_id: UUID) -> OutgoingCall | None:
    return await session.get(OutgoingCall, call_id)


async def lock_ordering_of(session: AsyncSession, call_id: UUID) -> None:
    """Serialise everybody who looks at or moves the calls of this call's ordering key, until the commit.

    Without it a successor could look just before its predecessor ends, and the wake-up find the successor's row
    locked: nobody would wake it again.
    """
    lock = func.pg_advisory_xact_lock(func.hashtextextended(col(OutgoingCall.ordering_key), 0))
    has_key = col(OutgoingCall.ordering_key).is_not(None)
    await session.execute(select(lock).where(col(OutgoingCall.id) == call_id, has_key))


async def claim_waiting_call(session: AsyncSession, call_id: UUID, now: datetime) -> OutgoingCall | None:
    """The call, locked, when it waits and is due. None as well while another worker has it."""
    statement = (
        select(OutgoingCall)
        .where(col(OutgoingCall.id) == call_id, col(OutgoingCall.state).in_(WAITING))
        .where(or_(col(OutgoingCall.not_before).is_(None), col(OutgoingCall.not_before) <= now))
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
    """The state of an unfinished call of the same key that this one must wait for; an unknown one first."""
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
    waits_for_unknown = and_(col(ahead.state) == CallState.HELD, col(ahead.hold_reason) == rules.UNKNOWN_BEFORE)
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
    """Calls that could go and did not: their job was lost or given up. Those behind another call are left out."""
    ahead = aliased(OutgoingCall)
    blocked = exists().where(
        col(ahead.ordering_key) == col(OutgoingCall.ordering_key),
        col(ahead.id) < col(OutgoingCall.id),
        col(ahead.state).in_(OPEN),
        ~_lets_pass(ahead, col(OutgoingCall.message_id)),  # as `predecessor_state`
    )
    statement = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.state).in_(WAITING), col(OutgoingCall.created_at) < since)
        .where(or_(col(OutgoingCall.not_before).is_(None), col(OutgoingCall.not_before) < since), ~blocked)
        .order_by(col(OutgoingCall.id))
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def call_of_card(session: AsyncSession, *, app_id: str, task_id: str) -> OutgoingCall | None:
    statement = select(OutgoingCall).where(col(OutgoingCall.app_id) == app_id, col(OutgoingCall.task_id) == task_id)
    return (await session.scalars(statement)).one_or_none()


def listed_calls(*, state: CallState | None, purpose: str | None, kind: CallKind | None) -> Select[OutgoingCall]:
    statement = select(OutgoingCall)
    if state is not None:
        statement = statement.where(col(OutgoingCall.state) == state)
    if purpose is not None:
        statement = statement.where(col(OutgoingCall.purpose) == purpose)
    if kind is not None:
        statement = statement.where(col(OutgoingCall.kind) == kind)
    return statement


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


async def next_message_number(session: AsyncSession) -> int:
    return int((await session.execute(text("SELECT nextval('message_numbers')"))).scalar_one())


async def agent_id(session: AsyncSession, app_id: str) -> int | None:
    return await session.scalar(select(col(App.agent_id)).where(col(App.id) == app_id))


async def get_message(session: AsyncSession, message_id: UUID) -> Message | None:
    return await session.get(Message, message_id)


async def current_userids(session: AsyncSession, people: Sequence[UUID]) -> dict[UUID, str]:
    """The userid of each person who has one now, as the platform spells it. Any number of people."""
    statement = select(col(PersonUserid.person_id), col(PersonUserid.shown)).where(
        col(PersonUserid.person_id) == func.any(_uuids(people)), col(PersonUserid.ended_at).is_(None)
    )
    return {row.person_id: row.shown for row in (await session.execute(statement)).all()}


async def people_now_called(session: AsyncSession, userids: Sequence[str]) -> list[UUID]:
    statement = select(col(PersonUserid.person_id)).where(
        col(PersonUserid.userid).in_([fold(userid) for userid in userids]), col(PersonUserid.ended_at).is_(None)
    )
    return list((await session.scalars(statement)).all())


@dataclass(frozen=True)
class Recipients:
    """Rows of `deliveries` to be written: the people of one call, or those without one."""

    part: int
    people: list[UUID]
    call_id: UUID | None
    state: DeliveryState
    reason: str
    until: datetime | None


_INSERT_DELIVERIES = text(
    """
    INSERT INTO deliveries (message_id, part, person_id, call_id, state, reason, until,
                            policy_version_id, rule_key, actor, correlation_id, updated_at)
    SELECT :message_id, :part, person_id, call_id, :state, :reason, :until,
           :policy_version_id, :rule_key, :actor, :correlation_id, :now
    FROM unnest(:people, :calls) AS given (person_id, call_id)
    """
).bindparams(
    bindparam("message_id", type_=Uuid),
    bindparam("policy_version_id", type_=Uuid),
    bindparam("until", type_=DateTime(timezone=True)),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("state", type_=String),
    bindparam("reason", type_=String),
    bindparam("people", type_=ARRAY(Uuid)),
    bindparam("calls", type_=ARRAY(Uuid)),
)


async def insert_deliveries(
    session: AsyncSession, message: Message, rows: Sequence[Recipients], *, now: datetime
) -> None:
    """One statement per part and state, whatever the number of calls and recipients."""
    alike: dict[tuple[int, DeliveryState, str, datetime | None], tuple[list[UUID], list[UUID | None]]] = {}
    for row in rows:
        people, calls = alike.setdefault((row.part, row.state, row.reason, row.until), ([], []))
        people += row.people
        calls += [row.call_id] * len(row.people)
    for (part, state, reason, until), (people, calls) in alike.items():
        facts: dict[str, Any] = {
            "message_id": message.id,
            "part": part,
            "state": state.value,
            "reason": reason,
            "until": until,
            "policy_version_id": message.policy_version_id,
            "rule_key": message.rule_key,
            "actor": message.actor,
            "correlation_id": message.correlation_id,
            "now": now,
            "people": people,
            "calls": calls,
        }
        await session.execute(_INSERT_DELIVERIES, facts)


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
    """Fail the recipients whom the answer names, by the userids they had when the bytes were written."""
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
        .where(col(Delivery.call_id) == call_id, col(Delivery.person_id) == func.any(_uuids(people)))
        .where(col(Delivery.state) == DeliveryState.HELD)
        .values(state=DeliveryState.FAILED, reason=reason, until=None, updated_at=now)
        .execution_options(synchronize_session=False)
    )


async def move_deliveries(
    session: AsyncSession, *, from_call: UUID, to_call: UUID, people: Sequence[UUID], reason: str, now: datetime
) -> None:
    """Another call carries these people from now on."""
    await session.execute(
        update(Delivery)
        .where(col(Delivery.call_id) == from_call, col(Delivery.person_id) == func.any(_uuids(people)))
        .values(call_id=to_call, state=DeliveryState.HELD, reason=reason, until=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )


async def get_delivery(session: AsyncSession, delivery_id: int) -> Delivery | None:
    return await session.get(Delivery, delivery_id)


async def delivery_for_update(session: AsyncSession, delivery_id: int) -> Delivery | None:
    return await session.get(Delivery, delivery_id, with_for_update={"key_share": True}, populate_existing=True)


async def has_recipients(session: AsyncSession, call_id: UUID) -> bool:
    return bool(await session.scalar(select(exists().where(col(Delivery.call_id) == call_id))))


async def recipients_of_call(session: AsyncSession, call_id: UUID) -> list[UUID]:
    statement = select(col(Delivery.person_id)).where(col(Delivery.call_id) == call_id).order_by(col(Delivery.id))
    return list((await session.scalars(statement)).all())


async def calls_carrying(
    session: AsyncSession, *, message_id: UUID, people: Sequence[UUID] | None
) -> dict[UUID, list[UUID]]:
    """Call → the people it carried this message to, those who failed left out."""
    statement = (
        select(col(Delivery.call_id), col(Delivery.person_id))
        .where(col(Delivery.message_id) == message_id, col(Delivery.call_id).is_not(None))
        .where(col(Delivery.state) != DeliveryState.FAILED)
        .order_by(col(Delivery.id))
    )
    if people is not None:
        statement = statement.where(col(Delivery.person_id) == func.any(_uuids(people)))
    carried: dict[UUID, list[UUID]] = {}
    for call_id, person_id in (await session.execute(statement)).all():
        if call_id is not None:
            carried.setdefault(call_id, []).append(person_id)
    return carried


def listed_deliveries(*, state: DeliveryState | None, message_id: UUID | None, userid: str | None) -> Select[Delivery]:
    """`userid`: of the person who has it now."""
    statement = select(Delivery)
    if state is not None:
        statement = statement.where(col(Delivery.state) == state)
    if state in {DeliveryState.HELD, DeliveryState.UNKNOWN}:
        # Who waits, waits for an open call. Those are few, and lead to the rows where the state itself does not.
        is_open = text(f"outgoing_calls.{OPEN_CALLS}")
        statement = statement.where(col(Delivery.call_id).in_(select(col(OutgoingCall.id)).where(is_open)))
    if message_id is not None:
        statement = statement.where(col(Delivery.message_id) == message_id)
    if userid is not None:
        named = select(col(PersonUserid.person_id)).where(
            col(PersonUserid.userid) == fold(userid), col(PersonUserid.ended_at).is_(None)
        )
        statement = statement.where(col(Delivery.person_id).in_(named))
    return statement


async def counts_of(session: AsyncSession, message_id: UUID) -> dict[DeliveryState, int]:
    """How many recipients stand where: the four add up to the audience (P3)."""
    statement = (
        select(col(Delivery.state), func.count())
        .where(col(Delivery.message_id) == message_id)
        .group_by(col(Delivery.state))
    )
    counts = dict.fromkeys(DeliveryState, 0)
    for state, count in (await session.execute(statement)).all():
        counts[state] = count
    return counts


# --------------------------------------------------------------------------- clicks and their codes


async def store_click(session: AsyncSession, click: CardClick) -> CardClick:
    """The click of this event: stored now, or found as it was stored when the event was handled before."""
    values = click.model_dump(exclude={"id"})
    await session.execute(insert(CardClick).values(values).on_conflict_do_nothing(index_elements=["event_id"]))
    statement = select(CardClick).where(col(CardClick.event_id) == click.event_id)
    return (await session.scalars(statement)).one()


async def newest_unspent_click(session: AsyncSession, call_id: UUID, valid_after: datetime) -> CardClick | None:
    """The newest click whose code may still be used, locked."""
    statement = (
        select(CardClick)
        .where(col(CardClick.call_id) == call_id, col(CardClick.spent_at).is_(None))
        .where(col(CardClick.expires_at) > valid_after)
        .order_by(col(CardClick.received_at).desc(), col(CardClick.id).desc())
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def click_for_update(session: AsyncSession, click_id: int) -> CardClick | None:
    return await session.get(CardClick, click_id, with_for_update={"key_share": True}, populate_existing=True)


def _uuids(values: Sequence[UUID]) -> Any:
    """One array parameter: an IN list ends at 32,767 of them."""
    return bindparam(None, list(values), type_=ARRAY(Uuid))


def _rows(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount
