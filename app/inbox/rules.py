"""Decisions about received events. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.exc import DBAPIError

from app.inbox.errors import BodyErased, StillWaiting
from models.inbox import EventState, ReceivedEvent

LEASE: Final = timedelta(seconds=60)
CLAIM_LIMIT: Final = 1_000
"""Subjects in a batch."""
LARGEST_BATCH: Final = 5_000
"""Events in a batch, with all that wait about its subjects."""
KEEP_BODIES: Final = timedelta(days=30)

# After the first failure, the second … When the list ends the event is parked: the 8th failure is the last.
BACK_OFF: Final = (
    timedelta(seconds=2),
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
)

AWAY_PAUSE: Final = timedelta(seconds=10)
"""After a try in which the database could not store: that says nothing about the event, and counts as no failure."""

UNREADABLE: Final = "unreadable."
"""Before the type of an event that was signed and sealed by the platform and says nothing that can be read."""

_ERROR_LENGTH: Final = 500


class Received(Protocol):
    """What handlers read of a received event: a row of the table, or as much of it as is claimed."""

    @property
    def id(self) -> int | None: ...
    @property
    def app_id(self) -> str: ...
    @property
    def event_type(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def attempts(self) -> int: ...
    @property
    def correlation_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event. `reason` says why nothing was done."""

    state: EventState
    reason: str | None = None


DONE: Final = Outcome(EventState.DONE)


def ignored(reason: str) -> Outcome:
    return Outcome(EventState.IGNORED, reason)


def unknown(reason: str) -> Outcome:
    return Outcome(EventState.UNKNOWN, reason)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed try leads to."""

    state: EventState
    not_before: datetime | None


def after_failure(failures: int, *, now: datetime) -> Failure:
    """`failures` counts this one."""
    if failures > len(BACK_OFF):
        return Failure(EventState.PARKED, None)
    return Failure(EventState.PENDING, now + BACK_OFF[failures - 1])


def after_away(*, now: datetime) -> Failure:
    """The database could not store."""
    return Failure(EventState.PENDING, now + AWAY_PAUSE)


def explain(error: BaseException) -> str:
    """One line for the operator. A database error is told without its statement and parameters."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(error).__name__}: {cause}".replace("\n", " ").replace("\x00", "")[:_ERROR_LENGTH]


def check_may_replay(event: ReceivedEvent) -> None:
    if event.state in {EventState.PENDING, EventState.RUNNING}:
        raise StillWaiting(
            "这条回调正在排队或处理，完成后才能重放",
            "This callback waits or is being handled: it can be replayed when that is done",
        )
    if event.body is None:
        raise BodyErased(
            "原文保存 30 天，这条回调的原文已清除，不能重放",
            "Bodies are kept for 30 days; that of this callback was erased, so it cannot be replayed",
        )
