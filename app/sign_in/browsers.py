"""What a browser calls itself, in words by which people recognise it. Nobody is permitted anything by it."""

from __future__ import annotations

import re
from typing import Final

from app.access.service import Way

_PROGRAMS: Final = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS: Final = (
    (r"iPhone|iPad", "iPhone"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X", "macOS"),
    (r"Linux", "Linux"),
)


def is_client(user_agent: str) -> bool:
    """Whether it is the webview of a WeCom client (callbacks §6.1): OAuth is silent there."""
    return "wxwork" in user_agent.lower()


def way_of(user_agent: str) -> Way:
    return Way.CLIENT if is_client(user_agent) else Way.DESKTOP


def name_of(user_agent: str) -> str:
    """企业微信（Android）, Chrome（Windows）; empty for one that says nothing known."""
    program = "企业微信" if is_client(user_agent) else _first(_PROGRAMS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    return f"{program}（{system}）" if program and system else program or system


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for pattern, name in known if re.search(pattern, user_agent)), "")
