"""The step between two transactions: one attempt at the platform. Takes a client, never a session (D5)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.ledger import rules
from app.ledger.calls import Attempt
from app.ledger.recovery import RECOVERY, Recovery
from app.wecom.client import WecomClient
from app.wecom.codes import CHAT_EXISTS
from app.wecom.errors import OutcomeUnknown, WecomError, WecomRefused
from app.wecom.payloads import CallAnswer
from models.delivery import CallKind


@dataclass(frozen=True)
class Answered:
    """The platform accepted the call, or the object shows that it was done."""

    answer: CallAnswer | None = None


@dataclass(frozen=True)
class NotAnswered:
    failure: WecomError


@dataclass(frozen=True)
class Missing:
    """The group shows that only this part of the update is missing."""

    body: dict[str, Any]


Outcome = Answered | NotAnswered | Missing


async def carry_out(client: WecomClient, attempt: Attempt) -> Outcome:
    """Make the call with exactly its bytes, or look at the object first if its recovery says so."""
    if attempt.uncertain and RECOVERY[attempt.kind] is Recovery.LOOK_FIRST:
        return await _look_at_group(client, attempt)
    try:
        return Answered(await client.call(attempt.kind, attempt.body, not_after=attempt.not_after))
    except WecomRefused as refused:
        if attempt.kind is CallKind.APPCHAT_CREATE and (attempt.uncertain or refused.errcode == CHAT_EXISTS):
            return await _verify_creation(client, attempt, refused)
        return NotAnswered(refused)
    except WecomError as failure:
        return NotAnswered(failure)


async def _verify_creation(client: WecomClient, attempt: Attempt, refused: WecomRefused) -> Outcome:
    """The chatid is ours alone: a group that can be read under it is the one we asked for."""
    try:
        await client.get_chat(json.loads(attempt.body)["chatid"])
    except WecomRefused:
        return NotAnswered(refused)
    except WecomError:
        return NotAnswered(OutcomeUnknown(attempt.kind.value, "建群后未能核对"))
    return Answered()


async def _look_at_group(client: WecomClient, attempt: Attempt) -> Outcome:
    body = json.loads(attempt.body)
    try:
        chat = await client.get_chat(body["chatid"])
    except WecomError as failure:
        return NotAnswered(failure)
    missing = rules.remaining_update(body, name=chat.name, owner=chat.owner, userids=chat.userids)
    return Answered() if missing is None else Missing(missing)
