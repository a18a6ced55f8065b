"""Sends messages to people and groups. Writes rows only: the job `delivery.make_call` makes the calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.audit.actor import Actor
from app.audit.why import About
from app.database import in_parts
from app.delivery import compose, queries, recipients_per_call
from app.delivery.compose import MessageHeader
from app.delivery.content import ON, CardContent, GroupTextContent, MessageContent, TextContent, read_content
from app.delivery.errors import EmptyText
from app.delivery.queries import Recipients
from app.ledger.service import MAKE_CALL, CallPayload, CallRequest, add_call, call_row
from app.observability import current_correlation_id, get_logger
from app.org import queries as org
from app.policy import service as policies
from app.wecom.message_bodies.card import Card, card_as_text
from app.wecom.message_bodies.markup import inert_but_own
from app.wecom.message_bodies.split_text import split_text
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, DeliveryState, FailReason, HoldReason, Message, OutgoingCall
from models.ids import APP, PersonId

log = get_logger()


async def send_card(
    session: AsyncSession,
    header: MessageHeader,
    *,
    to: Sequence[PersonId],
    card: Card,
    now: datetime,
    individually: bool = False,
) -> Message:
    """Send a card to these people. `individually`: one call, task_id and response code for each of them.

    A card that no card type allows (no button, no page) goes as text.
    """
    content: MessageContent = CardContent(card=card.said_by((await queries.app_named(session, APP)).name))
    if not card.is_lawful:
        content = TextContent(text=_said(session, card_as_text(card.to_face())))
    message = await _store(session, header, content, now=now)
    await _dispatch(session, message, to=to, individually=individually, actor=header.why.actor, now=now)
    return message


async def send_text(
    session: AsyncSession,
    header: MessageHeader,
    *,
    to: Sequence[PersonId],
    text: str,
    now: datetime,
    safe: bool = False,
) -> Message:
    """Send a text, in as many parts as its bytes need. `safe`: it cannot be forwarded and shows a watermark."""
    said = _said(session, text)
    content = TextContent(text=said, safe=ON) if safe else TextContent(text=said)
    message = await _store(session, header, content, now=now)
    await _dispatch(session, message, to=to, individually=False, actor=header.why.actor, now=now)
    return message


async def tell(
    session: AsyncSession, header: MessageHeader, to: Iterable[UUID], text: str, *, now: datetime
) -> Message | None:
    """A text to these people, each once. None when nobody is there to be told, which is not a fault of the caller."""
    people = [PersonId(person_id) for person_id in dict.fromkeys(to)]
    if not people:
        log.info("message.nobody_to_tell", purpose=header.purpose, about=str(header.about.key))
        return None
    return await send_text(session, header, to=people, text=text, now=now)


async def post_to_group(
    session: AsyncSession,
    header: MessageHeader,
    *,
    group: GroupChat,
    text: str,
    mentioned_userids: Sequence[str] = (),
    now: datetime,
) -> OutgoingCall:
    """Say something in a group, in order with everything else that is done to it.

    Returns the call of the last part: when it is done, all parts are. Mentions stand in the first part.
    """
    said_in_full = _said(session, text)
    content = GroupTextContent(text=said_in_full, mentioned=list(mentioned_userids))
    message = await _store(session, header, content, now=now)
    call: OutgoingCall | None = None
    for part, said in enumerate(split_text(said_in_full), start=1):
        mentions = {"mentioned_list": list(mentioned_userids)} if mentioned_userids and part == 1 else {}
        request = CallRequest(
            kind=CallKind.APPCHAT_SEND,
            body={"chatid": group.chatid, "msgtype": "text", "text": {"content": said, **mentions}},
            purpose=header.purpose,
            about=About(ObjectKind.GROUP, group.id),
            why=header.why,
            ordering_key=f"group:{group.id}",
        )
        call = call_row(request, correlation_id=message.correlation_id, now=now)
        call.message_id, call.part = message.id, part
        await add_call(session, call)
    assert call is not None  # a text that is not empty has a part
    return call


class GroupChat(Protocol):
    """A group that messages can be posted to, such as the row of a registered group."""

    @property
    def id(self) -> UUID: ...
    @property
    def chatid(self) -> str: ...


async def _store(
    session: AsyncSession,
    header: MessageHeader,
    content: MessageContent,
    *,
    now: datetime,
) -> Message:
    why = header.why
    if why.rule_key is None or why.policy_version_id is None:
        raise ValueError("a message rests on a rule of a policy version (P5)")
    message = Message(
        actor=str(why.actor),
        origin_kind=header.about.kind,
        origin_id=header.about.key,
        purpose=header.purpose,
        content=content.dump(),
        message_class=header.message_class,
        audience=0,
        policy_version_id=why.policy_version_id,
        rule_key=why.rule_key,
        correlation_id=current_correlation_id(),
        created_at=now,
    )
    session.add(message)
    await session.flush()
    return message


@dataclass(frozen=True)
class Sender:
    """What all `message/send` bodies have in common."""

    agent_id: int
    window_seconds: int


async def sender(session: AsyncSession, *, now: datetime) -> Sender:
    app = await queries.app_named(session, APP)
    policy = await policies.in_force(session, now=now)
    return Sender(app.agent_id, policy.document.delivery.duplicate_window_seconds)


@dataclass(frozen=True)
class _Dispatch:
    """A message on its way out to people."""

    message: Message
    parts: Sequence[dict[str, Any]]
    from_us: Sender
    individually: bool
    actor: Actor
    now: datetime


async def _dispatch(
    session: AsyncSession,
    message: Message,
    *,
    to: Sequence[PersonId],
    individually: bool,
    actor: Actor,
    now: datetime,
) -> None:
    people: list[UUID] = list(dict.fromkeys(to))
    parts = compose.parts_of(read_content(message.content))
    message.audience = len(people) * len(parts)
    dispatch = _Dispatch(message, parts, await sender(session, now=now), individually, actor, now)
    chunks = 0
    for some in in_parts(people):
        chunks += await _dispatch_to(session, dispatch, some, chunks_before=chunks)


async def _dispatch_to(
    session: AsyncSession, dispatch: _Dispatch, people: Sequence[UUID], *, chunks_before: int
) -> int:
    """Write the calls to these people and their deliveries. Returns the number of chunks."""
    message, parts, now = dispatch.message, dispatch.parts, dispatch.now
    userids = await org.userids_of(session, people)
    there = [person for person in people if person in userids]
    chunks = recipients_per_call.chunked(there, individually=dispatch.individually)
    gone = [person for person in people if person not in userids]
    calls: list[OutgoingCall] = []
    rows: list[Recipients] = []
    for number, part in enumerate(parts, start=1):
        for index, chunk in enumerate(chunks, start=chunks_before):
            call = _chunk_call(dispatch, part, [userids[person] for person in chunk], number)
            if len(parts) > 1:
                call.ordering_key = f"message:{message.id}:{index}"
            if number > 1:
                call.state, call.hold_reason = CallState.HELD, HoldReason.PREDECESSOR
            calls.append(call)
            rows.append(_queued(call, chunk, now))
        if gone:
            rows.append(Recipients(number, gone, None, DeliveryState.FAILED, FailReason.LEFT, None))
    await _write(session, message, calls, rows, now)
    return len(chunks)


def _chunk_call(dispatch: _Dispatch, part: dict[str, Any], userids: Sequence[str], number: int) -> OutgoingCall:
    body = compose.body_for(
        part,
        userids=userids,
        agent_id=dispatch.from_us.agent_id,
        window_seconds=dispatch.from_us.window_seconds,
        task_id=compose.new_task_id() if "template_card" in part else None,
    )
    return compose.message_call(dispatch.message, body=body, part=number, actor=dispatch.actor, now=dispatch.now)


def _queued(call: OutgoingCall, people: list[UUID], now: datetime) -> Recipients:
    waits = call.state is CallState.HELD
    reason = HoldReason.PREDECESSOR if waits else HoldReason.QUEUED
    return Recipients(call.part, people, call.id, DeliveryState.HELD, reason, None if waits else now)


async def _write(
    session: AsyncSession, message: Message, calls: list[OutgoingCall], rows: list[Recipients], now: datetime
) -> None:
    session.add_all(calls)
    await session.flush()
    await queries.insert_deliveries(session, message, rows, now=now)
    # Later parts have no job of their own: the part before them wakes them.
    first = [call for call in calls if call.state is CallState.READY]
    await MAKE_CALL.enqueue_many(
        session,
        [CallPayload(call_id=call.id) for call in first],
        dedupe_keys=[f"call:{call.id}" for call in first],
    )


def _said(session: AsyncSession, text: str) -> str:
    """Every text that goes out passes here: no name, title or remark of anybody becomes a link or a mention."""
    if not text.strip():
        raise EmptyText("消息内容是空的", "The message has no text")
    return inert_but_own(text, own=addresses.link(session, ""))
