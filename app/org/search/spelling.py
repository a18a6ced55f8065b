"""How a name may be typed: its own signs, its pinyin, the initials of that, from any sign on. Pure.

Surnames have readings of their own (单 shàn, 曾 zēng), which the dictionary does not know: it reads 单 as dān. Both are
found, because who types a name may not know it either.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

MOST_PLACES: Final = 12
"""From so many places on a long name is found."""

SURNAMES: Final = {
    "万俟": "mo qi",
    "尉迟": "yu chi",
    "长孙": "zhang sun",
    "单于": "chan yu",
    "澹台": "tan tai",
    "乐": "yue",
    "仇": "qiu",
    "区": "ou",
    "单": "shan",
    "卜": "bu",
    "召": "shao",
    "句": "gou",
    "员": "yun",
    "折": "she",
    "曾": "zeng",
    "朴": "piao",
    "查": "zha",
    "洗": "xian",
    "盖": "ge",
    "种": "chong",
    "秘": "bi",
    "繁": "po",
    "缪": "miao",
    "翟": "zhai",
    "藏": "zang",
    "覃": "qin",
    "解": "xie",
    "重": "chong",
    "都": "du",
    "长": "chang",
    "隗": "wei",
    "黑": "he",
    "郇": "xun",
    "乜": "nie",
    "阚": "kan",
    "祭": "zhai",
    "佴": "nai",
    "薄": "bo",
    "乘": "sheng",
    "颉": "xie",
    "不": "fou",
    "炅": "gui",
}
"""How they are read as a surname, where the dictionary reads them otherwise; and those of two signs that begin with
such a sign."""


@dataclass(frozen=True)
class Spelling:
    """One way in which a name may be typed, from one of its places on."""

    place: int
    """0: from the beginning."""
    name: str
    pinyin: str
    initials: str


def folded(text: str) -> str:
    """For comparison: without width, case, blanks and the marks between syllables (Xi'an, 阿里·木)."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in wide if char.isalnum())


def spellings(names: Iterable[str], *, of_people: bool) -> list[Spelling]:
    """Every way in which one of these names may be typed, each once."""
    found = [
        Spelling(place, "".join(signs), "".join(sounds), "".join(sound[0] for sound in sounds))
        for name in names
        for reading in _readings(name, of_people=of_people)
        for place, signs, sounds in _from_each_place(reading)
    ]
    return list(dict.fromkeys(found))


UNREAD: Final = "~"
"""Stands for the sounds of a name that has none, and of one that nobody has spelled yet: behind every letter."""
_LONGEST_KEY: Final = 200
"""What an index takes, however long a name is."""


def sorting_key(name: str, *, of_people: bool) -> str:
    """By what names are sorted: sign by sign by their sounds, so that 詹一 comes before 张三; those that sound alike by
    their own signs. Both parts end with what is smaller than any sound.
    """
    sounds = " ".join(sound for _, sound in _readings(name, of_people=of_people)[0])
    return f"{sounds[:_LONGEST_KEY] or UNREAD}\n{name}"


Reading = list[tuple[str, str]]
"""Each sign or word with its sound."""


def _from_each_place(reading: Reading) -> Iterator[tuple[int, list[str], list[str]]]:
    for place in range(min(len(reading), MOST_PLACES)):
        yield place, [sign for sign, _ in reading[place:]], [sound for _, sound in reading[place:]]


def _readings(name: str, *, of_people: bool) -> list[Reading]:
    """As the dictionary reads it; and as a surname is read, first."""
    plain = _plain_reading(name)
    as_surname = _with_surname(plain) if of_people else plain
    return [plain] if as_surname == plain else [as_surname, plain]


def _with_surname(reading: Reading) -> Reading:
    signs = [sign for sign, _ in reading]
    for length in (2, 1):
        sounds = SURNAMES.get("".join(signs[:length]), "").split()
        if len(sounds) == length <= len(signs):
            return [*zip(signs[:length], sounds, strict=True), *reading[length:]]
    return reading


def _plain_reading(name: str) -> Reading:
    reading: Reading = []
    for word in unicodedata.normalize("NFKC", name).casefold().split():
        for is_han, run in groupby((char for char in word if char.isalnum()), key=_is_han):
            text = "".join(run)
            reading += zip(text, _sounds(text), strict=True) if is_han else [(text, text)]
    return reading


def _is_han(char: str) -> bool:
    return (
        unicodedata.name(char, "").startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH")) or char == "〇"
    )


def _sounds(signs: str) -> list[str]:
    """A sound for each sign, by the words that they form. A sign that nobody reads sounds as itself."""
    # Its dictionaries take 55 MB: only a worker that spells names loads them.
    from pypinyin import lazy_pinyin  # noqa: PLC0415

    sounds: list[str] = lazy_pinyin(signs)
    # Of several that nobody reads, one after another, the dictionary makes one.
    return sounds if len(sounds) == len(signs) else [lazy_pinyin(sign)[0] for sign in signs]
