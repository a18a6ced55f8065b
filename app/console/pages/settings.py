"""设置: what this process runs with. Of a secret it says only whether there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from starlette.responses import Response

from app import addresses
from app.console.setting_words import ENGLISH
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.settings import Settings, is_secret, setting_names

router = page_router(addresses.CONSOLE_SETTINGS)

SettingsVisit = Annotated[Visit, visits(addresses.CONSOLE_SETTINGS)]

HIDDEN: Final = "…"
_ENGLISH_BEHIND: Final = re.compile(r" \([^()一-鿿]* [^()一-鿿]*\)$")


@dataclass(frozen=True)
class Shown:
    """One setting."""

    name: str
    """As the environment calls it."""
    value: str
    """Empty for a secret, and for what is not set."""
    is_set: bool
    is_secret: bool
    chinese: str
    """What it is for."""
    english: str


@router.get("")
async def listed(visit: SettingsVisit) -> Response:
    return visit.draw("console/settings.html", settings=list(shown(visit.settings)))


def shown(settings: Settings) -> Iterator[Shown]:
    """Every setting, in the order of the documentation."""
    for name, (path, field) in setting_names():
        value: Any = settings
        for step in path:
            value = getattr(value, step)
        hidden = is_secret(field)
        text = "" if hidden or value is None else _without_login(str(value))
        told = str(field.description or "")
        yield Shown(name, text, value is not None and value != "", hidden, _in_chinese(told), ENGLISH[name])


def _in_chinese(told: str) -> str:
    """Without the English behind it, which stands on the page in English."""
    return _ENGLISH_BEHIND.sub("", told)


def _without_login(text: str) -> str:
    """An address of a proxy may hold a name and a password."""
    if "://" not in text or "@" not in text:
        return text
    parts = urlsplit(text)
    return parts._replace(netloc=f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}").geturl()
