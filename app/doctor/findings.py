"""What a check found, in words for the person who set the service up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.settings import setting_names


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` what is so; `do` what to do about it, and `page` the page of the console to open; both may be empty."""

    state: State
    says: str
    do: str = ""
    page: str = ""


def ok(says: str) -> Finding:
    return Finding(State.OK, says)


def warning(says: str, do: str = "", page: str = "") -> Finding:
    return Finding(State.WARNING, says, do, page)


def failed(says: str, do: str = "", page: str = "") -> Finding:
    return Finding(State.FAILED, says, do, page)


def skipped(says: str) -> Finding:
    return Finding(State.SKIPPED, says)


def page_of(name: str) -> str:
    """The page of the console where the value of this setting stands, as the settings say it."""
    return str(dict(setting_names())[f"STEWARD_{name}"][1].description)


CONSOLE = "企业微信管理后台"
APP_PAGE = f"{CONSOLE} → 应用管理 → 自建应用"
SYNC_PAGE = f"{CONSOLE} → 安全与管理 → 管理工具 → 通讯录同步"
