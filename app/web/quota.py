"""`/api/v1/quota`: the platform's limits, how far they are used, and what operators may change in them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from app.limits.report import BlockedPath, Use, report
from app.web import limit_changes
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.moments import Moment
from app.web.problems import problems

router = APIRouter(prefix="/quota", tags=["quota"], route_class=IdempotentRoute)

may_read = [Depends(require("quota:read"))]
may_write = [Depends(require("quota:write"))]

LARGEST = 10**9


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

    @classmethod
    def of(cls, use: Use) -> LimitOut:
        counter, number = use.counter, use.number
        return cls(
            key=use.limit.key,
            title=counter.title,
            title_en=counter.english,
            counts=counter.counts,
            per=counter.per,
            window=use.limit.span,
            most=number.most,
            share=number.share,
            allowed=number.allowed,
            silent=counter.is_silent,
            used=use.used,
            percent=use.percent,
            top=[SubjectOut(subject=subject.name or None, used=subject.used) for subject in use.top],
            lifted_until=number.lifted_until if use.is_lifted else None,
            blocked_until=use.blocked_until,
            waiting_calls=use.waiting_calls,
            waiting_people=use.waiting_people,
            full_at=use.full_at,
            cleared_at=use.cleared_at,
        )


class BlockOut(BaseModel):
    path: str = Field(examples=["message/send"])
    errcode: int
    window: str = Field(description="Which limit we take it for; `busy` for too many calls at once")
    since: datetime
    until: datetime
    waiting_calls: int

    @classmethod
    def of(cls, block: BlockedPath) -> BlockOut:
        return cls.model_validate(block, from_attributes=True)


class QuotaOut(BaseModel):
    items: list[LimitOut]
    blocked: list[BlockOut] = Field(description="Paths that the platform has blocked for us (45009, 45033)")


class LimitChange(BaseModel):
    """What is given is changed; null goes back to the platform's documented number, the whole share, no lifting."""

    model_config = ConfigDict(extra="forbid")

    most: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    lifted_until: Moment | None = None


class PathIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=100, examples=["message/send"])


@router.get("", dependencies=may_read, responses=problems(401, 403))
async def read_quota(session: SessionDep, now: NowDep) -> QuotaOut:
    """Every limit that is kept: what is used of it now, what waits, and when that will be over."""
    return await _shown(session, now)


@router.patch("/{key}", dependencies=may_write, responses=problems(401, 403, 404))
async def change_limit(
    session: SessionDep,
    caller: CallerDep,
    now: NowDep,
    key: Annotated[str, Path(max_length=100)],
    body: LimitChange,
) -> LimitOut:
    """Change a limit for all processes at once: our number, our share, or a time in which it is not kept."""
    changes = body.model_dump(exclude_unset=True)
    await limit_changes.change_limit(session, key=key, changes=changes, actor=caller.actor, now=now)
    shown = await _shown(session, now)
    return next(item for item in shown.items if item.key == key)


@router.post("/unblock", dependencies=may_write, responses=problems(401, 403, 404))
async def unblock_path(session: SessionDep, caller: CallerDep, now: NowDep, body: PathIn) -> QuotaOut:
    """A block was lifted on the platform (频率自助解封): call the path again."""
    await limit_changes.unblock_path(session, path=body.path, actor=caller.actor, now=now)
    return await _shown(session, now)


async def _shown(session: SessionDep, now: datetime) -> QuotaOut:
    found = await report(session, now=now)
    return QuotaOut(
        items=[LimitOut.of(use) for use in found.limits], blocked=[BlockOut.of(block) for block in found.blocked]
    )
