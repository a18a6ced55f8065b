"""The trace, for pages and REST: `from app.trace import service as traces`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import queries as audit
from app.audit.sentences import sentence_of
from app.audit.why import About
from app.manifest import registry_of
from app.trace.entry import MOST, ReadTrace, Ref, TraceAsked, TraceEntry, TraceKind
from app.trace.errors import TraceNotFound
from app.trace.picture import Branch, picture_of
from app.trace.words import OTHER, PURPOSES, code_of, job, purpose, reason, timer
from models.audit import AuditEntry, ObjectKind

__all__ = [
    "MOST",
    "OTHER",
    "PURPOSES",
    "Beginning",
    "Branch",
    "ReadTrace",
    "Ref",
    "Trace",
    "TraceAsked",
    "TraceEntry",
    "TraceKind",
    "code_of",
    "job",
    "purpose",
    "reason",
    "timer",
    "trace",
    "traces_of",
]

MOST_TRACES: Final = 20
"""Of one object."""

_ORDER: Final = {kind: place for place, kind in enumerate(TraceKind)}


@dataclass(frozen=True)
class Trace:
    """Everything under one correlation id, in the order in which it happened."""

    correlation_id: str
    entries: Sequence[TraceEntry]
    is_complete: bool
    """False where one domain had more than `MOST`."""

    @cached_property
    def picture(self) -> list[Branch]:
        """The same as a tree: what followed from what."""
        return picture_of(self.entries)


@dataclass(frozen=True)
class Beginning:
    """A trace in which something was done to an object, by the first thing that was."""

    correlation_id: str
    at: datetime
    chinese: str
    english: str


async def trace(session: AsyncSession, correlation_id: str, *, now: datetime) -> Trace:
    """A statement or two for each domain. Raises `TraceNotFound`."""
    recorded = await audit.under(session, correlation_id, most=MOST)
    found = [_entry(row) for row in recorded]
    is_complete = len(recorded) < MOST
    asked = _asked(correlation_id, recorded, now)
    for read in registry_of(session).traces:
        entries: Sequence[TraceEntry] = await read(session, asked)
        is_complete = is_complete and len(entries) < MOST
        found += entries
    if not found:
        raise TraceNotFound(
            "没有找到这个编号下的任何记录：请核对编号，或按对象查找",
            "Nothing is recorded under this correlation id: compare it, or look for the object",
        )
    found = _with_the_cause(found)
    return Trace(correlation_id, sorted(found, key=lambda one: (one.at, _ORDER[one.kind], one.ref.id)), is_complete)


async def traces_of(session: AsyncSession, about: About) -> list[Beginning]:
    """Where something was done to the object: how it began, and then the latest. One statement."""
    rows = await audit.beginnings(session, about, most=MOST_TRACES)
    return [_beginning(row) for row in rows]


def _beginning(row: AuditEntry) -> Beginning:
    said = sentence_of(row.action)
    return Beginning(row.correlation_id, row.at, said.chinese, said.english)


def _asked(correlation_id: str, recorded: Sequence[AuditEntry], now: datetime) -> TraceAsked:
    about: dict[str, set[str]] = {}
    for row in recorded:
        about.setdefault(row.object_kind, set()).add(row.object_id)
    return TraceAsked(
        correlation_id=correlation_id,
        now=now,
        about={kind: frozenset(ids) for kind, ids in about.items()},
        since=min((row.at for row in recorded), default=None),
        until=max((row.at for row in recorded), default=None),
    )


def _entry(row: AuditEntry) -> TraceEntry:
    said = sentence_of(row.action)
    return TraceEntry(
        at=row.at,
        kind=TraceKind.RECORDED,
        chinese=said.chinese,
        english=said.english,
        ref=Ref("audit_entry", str(row.id)),
        about=Ref(row.object_kind, row.object_id),
        state=row.action,
        actor=f"{row.actor_kind}:{row.actor_id}",
        rule_key=row.rule_key,
    )


def _with_the_cause(entries: Iterable[TraceEntry]) -> list[TraceEntry]:
    """What is recorded under the id of one received event was done while that was handled."""
    found = list(entries)
    received = [one.ref for one in found if one.kind is TraceKind.RECEIVED]
    if len(received) != 1:
        return found
    return [
        replace(one, caused_by=received[0]) if one.kind is TraceKind.RECORDED and _is_of(one, received[0]) else one
        for one in found
    ]


def _is_of(entry: TraceEntry, event: Ref) -> bool:
    """A replay is recorded about the event, and not by it."""
    return entry.about != Ref(ObjectKind.RECEIVED_EVENT, event.id)
