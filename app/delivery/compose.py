"""The bodies of calls, built once and then never changed: content in, bytes out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.wecom.messages import Card, numbered_parts, to_bytes
from models.delivery import CallKind, CallState, Message, OutgoingCall
from models.ids import APP, new_id

ON = 1


def card_content(card: Card) -> dict[str, Any]:
    return {"card": card.to_content()}


def text_content(text: str, *, safe: bool = False) -> dict[str, Any]:
    return {"text": text, "safe": ON} if safe else {"text": text}


def group_text_content(text: str, mentioned_userids: Sequence[str]) -> dict[str, Any]:
    return {"text": text, "mentioned": list(mentioned_userids)}


def parts_of(content: dict[str, Any], *, number: int) -> list[dict[str, Any]]:
    """What each part says. A card is one part, and gets its task_id with each call (`body_for`)."""
    if "card" in content:
        return [{"msgtype": "template_card", "template_card": content["card"]}]
    confidential = {"safe": ON} if content.get("safe") else {}
    return [
        {"msgtype": "text", "text": {"content": part}, **confidential}
        for part in numbered_parts(content["text"], number)
    ]


def body_for(
    part: dict[str, Any], *, userids: Sequence[str], agent_id: int, window_seconds: int, task_id: str | None
) -> dict[str, Any]:
    """A `message/send`. The duplicate check is on from the first attempt, so that the same bytes may go again."""
    said = dict(part)
    if task_id is not None:
        said["template_card"] = Card.from_content(part["template_card"]).to_template_card(task_id)
    return {
        "touser": "|".join(userids),
        "agentid": agent_id,
        **said,
        "enable_duplicate_check": ON,
        "duplicate_check_interval": window_seconds,
    }


def message_call(message: Message, *, body: dict[str, Any], part: int, actor: str, now: datetime) -> OutgoingCall:
    return call_row(
        kind=CallKind.MESSAGE_SEND,
        body=body,
        purpose=message.purpose,
        subject_kind="message",
        subject_id=message.id,
        message_id=message.id,
        part=part,
        task_id=body.get("template_card", {}).get("task_id"),
        policy_version_id=message.policy_version_id,
        rule_key=message.rule_key,
        actor=actor,
        correlation_id=message.correlation_id,
        now=now,
    )


def call_row(
    *,
    kind: CallKind,
    body: dict[str, Any],
    purpose: str,
    subject_kind: str,
    subject_id: object,
    policy_version_id: UUID | None,
    rule_key: str | None,
    actor: str,
    correlation_id: str,
    now: datetime,
    message_id: UUID | None = None,
    part: int = 1,
    task_id: str | None = None,
    ordering_key: str | None = None,
) -> OutgoingCall:
    request_body = to_bytes(body)
    return OutgoingCall(
        app_id=APP,
        kind=kind,
        purpose=purpose,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        message_id=message_id,
        part=part,
        request_body=request_body,
        request_sha256=hashlib.sha256(request_body).digest(),
        task_id=task_id,
        ordering_key=ordering_key,
        state=CallState.READY,
        policy_version_id=policy_version_id,
        rule_key=rule_key,
        actor=actor,
        correlation_id=correlation_id,
        created_at=now,
    )


def new_task_id() -> str:
    """Unique per app, within the platform's alphabet, and new for every call: two cards never share a click."""
    return f"card-{new_id().hex}"
