"""申请: what I have applied for and its way so far; what I decide, with a comment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from app import addresses
from app.approvals import service as approvals
from app.approvals.service import Ballot, Objection, RequestPage
from app.audit.why import About
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from app.web.schemas import Remark
from models.approvals import Verdict
from models.audit import ObjectKind
from models.ids import RequestId

router = page_router("/me/requests")

RequestsVisit = Annotated[Visit, visits("/me/requests")]
DecidingVisit = Annotated[Visit, visits("/me/requests", Permission.REQUEST_DECIDE)]

VIA: Final = "page"

LISTS: Final[Mapping[str, tuple[Words, Callable[..., Awaitable[RequestPage]]]]] = {
    "mine": (Words("我发起的", "Mine"), approvals.requests_mine),
    "waiting": (Words("待我处理", "Waiting for me"), approvals.requests_waiting_for),
    "decided": (Words("我处理过的", "Decided by me"), approvals.requests_decided_by),
    "about": (Words("与我有关的", "About me"), approvals.requests_about),
}


class Comment(BaseModel):
    """What goes with a decision."""

    verdict: Verdict
    position: int
    """The step that the page was drawn for."""
    comment: Remark = ""


class Reason(BaseModel):
    """What goes with an objection."""

    reason: Remark = ""


@router.get("")
async def requests(visit: RequestsVisit, cursor: CursorDep, list: str = "mine") -> Response:  # noqa: A002 -- in the address
    chosen = list if list in LISTS else "mine"
    listed = await LISTS[chosen][1](visit.session, visit.viewer.person.id, page=page_at(cursor))
    return visit.draw(
        "me/requests.html",
        done=await said_to(visit),
        listed=listed,
        lists=LISTS,
        chosen=chosen,
    )


@router.get("/{request_id}")
async def request(request_id: UUID, visit: RequestsVisit) -> Response:
    return await _drawn(visit, request_id)


@router.post("/{request_id}/decide")
async def decide(request_id: UUID, visit: DecidingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await _check(visit, request_id)
        given = submission.form.read(Comment, visit)
        ballot = Ballot(visit.viewer.person, given.verdict, VIA, given.comment, seen=given.position)
        await approvals.decide(visit.session, ballot, request_id=RequestId(request_id), now=visit.now)
        return Done(addresses.me_request(request_id), visit.say(phrase("您的决定已记录。")))

    return await submission.carry_out(visit, act, again=_again(visit, request_id))


@router.post("/{request_id}/withdraw")
async def withdraw(request_id: UUID, visit: RequestsVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await _check(visit, request_id)
        await approvals.withdraw(
            visit.session, request_id=RequestId(request_id), person=visit.viewer.person, now=visit.now
        )
        return Done(addresses.me_request(request_id), visit.say(phrase("申请已撤回。")))

    return await submission.carry_out(visit, act, again=_again(visit, request_id))


@router.post("/{request_id}/object")
async def object_to(request_id: UUID, visit: RequestsVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await _check(visit, request_id)
        given = submission.form.read(Reason, visit)
        objection = Objection(visit.viewer.person, VIA, given.reason)
        await approvals.object_to(visit.session, objection, request_id=RequestId(request_id), now=visit.now)
        return Done(addresses.me_request(request_id), visit.say(phrase("您的异议已记录。")))

    return await submission.carry_out(visit, act, again=_again(visit, request_id))


async def _check(visit: Visit, request_id: UUID) -> None:
    await visit.check(Permission.REQUEST_READ, About(ObjectKind.REQUEST, request_id))


def _again(visit: Visit, request_id: UUID) -> Callable[[Form, int], Awaitable[Response]]:
    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, request_id, form, status)

    return again


async def _drawn(visit: Visit, request_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    await _check(visit, request_id)
    followed = await approvals.follow(visit.session, RequestId(request_id), reader=visit.viewer.person, now=visit.now)
    return visit.draw(
        "me/request.html",
        status=status,
        form=form,
        done=await said_to(visit),
        followed=followed,
        decided_before=any(
            entry.verdict and visit.viewer.person.id in {one.id for one in entry.people} for entry in followed.timeline
        ),
        acts={act.name.value: act for act in followed.acts},
    )
