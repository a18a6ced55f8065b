"""Decides how a call goes on, with values and tables. Pure."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.wecom.errors import (
    HttpFailure,
    NotReached,
    NotUnderstood,
    QuotaExhausted,
    TooLate,
    WecomError,
    WecomRefused,
)
from models.delivery import CallState, DeliveryState, HoldReason, OutgoingCall
from models.ids import fold

LEASE = timedelta(seconds=90)
"""Longer than any call may take, retry of the token included: after it the worker counts as dead."""

SENT_WITHIN = timedelta(seconds=45)
"""After the claim. A worker that was frozen and wakes later sends nothing: the rest of the lease is for the answer."""

CODE_LIFE = timedelta(hours=72)
"""A response code, from a send or from a click (messaging §1.5)."""


class KeptAnswer(BaseModel):
    """What the platform answered beside the fields that have columns (`outgoing_calls.answer`): for people who look
    into a call. No decision rests on it, so it is kept as it came.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    @classmethod
    def of(cls, answer: dict[str, Any]) -> KeptAnswer:
        return cls.model_validate({name: value for name, value in answer.items() if name not in _COLUMNS_OF_ANSWER})


_COLUMNS_OF_ANSWER = frozenset({"errcode", "errmsg", "msgid", "response_code"})


TRANSITIONS: dict[CallState, frozenset[CallState]] = {
    # Failed without an attempt: taken back, because what it says is no longer so. Done: by a late answer to an attempt
    # that was given up.
    CallState.READY: frozenset(set(CallState) - {CallState.READY}),
    CallState.HELD: frozenset(set(CallState) - {CallState.READY}),
    CallState.SENDING: frozenset(set(CallState) - {CallState.SENDING}),
    # A late answer, or a person.
    CallState.UNKNOWN: frozenset({CallState.DONE, CallState.FAILED, CallState.REPLACED}),
    # A person sends again what was refused, or takes note that it arrived after all.
    CallState.FAILED: frozenset({CallState.REPLACED, CallState.DONE}),
    CallState.DONE: frozenset(),
    CallState.REPLACED: frozenset(),
}


@dataclass(frozen=True)
class Done:
    pass


@dataclass(frozen=True)
class Failed:
    reason: str
    """A `FailReason`, or `refused_with` a code."""
    error: str
    errcode: int | None = None


@dataclass(frozen=True)
class Unknown:
    error: str


@dataclass(frozen=True)
class Later:
    """Again at `at`. `uncertain`: an attempt may have had its effect already."""

    at: datetime
    reason: HoldReason
    error: str
    uncertain: bool


@dataclass(frozen=True)
class Hold:
    """Not now. Without `until` it waits for another call, not for a moment."""

    reason: HoldReason
    until: datetime | None = None
    limit: str | None = None
    """The key of the limit that it waits for."""
    error: str | None = None
    """What the platform said, where it was asked."""
    errcode: int | None = None


Verdict = Done | Failed | Unknown | Later | Hold


def body_of(call: OutgoingCall) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.request_body)
    return body


def remaining_update(body: dict[str, Any], *, name: str, owner: str, userids: list[str]) -> dict[str, Any] | None:
    """The part of an `appchat/update` that the group still lacks; None if it lacks nothing."""
    members = {fold(userid) for userid in userids}
    wanted = {
        "name": body.get("name") if body.get("name", name)[:50] != name[:50] else None,
        "owner": body.get("owner") if fold(body.get("owner", owner)) != fold(owner) else None,
        "add_user_list": [userid for userid in body.get("add_user_list", []) if fold(userid) not in members],
        "del_user_list": [userid for userid in body.get("del_user_list", []) if fold(userid) in members],
    }
    missing = {field: value for field, value in wanted.items() if value}
    return {"chatid": body["chatid"], **missing} if missing else None


class Effect(StrEnum):
    """What an attempt may have used of the platform's limits."""

    NONE = "none"  # it never got there
    REFUSED = "refused"  # it got there and did nothing: nobody received anything, but it may have been counted
    POSSIBLE = "possible"


def effect_of(failure: WecomError | None) -> Effect:
    if isinstance(failure, NotReached | QuotaExhausted | HttpFailure | TooLate):
        return Effect.NONE
    if isinstance(failure, NotUnderstood):
        return Effect.POSSIBLE
    return Effect.REFUSED if isinstance(failure, WecomRefused) else Effect.POSSIBLE


def id_beside(original: UUID) -> UUID:
    """An id that sorts right after `original` and before any later one: a replacing call keeps the place."""
    return UUID(int=original.int + 1 + secrets.randbelow(2**16))


DELIVERY_STATE: dict[CallState, DeliveryState] = {
    CallState.DONE: DeliveryState.SENT,
    CallState.FAILED: DeliveryState.FAILED,
    CallState.UNKNOWN: DeliveryState.UNKNOWN,
}
"""What a call's final state says of its recipients, those excepted whom the answer names."""
