"""我的账号: who I am here, what I may and why, where I am signed in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from app.access import service as access
from app.org import service as org
from app.pages.drawing.catalogue import phrase
from app.pages.forms import Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.visit import Visit, visits

router = page_router("/me/account")

AccountVisit = Annotated[Visit, visits("/me/account")]


@router.get("")
async def account(visit: AccountVisit) -> Response:
    return await _drawn(visit)


@router.post("/sessions/{session_id}/end")
async def end_session(session_id: UUID, visit: AccountVisit, submission: SubmissionDep) -> Response:
    """Sign out somewhere else."""

    async def act() -> Done:
        await access.end_own(visit.session, visit.viewer, session_id, now=visit.now)
        return Done("/me/account", visit.say(phrase("那里的登录已结束。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _drawn(visit: Visit, form: Form | None = None, status: int = 200) -> Response:
    person, lifetime = visit.viewer.person, access.lifetime_of(visit.settings)
    return visit.draw(
        "me/account.html",
        status=status,
        form=form or Form(),
        done=await said_to(visit),
        me=(await org.named_people(visit.session, [person.id]))[person.id],
        sessions=await access.living_of(visit.session, person.id, lifetime=lifetime, now=visit.now),
    )
