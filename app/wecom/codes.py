"""The platform's error codes as data: `codes.yaml` read into one table (F95)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from app.limits.usage.windows import Span, block_end


class Action(StrEnum):
    """What a caller does about a refusal."""

    TRY = "try"
    WAIT = "wait"
    TOKEN = "token"  # noqa: S105 -- the name of an action
    APP = "app"
    NEVER = "never"


class Window(StrEnum):
    """Which limit was hit; how long its block lasts is `blocked_until` (doc path/90312)."""

    BUSY = "busy"
    MINUTE = "minute"
    MAINTENANCE = "maintenance"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


_BLOCK = {
    # Concurrency has no window: the block falls with the parallel calls. 10 s is ours.
    Window.BUSY: timedelta(seconds=10),
    Window.MAINTENANCE: timedelta(minutes=10),
}


def blocked_until(window: Window, now: datetime) -> datetime:
    """When a block that began now is over: a day ends at midnight, every other window after its own length."""
    pause = _BLOCK.get(window)
    return block_end(Span(window), now) if pause is None else now + pause


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code. `cure_*` may hold `{ip}`: the address the platform saw us come from."""

    code: int
    action: Action
    meaning_zh: str
    meaning_en: str
    cure_zh: str
    cure_en: str
    window: Window | None = None
    is_stale: bool = False
    """Our picture of the object is out of date: fetch it again before deciding."""


def unknown_code(code: int) -> CodeEntry:
    """A code that the table does not have is an alarm: nobody can say whether the call had its effect."""
    return CodeEntry(
        code,
        Action.NEVER,
        meaning_zh="企业微信返回了本服务不认识的错误码",
        meaning_en="The platform answered with a code that this service does not know",
        cure_zh=f"到 https://open.work.weixin.qq.com/devtool/query?e={code} 查看说明，并告知维护者补充。",
        cure_en=f"See https://open.work.weixin.qq.com/devtool/query?e={code} and tell the maintainers.",
    )


def load_codes(path: Path) -> dict[int, CodeEntry]:
    document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    cures = document["cures"]
    return {code: _entry(code, row, cures) for code, row in document["codes"].items()}


def _entry(code: int, row: list[str], cures: dict[str, dict[str, Any]]) -> CodeEntry:
    word, meaning_zh, meaning_en, cure = row
    action, _, window = word.partition("-")
    is_stale = action == "reread"
    return CodeEntry(
        code,
        Action.NEVER if is_stale else Action(action),
        meaning_zh=meaning_zh,
        meaning_en=meaning_en,
        cure_zh=cures[cure]["zh"],
        cure_en=cures[cure]["en"],
        window=Window(window) if window else None,
        is_stale=is_stale,
    )


CODE_SPENT = 42022
"""The response code of a card was used before."""
CODE_EXPIRED = 60140
"""The response code of a card is too old."""
NO_MENU = 46003
"""The app has no menu."""
CHAT_EXISTS = 86215
"""Creating a group with a chatid that exists. Our chatids are UUIDs, so we created that group ourselves."""

CODES: dict[int, CodeEntry] = load_codes(Path(__file__).with_name("codes.yaml"))
TOKEN_CODES = frozenset(code for code, entry in CODES.items() if entry.action is Action.TOKEN)
