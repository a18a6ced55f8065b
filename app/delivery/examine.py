"""One call as a person looks into it: what came before and after it, what the answer means, whom it has reached; and,
apart from that, its bytes, which may hold what only the recipient should read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import queries
from app.ledger import service as ledger
from app.wecom.codes import CODES, unknown_code
from models.delivery import DeliveryState, OutgoingCall

_SECRETS: Final = frozenset({"response_code"})
"""Whoever has one may change the card for 72 hours (messaging §1.5)."""
_HIDDEN: Final = "…"
_OUR_ADDRESS: Final = ("服务器的出口 IP", "the server's outgoing address")


@dataclass(frozen=True)
class Meaning:
    """What an error code of the platform says, and what to do about it."""

    errcode: int
    meaning: str
    cure: str
    meaning_en: str
    cure_en: str


@dataclass(frozen=True)
class ExaminedCall:
    """A call without its bytes."""

    call: OutgoingCall
    meaning: Meaning | None
    """Of the answer, when it was a refusal."""
    attempts: Sequence[OutgoingCall]
    """The call with those whose place it has taken and those that have taken its place, the earliest first."""
    recipients: Mapping[DeliveryState, int]
    """How many of those whom it carries now stand where."""


@dataclass(frozen=True)
class CallContent:
    """What was sent and what came back."""

    request: str
    """The body as JSON that people can read; as it is where it is none."""
    answer: str
    """The platform's answer without what has columns of its own; empty before there is one."""


async def examine_call(session: AsyncSession, *, call_id: UUID) -> ExaminedCall:
    """Raises `CallNotFound`."""
    call = await ledger.read_call(session, call_id=call_id)
    return ExaminedCall(
        call=call,
        meaning=meaning_of(call.errcode) if call.errcode else None,
        attempts=await queries.attempts_of(session, call.id),
        recipients=await queries.recipients_by_state(session, call.id),
    )


async def content_of_call(session: AsyncSession, *, call_id: UUID) -> CallContent:
    """For those who may read what people are told. Raises `CallNotFound`."""
    call = await ledger.read_call(session, call_id=call_id)
    try:
        request = _pretty(json.loads(call.request_body))
    except ValueError:
        request = call.request_body.decode(errors="replace")
    return CallContent(request, _pretty(call.answer) if call.answer else "")


def meaning_of(errcode: int) -> Meaning:
    entry = CODES.get(errcode) or unknown_code(errcode)
    chinese, english = _OUR_ADDRESS
    return Meaning(
        errcode,
        entry.meaning_zh,
        entry.cure_zh.replace("{ip}", chinese),
        entry.meaning_en,
        entry.cure_en.replace("{ip}", english),
    )


def _pretty(document: Any) -> str:
    return json.dumps(_without_secrets(document), ensure_ascii=False, indent=2)


def _without_secrets(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _HIDDEN if key in _SECRETS else _without_secrets(value) for key, value in node.items()}
    return [_without_secrets(one) for one in node] if isinstance(node, list) else node
