"""One thing in a trace. It names what happened and to what, and never quotes what people wrote to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

MOST: Final = 500
"""Entries of one domain: an announcement to a hundred thousand people has as many calls as a page can show."""


class TraceKind(StrEnum):
    """In the order in which they stand where their moments are the same."""

    RECEIVED = "received"  # the platform told us something
    SYNCED = "synced"  # the organisation was read
    DECIDED = "decided"  # a person's verdict
    RECORDED = "recorded"  # what happened, as the audit trail has it
    CALLED = "called"  # a call to the platform was asked for
    ANSWERED = "answered"  # and how it ended
    DELIVERED = "delivered"  # whom a message has reached, in numbers
    WAITING = "waiting"  # a job or a deadline that has not run


@dataclass(frozen=True)
class Ref:
    """A row of ours: `request` and its id, `outgoing_call`, `received_event`, `job` …"""

    kind: str
    id: str


@dataclass(frozen=True, kw_only=True)
class TraceEntry:
    at: datetime
    kind: TraceKind
    chinese: str
    """What happened, in a sentence."""
    english: str
    ref: Ref
    """What it is: its own row."""
    about: Ref | None = None
    """What it was done to, where that is something else."""
    state: str = ""
    caused_by: Ref | None = None
    """What led to it, as far as the rows say so."""
    actor: str = ""
    """`kind:id`. Empty where nobody acted."""
    rule_key: str | None = None


@dataclass(frozen=True)
class TraceAsked:
    """What a domain needs to find its own rows, which need no index by correlation id for it."""

    correlation_id: str
    now: datetime
    about: Mapping[str, frozenset[str]]
    """The objects that the audit trail names under it, ids by kind."""
    since: datetime | None
    """When the first of them was recorded. None where nothing is."""
    until: datetime | None

    def ids(self, kind: str) -> list[str]:
        return sorted(self.about.get(kind, ()))


ReadTrace = Callable[[AsyncSession, TraceAsked], Awaitable[Sequence[TraceEntry]]]
"""`Domain.traces`: the entries of one domain, at most `MOST`, without a statement for each."""
