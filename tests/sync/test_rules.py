"""The organisation's rules as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.sections.org import LossBudget
from app.sync import rules
from app.sync.rules import Observation
from models.org import PersonStatus as S

BUDGET = LossBudget(large_count=50, large_share=0.2, small_share=0.8)


class TestLossBudget:
    """F28: over 50 and over 20 %, or up to 50 and over 80 %: held."""

    @pytest.mark.parametrize(
        ("lost", "total", "held"),
        [
            (0, 0, False),
            (0, 100, False),
            (1, 1, True),
            (8, 10, False),
            (9, 10, True),
            (50, 62, True),
            (50, 63, False),
            (51, 254, True),
            (51, 255, False),
            (200, 1000, False),
            (201, 1000, True),
            (20_000, 100_000, False),
            (20_001, 100_000, True),
            (100_000, 100_000, True),
        ],
    )
    def test_as_the_policy_says(self, lost: int, total: int, held: bool) -> None:
        assert BUDGET.is_exceeded(lost, total) is held

    @given(st.integers(1, 100_000))
    def test_nobody_left_at_all_is_always_held(self, total: int) -> None:
        assert BUDGET.is_exceeded(total, total)

    def test_the_numbers_are_the_policys(self) -> None:
        strict = LossBudget(large_count=1, large_share=0.01, small_share=0.01)
        assert strict.is_exceeded(2, 100)
        assert not BUDGET.is_exceeded(2, 100)


class TestStatus:
    """F29: active, disabled, not activated, left, invisible."""

    @pytest.mark.parametrize(
        ("old", "observed", "after"),
        [
            (S.ACTIVE, Observation(S.DISABLED), S.DISABLED),
            (S.ACTIVE, Observation(S.LEFT), S.LEFT),
            (S.NOT_ACTIVATED, Observation(S.ACTIVE), S.ACTIVE),
            (S.DISABLED, Observation(S.ACTIVE), S.ACTIVE),
            (S.ACTIVE, Observation(None, visible=False), S.INVISIBLE),
            (S.ACTIVE, Observation(S.ACTIVE, visible=False), S.INVISIBLE),
            (S.ACTIVE, Observation(S.DISABLED, visible=False), S.DISABLED),
            (S.DISABLED, Observation(None, visible=False), S.DISABLED),
            (S.INVISIBLE, Observation(None, visible=False), S.INVISIBLE),
            (S.INVISIBLE, Observation(S.ACTIVE), S.ACTIVE),
            (S.MISSING, Observation(S.ACTIVE), S.ACTIVE),
            (S.MISSING, Observation(None), S.ACTIVE),
        ],
    )
    def test_of_somebody_who_was_seen(self, old: S, observed: Observation, after: S) -> None:
        assert rules.status_after(old, observed, details_known=True) is after

    @pytest.mark.parametrize("old", [status for status in S if status not in {S.MISSING, S.LEFT}])
    def test_stays_while_the_details_cannot_be_read(self, old: S) -> None:
        assert rules.status_after(old, Observation(None), details_known=True) is old

    def test_every_case_is_in_the_table_once(self) -> None:
        cases = [case[:4] for case in rules.transitions()]
        assert len(cases) == len(set(cases)) == len(S) * 5 * 2 * 2

    def test_no_reading_of_a_seen_person_makes_them_missing(self) -> None:
        assert all(case[4] is not S.MISSING or case[0] is S.MISSING for case in rules.transitions())

    @pytest.mark.parametrize(
        ("old", "new", "word"),
        [
            (S.MISSING, S.ACTIVE, "returned"),
            (S.DISABLED, S.ACTIVE, "enabled"),
            (S.INVISIBLE, S.ACTIVE, "visible"),
            (S.NOT_ACTIVATED, S.ACTIVE, "activated"),
            (S.ACTIVE, S.DISABLED, "disabled"),
            (S.MISSING, S.LEFT, "left"),
            (S.ACTIVE, S.ACTIVE, "updated"),
        ],
    )
    def test_a_change_has_a_word(self, old: S, new: S, word: str) -> None:
        assert rules.change_word(old, new) == word
