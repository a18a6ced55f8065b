"""What people are told about a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.policy.service import Citation
from app.quotes import quoted
from app.tasks import rules
from app.tasks.rules import HALF, TaskAction
from app.wecom.message_bodies.card import Card, CardButton
from app.wecom.message_bodies.markup import with_link
from models.tasks import Task, TaskState

ACCEPT: Final = "task.accept"
PROGRESS: Final = "task.progress"
BLOCKED: Final = "task.blocked"
DONE: Final = "task.done"

STATES: Final = {
    TaskState.ASSIGNED: "待接受",
    TaskState.ACCEPTED: "进行中",
    TaskState.BLOCKED: "遇到困难",
    TaskState.DONE: "已完成",
    TaskState.CANCELLED: "已取消",
}

_BUTTONS: Final = {
    TaskAction.ACCEPT: ("接受", ACCEPT, 1),
    TaskAction.PROGRESS: (f"进行中 {HALF}%", PROGRESS, 3),
    TaskAction.COMPLETE: ("完成", DONE, 1),
    TaskAction.BLOCK: ("遇到困难", BLOCKED, 2),
}
_GOES_ON: Final = ("困难已解决", ACCEPT, 1)


def local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M")


def named(task: Task) -> str:
    return f"任务 #{task.number}{quoted(task.title)}"


def face(task: Task, *, assigner: str, collaborators: Sequence[str], citation: Citation, zone: ZoneInfo) -> Card:
    """The owner's card as the task stands: with the buttons that remain, or grey."""
    fields = [("布置人", assigner), ("截止", local(task.due_at, zone))]
    if collaborators:
        fields.append(("协作人", "、".join(collaborators)))
    fields.append(("进度", f"{task.progress}%"))
    fields.append(("状态", STATES[task.state]))
    return Card(
        title=task.title,
        desc=f"任务 #{task.number}",
        fields=fields,
        sub_title="\n".join(line for line in (f"完成标准：{task.acceptance}", task.description) if line),
        quote=citation.sentence,
        buttons=[_button(task, action) for action in rules.offered(task)],
        outcome="" if rules.is_open(task) else _outcome(task),
    )


def _button(task: Task, action: TaskAction) -> CardButton:
    goes_on = action is TaskAction.ACCEPT and task.accepted_at is not None
    said, key, style = _GOES_ON if goes_on else _BUTTONS[action]
    return CardButton(said, f"{key}:{task.id}", style=style)


def _outcome(task: Task) -> str:
    return "逾期完成" if rules.is_late(task) else STATES[task.state]


def group_text(
    task: Task, *, assigner: str, owner: str, collaborators: Sequence[str], citation: Citation, zone: ZoneInfo
) -> str:
    """Policy 4.1: in its group stand the people, the deadline and what counts as done."""
    lines = [
        f"【任务 #{task.number}】{task.title}",
        task.description,
        f"责任人：{owner}",
        f"协作人：{'、'.join(collaborators)}" if collaborators else "",
        f"截止：{local(task.due_at, zone)}",
        f"完成标准：{task.acceptance}",
        f"布置人：{assigner}（制度{citation.label}）",
    ]
    return "\n".join(line for line in lines if line)


def for_collaborators(task: Task, *, assigner: str, owner: str, zone: ZoneInfo) -> str:
    lines = [
        f"请您协作{named(task)}，责任人：{owner}，布置人：{assigner}。",
        task.description,
        f"完成标准：{task.acceptance}",
        f"截止：{local(task.due_at, zone)}",
    ]
    return "\n".join(line for line in lines if line)


def accepted(task: Task, *, person: str, again: bool, zone: ZoneInfo) -> str:
    said = "困难已解决，任务继续进行" if again else "已接受任务"
    return f"{named(task)}：{person}{said}，截止 {local(task.due_at, zone)}。"


def blocked(task: Task, *, person: str, note: str, citation: Citation) -> str:
    why = f"遇到困难：{note}" if note else "报告遇到困难，没有写明原因，请与其联系"
    return f"{named(task)}：{person}{why}。请协助解决（制度{citation.label}）。"


