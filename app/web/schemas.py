"""Types and schemas that several domains have on the wire, each with one home."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError


def wrong(chinese: str, english: str) -> PydanticCustomError:
    """What a validator of ours raises, in the words of whoever reads it (`app.web.problems.faults_of`)."""
    return PydanticCustomError("wrong", "{english}", {"english": english, "chinese": chinese})


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise wrong("时间超出范围", "The moment is out of range") from error


def _no_number(value: Any) -> Any:
    """A moment is a text on the wire; pydantic would take a number of seconds too."""
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[-+.\d\s]*", value)):
        raise PydanticCustomError("datetime_type", "Input should be a valid datetime")
    return value


def _written_as_day(value: Any) -> Any:
    """Refuse a number of seconds, a moment, and a text of another form before pydantic reads a day into it."""
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise PydanticCustomError("date_parsing", "Input should be a valid date in the format YYYY-MM-DD")
    return value


def _written_as_integer(value: Any) -> Any:
    """Refuse `1_0`, `1.0` and ` 5` before pydantic reads a number into them."""
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise PydanticCustomError("int_parsing", "Input should be a valid integer in digits alone")
    return value


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9]\d*", re.ASCII)

T = TypeVar("T")

AsText = Annotated[T, Field(strict=False)]
"""An id, a day or a word of a list in a body: on the wire it is a text of that form."""
Moment = Annotated[AsText[AwareDatetime], BeforeValidator(_no_number), AfterValidator(_in_utc)]
"""A moment with its time zone, in UTC from here on."""
Day = Annotated[AsText[date], BeforeValidator(_written_as_day)]
"""A day of the calendar, as 2026-03-02 and in no other form."""


def _true_or_false(value: Any) -> Any:
    """Refuse a text that is neither before pydantic guesses what was meant."""
    if isinstance(value, str) and value not in {"true", "false"}:
        raise PydanticCustomError("bool_parsing", "Input should be true or false")
    return value


QueryBool = Annotated[bool, BeforeValidator(_true_or_false)]
"""A query parameter that is `true` or `false`, and neither `yes` nor `1`."""
IN_DIGITS = BeforeValidator(_written_as_integer)
"""Stands behind the bounds of a number in a query or a path: before them, the interface would not describe them."""
QueryInt = Annotated[int, IN_DIGITS]
"""A whole number in a query or a path, in digits alone."""

Userid = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class Acts:
    """Marks the userid of who acts: a key needs `act_as` for them (`app.access.service.person_acting`)."""


ActingUserid = Annotated[Userid, Acts()]
"""The userid of who applies, decides, publishes, assigns, says so."""
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
"""A short remark beside a decision; may be empty."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
"""What somebody writes about their work; may be empty."""


def _in_one_line(text: str) -> str:
    """What stands on a card or in a list among other lines must not look like one of them."""
    line = " ".join(text.split())
    if not line.isprintable():
        raise wrong("含有看不见的控制字符，请删去", "Input should be text without control characters")
    return line


Detail = Annotated[str, StringConstraints(max_length=64), AfterValidator(_in_one_line)]
"""A short detail in one line: a title, a telephone number; may be empty."""


class Input(BaseModel):
    """A body that callers send, of the JSON types that the description names: `"5"` and `1.0` are no integer, `1` is no
    boolean. Unknown members are refused, texts lose the spaces around them.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, strict=True)


class Cited(Protocol):
    """A clause as a version of the policy words it: `app.policy.service.Citation`."""

    @property
    def rule_key(self) -> str: ...
    @property
    def clause(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def policy_version(self) -> int: ...


class ClauseOut(BaseModel):
    """The clause that something rests on, as the company's document numbers and words it."""

    rule_key: str
    clause: str
    text: str
    policy_version: int

    @classmethod
    def of(cls, cited: Cited) -> ClauseOut:
        return cls.model_validate(cited, from_attributes=True)


class Explanation(BaseModel):
    """A kind of problem."""

    type: str = Field(examples=["/problems/already-decided"])
    title: str = Field(examples=["已有人处理"])
    status: int = Field(description="The status that comes with it.")
    meaning: str = Field(description="What this kind of problem is, in English.", examples=["Already decided"])
