"""Requests on the wire. People are userids here; who has left is named by their last one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.approvals.shown.acts import ActName
from app.approvals.shown.timeline import EntryKind
from app.web.schemas import ActingUserid, AsText, ClauseOut, Input, Remark
from models.approvals import OutcomeState, RequestState, StepState, Verdict


class NewRequest(Input):
    kind: str = Field(examples=["join"], description="`create_group`, `join`, `exit` …")
    requester: ActingUserid = Field(description="userid of who applies.")
    payload: dict[str, Any] = Field(description="What the kind asks for; see its documentation.")
    reason: Remark = ""


class NewDecision(Input):
    person: ActingUserid = Field(
        description="userid of who decides: an approver of the open step, never the requester."
    )
    verdict: AsText[Verdict]
    comment: Remark = ""


class Withdrawal(Input):
    person: ActingUserid | None = Field(
        None, description="userid of who withdraws. Default: the requester, the only one who may."
    )


class NewObjection(Input):
    person: ActingUserid = Field(description="userid of whom the request is about, and who has not applied for it.")
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


class TimelineEntryOut(BaseModel):
    kind: EntryKind = Field(description="What happened. Later releases add more.")
    at: datetime
    people: list[str] = Field(description="Who did it; of `asked`, `escalated`, `reassigned` and `told` who was asked.")
    step: str = Field(description="Name of the step; empty for what concerns the whole request.")
    position: int | None
    is_offer: bool
    verdict: Verdict | None
    text: str = Field(description="A comment, a reason, or why it is so.")
    via: str
    recorded_by: str = Field(description="Who passed it on in the person's name: `api_key:…`; else empty.")
    due_at: datetime | None = Field(description="Of the step that is open.")
    rule: ClauseOut | None


class TimelineOut(BaseModel):
    """Everything that has happened to a request, in order."""

    items: list[TimelineEntryOut]


class ActOut(BaseModel):
    act: ActName
    allowed: bool
    why_not: str = Field(description="The sentence of the refusal; empty where it is allowed.")
    why_not_english: str
    type: str | None = Field(description="Of the problem that the act would be answered with.")


class ActsOut(BaseModel):
    """What a person may do about a request now."""

    items: list[ActOut]


class StepAheadOut(BaseModel):
    position: int
    name: str
    people: list[str] = Field(description="userids of who will decide it, or is to answer.")
    names: list[str]
    needed: int = Field(description="How many of them have to agree.")
    reason: str = Field(description="Why they, or why nobody decides it.")
    is_passed: bool
    is_offer: bool = Field(
        description="They are asked whether they take something on, unless they have agreed as an approver before."
    )
    due_at: datetime | None = Field(description="At the latest, if every step before takes all its time.")
    rule: ClauseOut


class AheadOut(BaseModel):
    """What follows the open step of a request, as the organisation is now."""

    items: list[StepAheadOut]


class PreviewOut(BaseModel):
    """What an application would become. Nothing has been written."""

    title: str
    fields: list[tuple[str, str]] = Field(description="What approvers would read.")
    rule: ClauseOut
    steps: list[StepAheadOut]
    takes_effect_at_once: bool = Field(description="Nobody decides it.")
    due_at: datetime | None = Field(description="When there is a result at the latest, if nobody is late.")
    told: list[str] = Field(description="userids of whom it is about, where somebody else applies.")
    objection_ends: bool = Field(description="An objection of theirs ends the request.")
