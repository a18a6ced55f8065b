"""The bodies of calls, built once and then never changed: content in, bytes out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.ledger.calls import call_row
from app.wecom.messages import Card, numbered_parts
from models.delivery import CallKind, Message, OutgoingCall
from models.ids import new_id

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


def new_task_id() -> str:
    """Unique per app, within the platform's alphabet, and new for every call: two cards never share a click."""
    return f"card-{new_id().hex}"
