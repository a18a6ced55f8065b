"""What a text asks for, and how often somebody is answered. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, TypeVar

LONGEST: Final = 60
"""Characters of a text that may name something. What is longer is told what can be asked."""

STALE: Final = timedelta(minutes=30)
"""An answer that comes so long after the question, as after an outage, wakes nobody at night."""

SHORT: Final = timedelta(minutes=10)
MOST_IN_SHORT: Final = 10
MOST_IN_A_DAY: Final = 100
"""A person asks a few times a day. A program that answers our answers would go on without end."""

_NUMBERED: Final = re.compile(r"(?P<noun>[^\W\d]*)\s*(?:#|no\.?|\u53f7)?\s*(?P<number>[0-9]{1,9})\s*\u53f7?")
_AROUND: Final = " \t\r\n。．.，,、；;：:！!？?…~～“”‘’\"'（）()【】[]《》<>"

T = TypeVar("T")


class Ration(StrEnum):
    ANSWER = "answer"
    SAY_ENOUGH = "say_enough"  # once, so that a person knows why nothing follows
    SILENCE = "silence"


@dataclass(frozen=True)
class Numbered:
    number: int
    noun: str = ""
    """What kind of thing the number is said to be of. Empty for a number alone."""


def as_written(text: str) -> str:
    """Without blanks and marks around it, full-width letters and digits made narrow."""
    return unicodedata.normalize("NFKC", text).replace("\x00", "").strip(_AROUND)


def word_of(text: str) -> str:
    """To be compared with the words of topics: blanks inside count as one, capitals as small letters."""
    return " ".join(text.casefold().split())


def find_word(text: str, topics: Mapping[str, T]) -> T | None:
    """`topics`: by each of their words. Chinese is written with blanks or without."""
    word = word_of(text)
    return topics.get(word) or topics.get(word.replace(" ", ""))


def numbered(text: str) -> Numbered | None:
    match = _NUMBERED.fullmatch(word_of(text))
    return Numbered(int(match["number"]), match["noun"]) if match else None


def ration(*, in_short: int, in_a_day: int) -> Ration:
    """`in_short`, `in_a_day`: how many answers this person has had in the last ten minutes, and in the last day."""
    over = max(in_short - MOST_IN_SHORT, in_a_day - MOST_IN_A_DAY)
    if over < 0:
        return Ration.ANSWER
    return Ration.SAY_ENOUGH if over == 0 else Ration.SILENCE
