"""申请: every request that the reader may see, its way, and once more what failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from app import addresses
from app.approvals import service as approvals
from app.approvals.queries import RequestFilter
from app.audit.why import About
from app.console.visiting import traces_of
from app.exports.service import ListName, hand_out
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Filter, SortDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.spreadsheets.download import SheetFormat
from models.approvals import OutcomeState, RequestState
from models.audit import ObjectKind
from models.ids import RequestId

router = page_router("/console/requests")

RequestsVisit = Annotated[Visit, visits("/console/requests")]
RetryingVisit = Annotated[Visit, visits("/console/requests", Permission.REQUEST_RETRY)]

STATES = [
    Choice("pending", "审批中", "open"),
    Choice("approved", "已同意", "approved"),
    Choice("rejected", "已驳回", "rejected"),
    Choice("withdrawn", "已撤回", "withdrawn"),
]
KINDS = [
    Choice("join", "加入群", "join"),
    Choice("exit", "退出群", "exit"),
    Choice("create_group", "建立群", "create a group"),
    Choice("own_group", "担任群主", "own a group"),
]
LATE = [Choice("true", "已逾期", "late")]
OUTCOMES = [
    Choice("pending", "正在办理", "being carried out"),
    Choice("done", "已办成", "done"),
    Choice("failed", "没有办成", "could not be carried out"),
]


@dataclass(frozen=True)
class Asked:
    """What the address asks for: the overview leads here with it."""

    state: str
    kind: str
    late: str
    outcome: str

    def filters(self) -> list[Filter]:
        return [
            Filter("state", "状态", "State", STATES, self.state),
            Filter("kind", "种类", "Kind", KINDS, self.kind),
            Filter("late", "期限", "Deadline", LATE, self.late),
            Filter("outcome", "办理结果", "Outcome", OUTCOMES, self.outcome),
        ]

    def wanted(self, visit: Visit) -> RequestFilter:
        return RequestFilter(
            state=RequestState(self.state) if self.state in set(RequestState) else None,
            kind=self.kind or None,
            late_at=visit.now if self.late == "true" else None,
            outcome=OutcomeState(self.outcome) if self.outcome in set(OutcomeState) else None,
            sight=visit.sight(),
        )


def _asked(
    state: Annotated[str, Query(max_length=32)] = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    late: Annotated[str, Query(max_length=8)] = "",
    outcome: Annotated[str, Query(max_length=32)] = "",
) -> Asked:
    return Asked(state, kind, late, outcome)


AskedDep = Annotated[Asked, Depends(_asked)]


@router.get("")
async def listed(visit: RequestsVisit, cursor: CursorDep, asked: AskedDep, sort: SortDep = "") -> Response:
    wanted = asked.wanted(visit)
    page = await approvals.requests_seen(visit.session, visit.sight(), wanted, sort=sort, page=page_at(cursor))
    return visit.draw(
        "console/requests.html",
        done=await said_to(visit),
        table=page,
        filters=asked.filters(),
        order=approvals.REQUESTS_SORTED.by(sort),
    )


@router.get("/export.{ending}")
async def export(visit: RequestsVisit, ending: SheetFormat, asked: AskedDep, sort: SortDep = "") -> Response:
    """The same list as a file, all of it."""
    sheet = approvals.request_sheet(visit.session, in_english=visit.reader.reads_english)
    lines = approvals.request_lines(visit.session, asked.wanted(visit), sort=sort)
    return await hand_out(visit.taking(), ListName.REQUESTS, sheet, lines, ending=ending)


@router.get("/{request_id}")
async def request(request_id: UUID, visit: RequestsVisit) -> Response:
    return await _drawn(visit, request_id)


@router.post("/{request_id}/retry")
async def retry(request_id: UUID, visit: RetryingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await visit.check(Permission.REQUEST_RETRY, About(ObjectKind.REQUEST, request_id))
        await approvals.retry_outcome(
            visit.session, request_id=RequestId(request_id), actor=visit.viewer.actor, now=visit.now
        )
        return Done(addresses.console_request(request_id), visit.say(phrase("已重新办理。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, request_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _drawn(visit: Visit, request_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    await visit.check(Permission.REQUEST_READ, About(ObjectKind.REQUEST, request_id))
    followed = await approvals.follow(visit.session, RequestId(request_id), reader=visit.viewer.person, now=visit.now)
    about = About(ObjectKind.REQUEST, request_id)
    may_retry = followed.line.outcome == "failed" and await visit.may(Permission.REQUEST_RETRY, about)
    return visit.draw(
        "console/request.html",
        status=status,
        form=form,
        done=await said_to(visit),
        followed=followed,
        may_retry=may_retry,
        traces=await traces_of(visit, about),
    )
