"""Requests on the wire. People are userids here; who has left is named by their last one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.approvals.queries import RequestHistory
from app.policy.service import Policy
from app.web.fields import ClauseOut, Input, Remark, Userid
from models.approvals import Decision, OutcomeState, Request, RequestState, RequestStep, StepState, Verdict


class NewRequest(Input):
    kind: str = Field(examples=["join"], description="`create_group`, `join`, `exit` …")
    requester: Userid = Field(description="userid of who applies.")
    payload: dict[str, Any] = Field(description="What the kind asks for; see its documentation.")
    reason: Remark = ""


class NewDecision(Input):
    person: Userid = Field(description="userid of who decides: an approver of the open step, never the requester.")
    verdict: Verdict
    comment: Remark = ""


class Withdrawal(Input):
    person: Userid | None = Field(
        None, description="userid of who withdraws. Default: the requester, the only one who may."
    )


class DecisionOut(BaseModel):
    person: str
    verdict: Verdict
    comment: str
    via: str
    decided_at: datetime

    @classmethod
    def of(cls, decision: Decision, userids: dict[UUID, str]) -> DecisionOut:
        return cls(
            person=userids.get(decision.person_id, ""),
            **decision.model_dump(include={"verdict", "comment", "via", "decided_at"}),
        )


class StepOut(BaseModel):
    id: UUID
    position: int
    name: str
    approver: str = Field(description="The policy's expression: `department_head`, `role:hr` …")
    needed: int
    state: StepState
    note: str | None
    approvers: list[str]
    decisions: list[DecisionOut]
    opened_at: datetime | None
    due_at: datetime | None
    decided_at: datetime | None

    @classmethod
    def of(cls, step: RequestStep, history: RequestHistory) -> StepOut:
        asked = [row for row in history.approvers if row.step_id == step.id]
        decided = [row for row in history.decisions if row.step_id == step.id]
        return cls(
            approvers=[history.userids.get(row.person_id, "") for row in asked],
            decisions=[DecisionOut.of(row, history.userids) for row in decided],
            **step.model_dump(exclude={"request_id", "rule_key"}),
        )


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

    @classmethod
    def of(cls, request: Request, userids: dict[UUID, str]) -> RequestSummary:
        return cls(requester=userids.get(request.requester_id, ""), **_own_columns(request))


class RequestOut(RequestSummary):
    payload: dict[str, Any]
    fields: list[tuple[str, str]] = Field(description="What approvers read, as it was on submission.")
    submitted_by: str
    correlation_id: str
    rule: ClauseOut
    steps: list[StepOut]

    @classmethod
    def with_history(cls, history: RequestHistory, policy: Policy) -> RequestOut:
        request = history.request
        return cls(
            requester=history.userids.get(request.requester_id, ""),
            **_own_columns(request),
            payload=request.payload,
            fields=request.shown.get("fields", []),
            submitted_by=request.submitted_by,
            correlation_id=request.correlation_id,
            rule=ClauseOut.of(policy.cite(request.rule_key)),
            steps=[StepOut.of(step, history) for step in history.steps],
        )


def _own_columns(request: Request) -> dict[str, Any]:
    return request.model_dump(include=set(RequestSummary.model_fields) - {"requester"})
