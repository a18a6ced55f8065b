"""Decisions in a trace (F118): whose verdict it was, and which click brought it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.trace.service import MOST, Ref, TraceAsked, TraceEntry, TraceKind
from models.approvals import Decision, Verdict
from models.audit import ObjectKind

_SAID: Final = {
    Verdict.APPROVE: ("审批意见：同意", "A verdict: agreed"),
    Verdict.REJECT: ("审批意见：驳回", "A verdict: disagreed"),
}


async def traced(session: AsyncSession, asked: TraceAsked) -> list[TraceEntry]:
    """Verdicts on the requests that the trail names. Comments are read with the request, by those who may."""
    ids = [UUID(one) for one in asked.ids(ObjectKind.REQUEST)]
    if not ids:
        return []
    statement = select(Decision).where(
        col(Decision.request_id).in_(ids), col(Decision.correlation_id) == asked.correlation_id
    )
    rows = await session.scalars(statement.order_by(col(Decision.id)).limit(MOST))
    return [
        TraceEntry(
            at=row.decided_at,
            kind=TraceKind.DECIDED,
            chinese=_SAID[row.verdict][0],
            english=_SAID[row.verdict][1],
            ref=Ref("decision", str(row.id)),
            about=Ref(ObjectKind.REQUEST, str(row.request_id)),
            state=row.verdict.value,
            caused_by=Ref(ObjectKind.RECEIVED_EVENT, str(row.event_id)) if row.event_id else None,
            actor=row.actor,
            rule_key=row.rule_key,
        )
        for row in rows
    ]
