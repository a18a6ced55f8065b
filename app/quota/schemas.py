"""Limits on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.quota.service import LARGEST
from app.web.schemas import Input, Moment


class SubjectOut(BaseModel):
    subject: str | None = Field(description="The path or app; null where it would name a person")
    used: int


class LimitOut(BaseModel):
    key: str = Field(examples=["message.member.minute"])
    title: str
    title_en: str
    counts: str = Field(description="`calls`, `recipients`, `person-times` or `creations`")
    per: str = Field(description="Whose use is added up: `corp`, `app`, `app+member`, `corp+path` …")
    window: str = Field(description="`minute`, `hour`, `day` or `month` (30 days): any span of that length")
    most: int = Field(description="The platform's number")
    share: float = Field(description="Our part of it")
    allowed: int = Field(description="`most` × `share`")
    silent: bool = Field(description="The platform drops the excess without a word")
    used: int = Field(description="Now, by the subject that has used the most")
    percent: float = Field(description="`used` of `allowed`")
    top: list[SubjectOut]
    lifted_until: datetime | None = Field(description="Counted, but not kept, until then")
    blocked_until: datetime | None
    waiting_calls: int
    waiting_people: int
    full_at: datetime | None = Field(
        description="When it is used up at the present rate; null when it is not within a window"
    )
    cleared_at: datetime | None = Field(description="When the last waiting call will have gone")


class BlockOut(BaseModel):
    path: str = Field(examples=["message/send"])
    errcode: int
    window: str = Field(description="Which limit we take it for; `busy` for too many calls at once")
    since: datetime
    until: datetime
    waiting_calls: int


class QuotaOut(BaseModel):
    items: list[LimitOut]
    blocked: list[BlockOut] = Field(description="Paths that the platform has blocked for us (45009, 45033)")


class LimitChange(Input):
    """What is given is changed; null goes back to the platform's documented number, the whole share, no lifting."""

    most: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    lifted_until: Moment | None = None


class PathIn(Input):
    path: str = Field(min_length=1, max_length=100, examples=["message/send"])
