"""Builds the bodies of calls from content. A body never changes afterwards. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.audit.actor import Actor
from app.audit.why import About, Why
from app.delivery.content import ON, CardContent, MessageContent, TextContent
from app.ledger.service import CallRequest, call_row
from app.wecom.message_bodies.split_text import counted_parts
from models.audit import ObjectKind
from models.delivery import CallKind, Message, MessageClass, OutgoingCall
from models.ids import new_id


def parts_of(content: MessageContent) -> list[dict[str, Any]]:
    """The parts of a message. A card is one part; each call gives it a task_id (`body_for`)."""
    if isinstance(content, CardContent):
        return [{"msgtype": "template_card", "template_card": content.card}]
    confidential = {"safe": ON} if isinstance(content, TextContent) and content.safe else {}
    return [{"msgtype": "text", "text": {"content": part}, **confidential} for part in counted_parts(content.text)]


def body_for(
    part: dict[str, Any], *, userids: Sequence[str], agent_id: int, window_seconds: int, task_id: str | None
) -> dict[str, Any]:
    """A `message/send`. The duplicate check is on from the first attempt, so that the same bytes may go again."""
    said = dict(part)
    if task_id is not None:
        said["template_card"] = part["template_card"].to_template_card(task_id)
    return {
        "touser": "|".join(userids),
        "agentid": agent_id,
        **said,
        "enable_duplicate_check": ON,
        "duplicate_check_interval": window_seconds,
    }


@dataclass(frozen=True)
class MessageHeader:
    """What every message says about itself: which of our acts it is, what it is about, why, and when it may be sent."""

    purpose: str
    """`approval.card`, `announcement.chase`, `task.reminder` …"""
    about: About
    why: Why
    message_class: str = MessageClass.WORK
    """The policy's class (urgent, work …): it decides the hours (policy 3.4)."""


def header_of(message: Message) -> MessageHeader:
    """The header of a stored message, for messages that follow from it."""
    why = Why(Actor.parse(message.actor), message.rule_key, message.policy_version_id)
    return MessageHeader(
        message.purpose, About(ObjectKind(message.origin_kind), message.origin_id), why, message.message_class
    )


def message_call(message: Message, *, body: dict[str, Any], part: int, actor: Actor, now: datetime) -> OutgoingCall:
    """The call that carries a part of a message to some recipients."""
    why = Why(actor, message.rule_key, message.policy_version_id)
    request = CallRequest(CallKind.MESSAGE_SEND, body, message.purpose, About(ObjectKind.MESSAGE, message.id), why)
    call = call_row(request, correlation_id=message.correlation_id, now=now)
    call.message_id, call.part = message.id, part
    call.task_id = body.get("template_card", {}).get("task_id")
    return call


def new_task_id() -> str:
    """Unique per app, within the platform's alphabet, and new for every call: two cards never share a click."""
    return f"card-{new_id().hex}"
