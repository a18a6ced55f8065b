"""The texts of the pages in two languages. Chinese stands in the templates; `locale/en.po` has the English."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CHINESE: Final = "zh"
ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {CHINESE: "中文", ENGLISH: "English"}

FILE: Final = Path(__file__).parents[1] / "locale" / "en.po"


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Chinese as it stands, English out of the catalogue."""
    if language != ENGLISH:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with FILE.open("rb") as source:
        write_mo(compiled, read_po(source, locale=ENGLISH))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translated(text: str, language: str) -> str:
    """What Python code says on a page. Mark it with `phrase` where it is written, so that it is extracted."""
    return translations(language).gettext(text)


def phrase(text: str) -> str:
    """Marks a text of Python code for the catalogue; it is translated when it is drawn."""
    return text
