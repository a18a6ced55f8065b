"""Types and schemas that several domains have on the wire, each with one home."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Protocol

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("时间超出范围") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its time zone, in UTC from here on."""

Userid = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
"""A short remark beside a decision; may be empty."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
"""What somebody writes about their work; may be empty."""


class Input(BaseModel):
    """A body that callers send: unknown members are refused, texts lose the spaces around them."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Cited(Protocol):
    """A clause as a version of the policy words it: `app.policy.service.Citation`."""

    @property
    def rule_key(self) -> str: ...
    @property
    def clause(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def policy_version(self) -> int: ...


class ClauseOut(BaseModel):
    """The clause that something rests on, as the company's document numbers and words it."""

    rule_key: str
    clause: str
    text: str
    policy_version: int

    @classmethod
    def of(cls, cited: Cited) -> ClauseOut:
        return cls.model_validate(cited, from_attributes=True)


class Explanation(BaseModel):
    """A kind of problem."""

    type: str = Field(examples=["/problems/already-decided"])
    title: str = Field(examples=["已有人处理"])
    status: int = Field(description="The status that comes with it.")
    meaning: str = Field(description="What this kind of problem is, in English.", examples=["Already decided"])
