"""What the app says to people who write to it. Chinese first; the words that it understands are told in English too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.quotes import quoted
from app.today.service import Waiting
from app.wecom.message_bodies.markup import with_link

TODO: Final = "待办"
HELP: Final = "帮助"
TODO_HELP: Final = "等您处理的事"

NOT_READ: Final = f"请用文字。语音、图片、视频、位置和链接在这里看不了；发{quoted(HELP)}可以看能问什么。"
NOT_UNDERSTOOD: Final = "这里只看得懂下面几种问法，您写的内容没有转给任何人。"
ENOUGH: Final = "您问得太频繁，暂停回答；10 分钟后可以再问。"
NOTHING_WAITS: Final = "现在没有等您处理的事。"

ASKED: Final = {
    "request.decide": "审批",
    "request.answer": "答复",
    "request.object": "可提异议",
    "announcement.confirm": "确认",
    "confirmation.confirm": "双人确认",
    "task.accept": "接受",
    "task.do": "完成",
}
_ASKED_OTHERWISE: Final = "处理"


def local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M")


def help_text(topics: Iterable[tuple[Sequence[str], str]], *, link: str | None) -> str:
    """`topics`: the words of each, and what it tells."""
    known = list(topics)
    lines = [f"{words[0]}：{what}" for words, what in known if what]
    in_english = [word for words, _ in known for word in words if word.isascii()]
    said = ["发一个词给我，我来查：", *lines, "申请或任务的编号（如 #12）、群的名称：它现在的情况"]
    return with_link("\n".join([*said, f"In English: {', '.join(in_english)}"]), link)


def not_understood(help_text: str) -> str:
    return f"{NOT_UNDERSTOOD}\n{help_text}"


def nothing_numbered(number: int) -> str:
    return f"没有您能看到的编号为 {number} 的申请或任务。"


def nothing_waits(link: str | None) -> str:
    return with_link(NOTHING_WAITS, link)


def todo(waiting: Sequence[Waiting], *, total: int, zone: ZoneInfo, link: str | None) -> str:
    """What waits for them, the nearest deadline first."""
    lines = [f"等您处理的有 {total} 件：", *(_waiting(one, zone) for one in waiting)]
    if total > len(waiting):
        lines.append(f"另有 {total - len(waiting)} 件")
    return with_link("\n".join(lines), link)


def _waiting(one: Waiting, zone: ZoneInfo) -> str:
    number = f"#{one.number} " if one.number is not None else ""
    asker = f"（{one.asker}）" if one.asker else ""
    due = f"，截止 {local(one.due_at, zone)}{'（已逾期）' if one.is_late else ''}" if one.due_at else ""
    return f"· {ASKED.get(one.kind, _ASKED_OTHERWISE)}：{number}{one.title}{asker}{due}"
