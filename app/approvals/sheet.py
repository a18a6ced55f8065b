"""Requests as a file: what a table of them shows, all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.queries import RequestFilter, matching
from app.approvals.shown.lists import REQUESTS_SORTED, RequestLine, lines_of
from app.calendar import service as calendars
from app.database import portions_of
from app.spreadsheets.columns import Column, Sheet, moment, number, person, words
from models.approvals import OutcomeState, RequestState

STATES: Final = {
    RequestState.PENDING: ("审批中", "open"),
    RequestState.APPROVED: ("已同意", "approved"),
    RequestState.REJECTED: ("已驳回", "rejected"),
    RequestState.WITHDRAWN: ("已撤回", "withdrawn"),
}
OUTCOMES: Final = {
    OutcomeState.NONE: ("", ""),
    OutcomeState.PENDING: ("正在办理", "being carried out"),
    OutcomeState.DONE: ("已办成", "done"),
    OutcomeState.FAILED: ("没有办成", "could not be carried out"),
}


def request_sheet(session: AsyncSession, *, in_english: bool) -> Sheet[RequestLine]:
    columns: list[Column[RequestLine]] = [
        number("编号", "Number", lambda line: line.number),
        words("申请", "Request", lambda line: line.title, width=40),
        *person(lambda line: line.requester, role="申请人", english="Applicant"),
        words("状态", "State", lambda line: STATES[line.state][in_english]),
        words("当前步骤", "Step", lambda line: line.open_step.name if line.open_step else ""),
        words("审批人", "Asked", _asked),
        moment("步骤截止", "Step due", lambda line: line.open_step.due_at if line.open_step else None),
        words("办理结果", "Outcome", lambda line: OUTCOMES[line.outcome][in_english]),
        moment("提交时间", "Submitted", lambda line: line.submitted_at),
        moment("决定时间", "Decided", lambda line: line.decided_at),
    ]
    return Sheet("requests" if in_english else "申请", columns, calendars.timezone_of(session), in_english)


def _asked(line: RequestLine) -> str:
    return "、".join(one.name for one in line.open_step.asked) if line.open_step else ""


async def request_lines(
    session: AsyncSession, wanted: RequestFilter, *, sort: str = ""
) -> AsyncIterator[Sequence[RequestLine]]:
    """Everything that the list holds, in its order, a portion at a time."""
    async for part in portions_of(session, REQUESTS_SORTED.by(sort).apply(matching(wanted))):
        yield await lines_of(session, part)
