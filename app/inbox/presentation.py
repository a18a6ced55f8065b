"""Received events, gaps and refusals as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.inbox.messages import explain_refusal
from app.inbox.schemas import CallbackDetail, CallbackSummary, FieldOut, Gap, Refusal, ReplayOut
from app.inbox.service import ExaminedEvent
from models.inbox import ReceivedEvent
from models.intake import CallbackGap, CallbackRefusal


def summaries(rows: Sequence[ReceivedEvent]) -> list[CallbackSummary]:
    return [summary(row) for row in rows]


def summary(row: ReceivedEvent) -> CallbackSummary:
    return CallbackSummary.model_validate(_columns(row))


def event(found: ExaminedEvent) -> CallbackDetail:
    row = found.event
    return CallbackDetail(
        **_columns(row),
        body=None if row.body is None else row.body.decode(errors="replace"),
        digest=row.body_digest.hex(),
        fields=[FieldOut(**one._asdict()) for one in found.fields],
        replays=[ReplayOut(at=one.at, actor=f"{one.actor_kind}:{one.actor_id}") for one in found.replays],
    )


def gaps(rows: Sequence[CallbackGap]) -> list[Gap]:
    return [Gap.model_validate(row.model_dump()) for row in rows]


def refusals(rows: Sequence[CallbackRefusal]) -> list[Refusal]:
    """Each with what it means and what to do."""
    return [
        Refusal.model_validate({**row.model_dump(), "explanation": explain_refusal(row.reason, row.disagrees)})
        for row in rows
    ]


def _columns(row: ReceivedEvent) -> dict[str, Any]:
    return {
        **row.model_dump(exclude={"body", "body_digest", "dedup_key"}),
        "channel": row.app_id,
        "userid": row.actor_userid,
        "reason": row.last_error,
    }
