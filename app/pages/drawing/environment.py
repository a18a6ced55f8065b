"""Where templates are found, and what every one of them may use."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.pages.drawing.assets import address_of
from app.pages.drawing.catalogue import ENGLISH, translations
from app.pages.drawing.messages import browser_in_english, in_english, row_in_english
from app.pages.drawing.words import TASK_STEPS, badge_of, label_of
from app.permissions import TITLES, Permission

_APP: Final = Path(__file__).parents[2]


def template_folders() -> list[Path]:
    """The folder `templates` of each package that has one."""
    return sorted(_APP.glob("*/templates"))


@cache
def environment(language: str) -> Environment:
    """Escapes everything; a name that is not there is an error and no empty text."""
    made = Environment(
        loader=FileSystemLoader(template_folders()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.add_extension("jinja2.ext.loopcontrols")
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]  # of i18n
    made.globals["asset"] = address_of
    made.globals["language"] = language
    made.filters["words"] = partial(_words, language)
    made.filters["badge"] = partial(_badge, language)
    made.filters["label"] = partial(_label, language)
    made.filters["task_step"] = partial(_task_step, language)
    made.filters["permission"] = partial(_permission, language)
    made.filters["stored"] = in_english if language == ENGLISH else str
    made.filters["row"] = row_in_english if language == ENGLISH else _as_it_is
    made.filters["browser"] = browser_in_english if language == ENGLISH else str
    made.filters["thousands"] = _thousands
    made.filters["joined"] = partial(_joined, language)
    return made


def _words(language: str, value: Any) -> str:
    """What has both languages in it: `Words`, a page of a manifest, a refusal."""
    if language == "en":
        return str(value.english)
    return str(getattr(value, "chinese", None) or getattr(value, "title", None) or value)


def _badge(language: str, state: StrEnum) -> Markup:
    """A state in its words and its colour; nothing for one that needs none."""
    known = badge_of(state)
    if known is None:
        return Markup("")
    words, level = known
    return Markup('<span class="badge {}">{}</span>').format(level, _words(language, words))


def _label(language: str, kind: StrEnum) -> str:
    return _words(language, label_of(kind))


def _task_step(language: str, kind: str) -> str:
    return _words(language, TASK_STEPS[kind]) if kind in TASK_STEPS else kind


def _permission(language: str, permission: Permission) -> str:
    return _words(language, TITLES[permission])


def _as_it_is(value: str, _label: str) -> str:
    return value


def _thousands(number: int) -> str:
    return f"{number:,}"


def _joined(language: str, parts: Iterable[object]) -> str:
    return (", " if language == "en" else "、").join(str(part) for part in parts)
