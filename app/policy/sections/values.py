"""What every section is made of: frozen parts, durations, patterns, texts with blanks."""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from app.working_time import PolicyDuration

PLATFORM_GROUP_SIZE = 2000  # the platform's cap on a group, the app included

PLATFORM_NAME_LENGTH = 50  # longer group names are cut silently

PLATFORM_DUPLICATE_WINDOW = 14_400  # seconds; the longest duplicate check of message/send


class Section(BaseModel):
    """Every part of the document: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _to_duration(value: object) -> PolicyDuration:
    return value if isinstance(value, PolicyDuration) else PolicyDuration.parse(str(value))


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"不是有效的正则表达式（{error}）") from error
    return pattern


def only_blanks(*names: str) -> AfterValidator:
    """A text with blanks in braces: only these names may stand in them."""

    def check(text: str) -> str:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        if unknown := sorted(used - set(names)):
            allowed = "、".join(f"{{{name}}}" for name in names)
            raise ValueError(f"文字里只能用 {allowed}，不认识 {'、'.join(unknown)}")
        return text

    return AfterValidator(check)


Duration = Annotated[PolicyDuration, BeforeValidator(_to_duration), PlainSerializer(str, return_type=str)]
"""`30m`, `2h`, `3d`, `8s` on the clock; `30wm`, `4wh` in working time; `1wd` = to the end of the next working day."""

Text = Annotated[str, Field(min_length=1)]

Pattern = Annotated[Text, AfterValidator(_compiles)]
