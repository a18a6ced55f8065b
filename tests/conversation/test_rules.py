"""What a text asks for, and how often somebody is answered."""

from __future__ import annotations

import pytest

from app.conversation import rules
from app.conversation.rules import Numbered, Ration


class TestANumber:
    @pytest.mark.parametrize(
        ("text", "number", "noun"),
        [
            ("12", 12, ""),
            ("#12", 12, ""),
            ("＃１２", 12, ""),
            ("12号", 12, ""),
            ("No. 12", 12, ""),
            ("申请 #12", 12, "申请"),
            ("申请12。", 12, "申请"),
            ("Request 12", 12, "request"),
            ("项目组 12", 12, "项目组"),
        ],
    )
    def test_is_read_with_what_stands_before_it(self, text: str, number: int, noun: str) -> None:
        assert rules.numbered(rules.as_written(text)) == Numbered(number, noun)

    @pytest.mark.parametrize("text", ["", "#", "待办", "12 和 13", "1234567890", "3-5", "12a"])
    def test_is_nothing_else(self, text: str) -> None:
        assert rules.numbered(rules.as_written(text)) is None


class TestAWord:
    @pytest.mark.parametrize("text", ["我的申请", " 我的 申请！", "“我的申请”", "我的申请?"])
    def test_is_found_however_it_is_typed(self, text: str) -> None:
        assert rules.find_word(rules.as_written(text), {"我的申请": 1}) == 1

    def test_capitals_are_small_letters(self) -> None:
        assert rules.find_word(rules.as_written("My  Tasks"), {"my tasks": 1}) == 1

    def test_a_sentence_is_no_word(self) -> None:
        assert rules.find_word(rules.as_written("我的申请怎么还没批"), {"我的申请": 1}) is None


class TestTheRation:
    """P7, and no program that answers our answers keeps us talking."""

    @pytest.mark.parametrize(
        ("in_short", "in_a_day", "allowed"),
        [
            (0, 0, Ration.ANSWER),
            (9, 99, Ration.ANSWER),
            (10, 10, Ration.SAY_ENOUGH),
            (11, 11, Ration.SILENCE),
            (0, 100, Ration.SAY_ENOUGH),
            (0, 101, Ration.SILENCE),
            (10, 101, Ration.SILENCE),
        ],
    )
    def test_ends_with_one_sentence(self, in_short: int, in_a_day: int, allowed: Ration) -> None:
        assert rules.ration(in_short=in_short, in_a_day=in_a_day) is allowed
