"""How an object stands, as its page shows it: an act from an older page is refused with what has changed."""

from __future__ import annotations

from enum import StrEnum

from app.groups.service import AdministeredGroup
from app.pages.drawing.catalogue import phrase
from app.pages.drawing.words import words_of
from app.pages.forms import Outcome
from app.pages.visit import Visit
from app.tasks.service import CancellationAhead, FollowedTask
from models.access import ApiKey


def of_task(visit: Visit, followed: FollowedTask, ahead: CancellationAhead | None = None) -> Outcome:
    """`ahead`, where it is about to be taken back: who would hear of it."""
    line = followed.line
    said = {
        visit.say(phrase("状态")): _said(visit, line.state),
        visit.say(phrase("进展")): f"{line.progress}%",
        visit.say(phrase("责任人")): line.owner.name if line.owner else "",
        visit.say(phrase("期限")): visit.reader.exact(line.due_at),
    }
    return said | ({visit.say(phrase("收到消息的人")): "、".join(one.name for one in ahead.told)} if ahead else {})


def of_group(visit: Visit, shown: AdministeredGroup) -> Outcome:
    line = shown.line
    return {
        visit.say(phrase("状态")): _said(visit, line.state),
        visit.say(phrase("群主")): line.owner.name if line.owner else "",
        visit.say(phrase("副群主")): line.deputy.name if line.deputy else "",
        visit.say(phrase("登记的成员")): visit.say(phrase("{people} 人"), people=line.counts.wanted),
    }


def of_key(visit: Visit, row: ApiKey, may: str) -> Outcome:
    """`may`: what it may in words; empty when it is over."""
    return {
        visit.say(phrase("密钥")): row.name,
        visit.say(phrase("状态")): visit.say(phrase("可用") if may else phrase("已停用或已过期")),
        visit.say(phrase("可以做什么")): may,
    }


def _said(visit: Visit, state: StrEnum) -> str:
    words = words_of(state)
    if words is None:
        return ""
    return words.english if visit.reader.reads_english else words.chinese
