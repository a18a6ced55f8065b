"""What people who ask the app read of requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.approvals.messages import ANSWERED, RESULTS
from app.approvals.shown.lists import OpenStep, RequestLine
from app.wecom.message_bodies.markup import with_link
from models.approvals import OutcomeState

OWN_REQUESTS: Final = "我的申请"
OWN_REQUESTS_HELP: Final = "您提交的申请到了哪一步"

NO_REQUESTS: Final = "您还没有提交过申请。"

_OUTCOMES: Final = {
    OutcomeState.PENDING: "，正在办理",
    OutcomeState.DONE: "，已办成",
    OutcomeState.FAILED: "，没有办成",
}


def own_requests(lines: Sequence[RequestLine], *, has_more: bool, link: str | None) -> str:
    """The last of them that anything has happened to."""
    if not lines:
        return with_link(NO_REQUESTS, link)
    said = ["您最近的申请：", *(f"· #{line.number} {line.title}：{_state(line)}" for line in lines)]
    return with_link("\n".join([*said, "还有更早的"] if has_more else said), link)


def standing(line: RequestLine, *, is_applied_for: bool, zone: ZoneInfo, link: str | None) -> str:
    """One request, as it stands."""
    named = f"申请 #{line.number}" if is_applied_for else f"征求意愿 #{line.number}"
    said = [f"【{named}】{line.title}"]
    if is_applied_for:
        said.append(f"申请人：{line.requester.name}，{_local(line.submitted_at, zone)} 提交")
    said.append(f"现状：{_state(line) if is_applied_for else ANSWERED[line.state]}")
    if line.open_step is not None and line.open_step.due_at is not None:
        said.append(f"期限：{_local(line.open_step.due_at, zone)}")
    if line.outcome is OutcomeState.FAILED and line.outcome_detail:
        said.append(f"原因：{line.outcome_detail}")
    return with_link("\n".join(said), link)


def _state(line: RequestLine) -> str:
    if line.open_step is None:
        return f"{RESULTS[line.state]}{_OUTCOMES.get(line.outcome, '')}"
    return f"{RESULTS[line.state]}，等待{_asked(line.open_step)}"


def _asked(step: OpenStep) -> str:
    who = "、".join(person.name for person in step.asked)
    return f"{who}（{step.name}）" if who else step.name


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M")
