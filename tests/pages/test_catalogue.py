"""Everything that a page says, it says in both languages."""

from __future__ import annotations

import re

from app.pages.drawing.words import BADGES, LABELS
from tests.pages.catalogue import said, translated

BLANK = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


def test_every_text_has_its_english() -> None:
    """`python -m tests.pages.catalogue` adds what is missing, and leaves the translation to you."""
    english = {message.id: message.string for message in translated() if message.id}
    assert {text: where for text, where in said().items() if not english.get(text)} == {}


def test_no_english_is_left_over() -> None:
    assert [message.id for message in translated() if message.id and message.id not in said()] == []


def test_both_have_the_same_blanks() -> None:
    differing = [
        message.id
        for message in translated()
        if message.id and sorted(BLANK.findall(str(message.id))) != sorted(BLANK.findall(str(message.string)))
    ]
    assert differing == []


def test_english_is_english() -> None:
    chinese = re.compile(r"[一-鿿]")
    assert [message.id for message in translated() if chinese.search(str(message.string))] == []


def test_every_state_of_the_enums_of_labels_has_one() -> None:
    """A label is asked for every value. A badge may be left out: that state needs none."""
    assert {enum.__name__: set(enum) - set(labels) for enum, labels in LABELS.items() if set(enum) - set(labels)} == {}
    assert all(set(badges) <= set(enum) for enum, badges in BADGES.items())
