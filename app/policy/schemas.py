"""The wire: policy versions, checks, calendar days."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.policy.schema import PolicyDocument
from app.web.schemas import Input, Moment

Source = Annotated[str, StringConstraints(min_length=1, max_length=500_000)]


class PolicyVersionOut(BaseModel):
    number: int
    title: str
    sha256: str = Field(description="Of the YAML source.")
    effective_at: datetime
    created_at: datetime
    created_by: str = Field(examples=["operator:root"])


class PolicyVersionDetail(PolicyVersionOut):
    document: PolicyDocument
    source: str = Field(description="The YAML as it was given.")


class ClauseDetail(BaseModel):
    policy_version: int
    """A clause and how it is carried out. A part that the clause does not have is null."""

    clause: str = Field(examples=["2.1"])
    text: str
    rules: list[str] = Field(description="The rules of the service that rest on it.", examples=[["member.join"]])
    enforced: str | None = Field(description="What the service does by itself.")
    substituted: str | None = Field(description="What it does instead, where the platform offers no way.")
    by_hand: str | None = Field(description="What a person does, and who.")
    not_yet: str | None = Field(description="What nothing in the service does so far.")


class ApplyIn(Input):
    source: Source = Field(description="The policy document as YAML.")
    effective_at: Moment | None = Field(None, description="When it comes into force; empty: at once.")


class CheckIn(Input):
    source: Source


class FaultOut(BaseModel):
    path: str = Field(examples=["groups.types.project.join.steps[0].approver"])
    message: str


class ChangeOut(BaseModel):
    path: str = Field(examples=["tasks.accept_within"])
    before: str | None
    after: str | None
    rule_keys: list[str]
    sentence: str = Field(description="The change for people, in Chinese.")


class CheckOut(BaseModel):
    faults: list[FaultOut] = Field(description="Empty when the document can be applied.")
    changes: list[ChangeOut] = Field(
        description="Against the version in force, the first 1,000; empty while there are faults."
    )
    more_changes: int = Field(0, description="How many changes there are besides.")
    cautions: list[FaultOut] = Field(
        description="Roles, tags, posts and userids that nobody holds, and roles that many hold: the document can be "
        "applied, and a request that meets a vacant one is refused. The first 100; empty before the first sync."
    )
    more_cautions: int = Field(0, description="How many cautions there are besides.")
