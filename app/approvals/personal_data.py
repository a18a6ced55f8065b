"""What the approvals keep about one person (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals.kinds import ShownFields, names_applied_for
from app.kept_data import FOR_PROGRAMS, Kept, KeptRow, Kind, RowsOf
from models.approvals import ConcernedPerson, Decision, OutcomeState, Request, RequestState, RequestStep, Verdict


class RequestRow(KeptRow):
    number: int = Field(title="编号", description="Number")
    title: str = Field(title="申请", description="Request")
    reason: str = Field(title="理由", description="Reason")
    payload: dict[str, Any] = Field(
        title="提交的数据", description="What was handed in", json_schema_extra=FOR_PROGRAMS
    )
    shown: ShownFields = Field(title="填写的内容", description="What was said in it")
    state: RequestState = Field(title="状态", description="State")
    outcome: OutcomeState = Field(title="办理", description="Outcome")
    submitted_at: datetime = Field(title="提交", description="Submitted")
    decided_at: datetime | None = Field(title="结果", description="Decided")


class ConcernedRow(KeptRow):
    number: int = Field(title="编号", description="Number")
    title: str = Field(title="申请", description="Request")
    told_at: datetime = Field(title="告知", description="Told")
    objected_at: datetime | None = Field(title="异议", description="Objected")
    objection: str = Field(title="异议的理由", description="Why they object")


class DecisionRow(KeptRow):
    number: int = Field(title="编号", description="Number")
    title: str = Field(title="申请", description="Request")
    step: str = Field(title="步骤", description="Step")
    verdict: Verdict = Field(title="决定", description="Verdict")
    comment: str = Field(title="意见", description="Comment")
    via: str = Field(title="途径", description="Channel")
    decided_at: datetime = Field(title="时间", description="When")


REQUESTS: Final = Kind("requests", "提出的申请", "Requests made", RequestRow)
CONCERNED: Final = Kind(
    "requests_about", "他人提出的涉及本人的申请", "Requests of others about the person", ConcernedRow
)
DECISIONS: Final = Kind("decisions", "作出的审批", "Decisions made", DecisionRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    requests: RowsOf = (
        select(*(getattr(Request, name) for name in RequestRow.model_fields))
        .where(col(Request.requester_id) == person_id, col(Request.kind).in_(names_applied_for(session)))
        .order_by(col(Request.number).desc())
    )
    concerned: RowsOf = (
        select(
            col(Request.number),
            col(Request.title),
            col(ConcernedPerson.told_at),
            col(ConcernedPerson.objected_at),
            col(ConcernedPerson.objection),
        )
        .join(Request, col(Request.id) == col(ConcernedPerson.request_id))
        .where(col(ConcernedPerson.person_id) == person_id)
        .order_by(col(Request.number).desc())
    )
    decisions: RowsOf = (
        select(
            col(Request.number),
            col(Request.title),
            col(RequestStep.name).label("step"),
            col(Decision.verdict),
            col(Decision.comment),
            col(Decision.via),
            col(Decision.decided_at),
        )
        .join(Request, col(Request.id) == col(Decision.request_id))
        .join(RequestStep, col(RequestStep.id) == col(Decision.step_id))
        .where(col(Decision.person_id) == person_id)
        .order_by(col(Decision.decided_at).desc(), col(Decision.id))
    )
    return [
        await REQUESTS.read(session, requests),
        await CONCERNED.read(session, concerned),
        await DECISIONS.read(session, decisions),
    ]
