"""A trace as REST shows it."""

from __future__ import annotations

from app.trace.entry import Ref, TraceEntry
from app.trace.schemas import RefOut, TraceEntryOut, TraceOut
from app.trace.service import Trace


def trace(found: Trace) -> TraceOut:
    return TraceOut(
        correlation_id=found.correlation_id,
        complete=found.is_complete,
        entries=[_entry(one) for one in found.entries],
    )


def _entry(one: TraceEntry) -> TraceEntryOut:
    return TraceEntryOut(
        at=one.at,
        kind=one.kind,
        what=one.chinese,
        what_en=one.english,
        ref=RefOut(kind=one.ref.kind, id=one.ref.id),
        about=_ref(one.about),
        state=one.state,
        caused_by=_ref(one.caused_by),
        actor=one.actor,
        rule_key=one.rule_key,
    )


def _ref(ref: Ref | None) -> RefOut | None:
    return RefOut(kind=ref.kind, id=ref.id) if ref else None