def done(task: Task, *, person: str, note: str) -> str:
    said = f"{named(task)}：{person}{'逾期' if rules.is_late(task) else '已'}完成。"
    return "\n".join(line for line in (said, note, f"完成标准：{task.acceptance}，请核对。") if line)


@dataclass(frozen=True)
class HandOver:
    """A task whose owner is gone."""

    task: Task
    former: str
    because: str
    """已离职, 账号已停用."""
    owner: str | None
    """Who has it now. None: whom the text is for."""
    citation: Citation | None
    is_overdue: bool = False

    def deadline(self, zone: ZoneInfo) -> str:
        return f"{local(self.task.due_at, zone)}{'（已逾期）' if self.is_overdue else ''}"

    @property
    def said(self) -> str:
        asked = "由您接手，请在卡片上接受" if self.owner is None else f"由{self.owner}接手"
        return f"{named(self.task)}：{self.former}{self.because}，{asked}"

    @property
    def clause(self) -> str:
        return f"（制度{self.citation.label}）" if self.citation else ""


def handed_over(handed: HandOver, *, zone: ZoneInfo) -> str:
    task = handed.task
    lines = [
        f"{handed.said}。{handed.clause}",
        f"截止：{handed.deadline(zone)}，进度：{task.progress}%",
        f"完成标准：{task.acceptance}" if handed.owner is None else "",
    ]
    return "\n".join(line for line in lines if line)


def handed_over_in_short(handed: HandOver, *, zone: ZoneInfo) -> str:
    return f"{handed.said}；截止 {handed.deadline(zone)}，进度 {handed.task.progress}%{handed.clause}。"


def cancelled(task: Task, *, person: str, note: str) -> str:
    """`person` is empty when a key speaks in nobody's name."""
    return f"{named(task)}已{f'由{person}' if person else ''}取消{f'：{note}' if note else ''}。"


def please_accept(task: Task, *, citation: Citation) -> str:
    return (
        f"{named(task)}还没有接受。请在任务卡片上点“接受”；不能完成的请点“遇到困难”，"
        f"并向布置人说明、提出办法（制度{citation.label}）。"
    )


def reminder(task: Task, *, citation: Citation, zone: ZoneInfo) -> str:
    return (
        f"{named(task)}将于 {local(task.due_at, zone)} 到期，目前{STATES[task.state]}，进度 {task.progress}%。"
        f"请按时完成，遇到困难及时求助（制度{citation.label}）。"
    )


def overdue(task: Task, *, owner: str, citation: Citation, zone: ZoneInfo) -> str:
    return (
        f"{named(task)}已逾期：截止 {local(task.due_at, zone)}，责任人 {owner}，"
        f"目前{STATES[task.state]}，进度 {task.progress}%（制度{citation.label}）。"
    )


def escalated(overdue: str, *, assigner: str) -> str:
    return f"{overdue}\n布置人：{assigner}。请督促或协助解决。"


# ---------------------------------------------------------------- to people who ask the app

OWN_TASKS: Final = "我的任务"
OWN_TASKS_HELP: Final = "等您完成的任务和期限"
NO_TASKS: Final = "您没有未完成的任务。"


def own_tasks(tasks: Sequence[Task], *, has_more: bool, now: datetime, zone: ZoneInfo, link: str | None) -> str:
    """What the person is to do, the nearest deadline first."""
    if not tasks:
        return with_link(NO_TASKS, link)
    said = ["等您完成的任务：", *(f"· #{task.number} {task.title}：{_so_far(task, now, zone)}" for task in tasks)]
    return with_link("\n".join([*said, "还有更多"] if has_more else said), link)


def standing(task: Task, *, owner: str, now: datetime, zone: ZoneInfo, link: str | None) -> str:
    """One task, as it stands."""
    said = [
        f"【任务 #{task.number}】{task.title}",
        f"责任人：{owner}",
        f"现状：{_so_far(task, now, zone)}",
        f"完成标准：{task.acceptance}",
    ]
    return with_link("\n".join(said), link)


def _so_far(task: Task, now: datetime, zone: ZoneInfo) -> str:
    if not rules.is_open(task):
        return _outcome(task)
    late = "（已逾期）" if task.due_at < now else ""
    return f"{STATES[task.state]}，进度 {task.progress}%，截止 {local(task.due_at, zone)}{late}"
