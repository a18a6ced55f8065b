"""用量: how far the limits of WeCom are used, what waits for them, and lifting a block that WeCom has lifted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.console.visiting import actor_of, may
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from app.quota import service as quota

router = page_router(addresses.CONSOLE_QUOTA)

QuotaVisit = Annotated[Visit, visits(addresses.CONSOLE_QUOTA)]
ChangingVisit = Annotated[Visit, visits(addresses.CONSOLE_QUOTA, Permission.QUOTA_CHANGE)]

WINDOWS: Final[Mapping[str, Words]] = {
    "minute": Words("每分钟", "a minute"),
    "hour": Words("每小时", "an hour"),
    "day": Words("每天", "a day"),
    "month": Words("每月", "a month"),
}
WHOLE: Final = 100


class Share(BaseModel):
    """Our part of a limit, in percent; empty for the whole."""

    share: int | None = Field(None, ge=1, le=WHOLE)


class Path(BaseModel):
    path: str = Field(min_length=1, max_length=100)


@router.get("")
async def listed(visit: QuotaVisit) -> Response:
    return await _drawn(visit)


@router.post("/unblock")
async def unblock(visit: ChangingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        path = submission.form.read(Path, visit).path
        await quota.unblock_path(visit.session, path=path, actor=actor_of(visit), now=visit.now)
        return Done(addresses.CONSOLE_QUOTA, visit.say(phrase("已恢复调用 {path}。"), path=path))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, form, status)

    return await submission.carry_out(visit, act, again=again)


@router.get("/{key}")
async def one(key: str, visit: QuotaVisit) -> Response:
    return await _limit(visit, key)


@router.post("/{key}")
async def change(key: str, visit: ChangingVisit, submission: SubmissionDep) -> Response:
    """Our share of a limit: how much of it this service leaves to others who use the same account."""

    async def act() -> Done:
        share = submission.form.read(Share, visit).share
        changes = {"share": None if share is None else share / WHOLE}
        await quota.change_limit(visit.session, key=key, changes=changes, actor=actor_of(visit), now=visit.now)
        return Done(addresses.CONSOLE_QUOTA, visit.say(phrase("已更改份额，立即生效。")))

    async def again(form: Form, status: int) -> Response:
        return await _limit(visit, key, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _drawn(visit: Visit, form: Form = EMPTY, status: int = 200) -> Response:
    return visit.draw(
        "console/quota.html",
        status=status,
        form=form,
        done=await said_to(visit),
        report=await quota.report(visit.session, now=visit.now),
        windows=WINDOWS,
        may_change=may(visit, Permission.QUOTA_CHANGE),
    )


async def _limit(visit: Visit, key: str, form: Form = EMPTY, status: int = 200) -> Response:
    return visit.draw(
        "console/limit.html",
        status=status,
        form=form,
        done=await said_to(visit),
        use=await quota.read_limit(visit.session, key=key, now=visit.now),
        windows=WINDOWS,
        may_change=may(visit, Permission.QUOTA_CHANGE),
    )
