"""Every SELECT of messages and recipients, and the statement that writes many recipients at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Select,
    String,
    Uuid,
    bindparam,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.why import About
from app.delivery.errors import AppNotRegistered
from app.ledger.queries import Selection
from app.trace.service import MOST, Ref, TraceAsked, TraceEntry, TraceKind
from models.audit import ObjectKind
from models.delivery import (
    COUNTED_FROM,
    OPEN_CALLS,
    Delivery,
    DeliveryCount,
    DeliveryState,
    FailReason,
    Message,
    OutgoingCall,
    refused_with,
)
from models.ids import fold
from models.installation import App
from models.org import PersonUserid


@dataclass(frozen=True)
class AppIdentity:
    """The app as people and the platform know it."""

    agent_id: int
    name: str
    """What `agent/get` says: cards and messages speak of the app by this name."""


async def app_named(session: AsyncSession, app_id: str) -> AppIdentity:
    """Raises `AppNotRegistered` on a database that no service has prepared."""
    row = (await session.execute(select(col(App.agent_id), col(App.name)).where(col(App.id) == app_id))).one_or_none()
    if row is None or row.agent_id is None:
        raise AppNotRegistered(
            "数据库里没有应用的 AgentId，请先完成初始化",
            "The database has no AgentId of the app: finish the setup first",
        )
    return AppIdentity(row.agent_id, row.name)


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
    """Write the rows with one statement per part and state, whatever the number of calls and recipients."""
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


async def get_delivery(session: AsyncSession, delivery_id: int) -> Delivery | None:
    return await session.get(Delivery, delivery_id)


async def delivery_for_update(session: AsyncSession, delivery_id: int) -> Delivery | None:
    return await session.get(Delivery, delivery_id, with_for_update={"key_share": True}, populate_existing=True)


def listed_deliveries(
    *, state: DeliveryState | None, message_id: UUID | None, userid: str | None, call_id: UUID | None = None
) -> Select[Delivery]:
    """`userid` selects the person who has it now."""
    statement = select(Delivery)
    if state is not None:
        statement = statement.where(col(Delivery.state) == state)
    if state in {DeliveryState.HELD, DeliveryState.UNKNOWN}:
        # Who waits, waits for an open call. Those are few, and lead to the rows where the state itself does not.
        is_open = text(f"outgoing_calls.{OPEN_CALLS}")
        statement = statement.where(col(Delivery.call_id).in_(select(col(OutgoingCall.id)).where(is_open)))
    if message_id is not None:
        statement = statement.where(col(Delivery.message_id) == message_id)
    if call_id is not None:
        statement = statement.where(col(Delivery.call_id) == call_id)
    if userid is not None:
        named = select(col(PersonUserid.person_id)).where(
            col(PersonUserid.userid) == fold(userid), col(PersonUserid.ended_at).is_(None)
        )
        statement = statement.where(col(Delivery.person_id).in_(named))
    return statement


async def messages_of(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, Message]:
    rows = await session.scalars(select(Message).where(col(Message.id).in_(set(message_ids))))
    return {row.id: row for row in rows}


async def origin_of(session: AsyncSession, message_id: UUID) -> str:
    """The id of what a message is about."""
    return (await session.scalars(select(col(Message.origin_id)).where(col(Message.id) == message_id))).one()


async def people_reached_by(session: AsyncSession, call_id: UUID) -> list[UUID]:
    """Who has got the message by this call."""
    statement = select(col(Delivery.person_id)).where(
        col(Delivery.call_id) == call_id, col(Delivery.state) == DeliveryState.SENT
    )
    return list(await session.scalars(statement))


async def ended_deliveries(session: AsyncSession, selected: Selection, *, most: int) -> list[tuple[int, str]]:
    """Recipients whose message ended so, the oldest first, without those from whom it was taken back."""
    statement = (
        select(col(Delivery.id), col(Delivery.reason))
        .join(Message, col(Message.id) == col(Delivery.message_id))
        .where(col(Delivery.state) == selected.state.value, col(Delivery.reason) != FailReason.SUPERSEDED)
    )
    if selected.purpose is not None:
        statement = statement.where(col(Message.purpose) == selected.purpose)
    if selected.errcode is not None:
        ended_so = select(col(OutgoingCall.id)).where(col(OutgoingCall.errcode) == selected.errcode)
        statement = statement.where(
            or_(col(Delivery.reason) == refused_with(selected.errcode), col(Delivery.call_id).in_(ended_so))
        )
    if selected.since is not None:
        statement = statement.where(col(Delivery.updated_at) >= selected.since)
    if selected.message_id is not None:
        statement = statement.where(col(Delivery.message_id) == selected.message_id)
    if selected.about is not None:
        statement = statement.where(
            col(Message.origin_kind) == selected.about[0], col(Message.origin_id) == selected.about[1]
        )
    rows = await session.execute(statement.order_by(col(Delivery.id)).limit(most))
    return [(row[0], row[1]) for row in rows if row[0] is not None]


async def counts_of(session: AsyncSession, message: Message) -> dict[DeliveryState, int]:
    """How many recipients are in each state. The four numbers add up to the audience (P3)."""
    if message.audience >= COUNTED_FROM:
        statement = (
            select(col(DeliveryCount.state), func.sum(col(DeliveryCount.recipients)))
            .where(col(DeliveryCount.message_id) == message.id)
            .group_by(col(DeliveryCount.state))
        )
    else:
        statement = (
            select(col(Delivery.state), func.count())
            .where(col(Delivery.message_id) == message.id)
            .group_by(col(Delivery.state))
        )
    counts = dict.fromkeys(DeliveryState, 0)
    for state, count in (await session.execute(statement)).all():
        counts[state] = count
    return counts


async def deliveries_to(session: AsyncSession, message_id: UUID, people: Sequence[UUID]) -> dict[UUID, Delivery]:
    """Whether a message of one part reached these people."""
    statement = select(Delivery).where(col(Delivery.message_id) == message_id, col(Delivery.person_id).in_(people))
    return {row.person_id: row for row in await session.scalars(statement)}


async def count_sent(session: AsyncSession, *, about: About, purpose: str) -> int:
    """Recipients to whom the platform has taken what was said for this purpose about this thing."""
    statement = (
        select(func.count())
        .select_from(Delivery)
        .join(Message, col(Message.id) == col(Delivery.message_id))
        .where(col(Message.origin_kind) == about.kind, col(Message.origin_id) == about.key)
        .where(col(Message.purpose) == purpose, col(Delivery.state) == DeliveryState.SENT)
    )
    return (await session.scalars(statement)).one()


# ---------------------------------------------------------------- one call, looked into

_MOST_ATTEMPTS = 100
_FAMILY = text(
    "WITH RECURSIVE before AS ("
    " SELECT id, previous_id FROM outgoing_calls WHERE id = :id"
    " UNION SELECT c.id, c.previous_id FROM outgoing_calls c JOIN before b ON c.id = b.previous_id"
    "), after AS ("
    " SELECT id FROM outgoing_calls WHERE id = :id"
    " UNION SELECT c.id FROM outgoing_calls c JOIN after a ON c.previous_id = a.id"
    ") SELECT id FROM before UNION SELECT id FROM after"
)


async def attempts_of(session: AsyncSession, call_id: UUID) -> list[OutgoingCall]:
    """The call, those before it and those after it, the earliest first."""
    ids = (await session.execute(_FAMILY, {"id": call_id})).scalars().all()
    statement = select(OutgoingCall).where(col(OutgoingCall.id).in_(ids))
    ordered = statement.order_by(col(OutgoingCall.created_at), col(OutgoingCall.id)).limit(_MOST_ATTEMPTS)
    return list(await session.scalars(ordered))


async def recipients_by_state(session: AsyncSession, call_id: UUID) -> dict[DeliveryState, int]:
    """Of those whom the call carries now."""
    statement = (
        select(col(Delivery.state), func.count()).where(col(Delivery.call_id) == call_id).group_by(col(Delivery.state))
    )
    counts = dict.fromkeys(DeliveryState, 0)
    for state, count in (await session.execute(statement)).all():
        counts[state] = count
    return counts


# ---------------------------------------------------------------- the trace


async def traced(session: AsyncSession, asked: TraceAsked) -> list[TraceEntry]:
    """Whom the messages of a correlation id have reached, in numbers: an entry for each call and state."""
    calls = select(col(OutgoingCall.id)).where(col(OutgoingCall.correlation_id) == asked.correlation_id)
    statement = (
        select(
            col(Delivery.message_id),
            col(Delivery.call_id),
            col(Delivery.state),
            func.count().label("people"),
            func.max(col(Delivery.updated_at)).label("at"),
        )
        .where(col(Delivery.call_id).in_(calls))
        .group_by(col(Delivery.message_id), col(Delivery.call_id), col(Delivery.state))
        .limit(MOST)
    )
    return [
        TraceEntry(
            at=row.at,
            kind=TraceKind.DELIVERED,
            chinese=f"{_STANDS[row.state][0]}：{row.people} 人",
            english=f"{_STANDS[row.state][1]}: {row.people} recipients",
            ref=Ref("delivery_count", f"{row.call_id}:{row.state}"),
            about=Ref(ObjectKind.MESSAGE, str(row.message_id)),
            state=row.state,
            caused_by=Ref(ObjectKind.OUTGOING_CALL, str(row.call_id)),
        )
        for row in await session.execute(statement)
    ]


_STANDS = {
    DeliveryState.HELD: ("等待发送", "held"),
    DeliveryState.SENT: ("已送达", "sent"),
    DeliveryState.FAILED: ("没有送达", "failed"),
    DeliveryState.UNKNOWN: ("是否送达不明", "unknown"),
}
