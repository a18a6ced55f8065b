"""Requests on the wire. People are userids here; who has left is named by their last one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.web.schemas import AsText, ClauseOut, Input, Remark, Userid
from models.approvals import OutcomeState, RequestState, StepState, Verdict


class NewRequest(Input):
    kind: str = Field(examples=["join"], description="`create_group`, `join`, `exit` …")
    requester: Userid = Field(description="userid of who applies.")
    payload: dict[str, Any] = Field(description="What the kind asks for; see its documentation.")
    reason: Remark = ""


class NewDecision(Input):
    person: Userid = Field(description="userid of who decides: an approver of the open step, never the requester.")
    verdict: AsText[Verdict]
    comment: Remark = ""


class Withdrawal(Input):
    person: Userid | None = Field(
        None, description="userid of who withdraws. Default: the requester, the only one who may."
    )


class NewObjection(Input):
    person: Userid = Field(description="userid of whom the request is about, and who has not applied for it.")
    reason: Remark = ""


class ObjectionOut(BaseModel):
    person: str
    reason: str
    via: str
    objected_at: datetime


class DecisionOut(BaseModel):
    person: str
    verdict: Verdict
    comment: str
    via: str
    decided_at: datetime


class StepOut(BaseModel):
    id: UUID
    position: int
    name: str
    approver: str = Field(description="The policy's expression: `department_head`, `role:hr` …")
    is_offer: bool = Field(description="Somebody is asked whether they take something on, such as to own the group.")
    needed: int
    state: StepState
    note: str | None
    approvers: list[str]
    decisions: list[DecisionOut]
    opened_at: datetime | None
    due_at: datetime | None
    decided_at: datetime | None


class RequestSummary(BaseModel):
    id: UUID
    number: int
    kind: str
    title: str
    requester: str
    reason: str
    state: RequestState
    current_step: int
    outcome: OutcomeState
    outcome_detail: str | None
    group_id: UUID | None
    submitted_at: datetime
    updated_at: datetime
    decided_at: datetime | None


class RequestOut(RequestSummary):
    payload: dict[str, Any]
    fields: list[tuple[str, str]] = Field(description="What approvers read, as it was on submission.")
    submitted_by: str
    correlation_id: str
    rule: ClauseOut
    steps: list[StepOut]
    objections: list[ObjectionOut] = Field(
        description="Of people whom somebody else's request is about. One against an `exit` ends it."
    )
