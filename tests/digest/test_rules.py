"""When a morning's digest goes (policy 3.6): on working days, at its time, and never in the afternoon."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from app.digest import rules
from app.working_time import SHANGHAI, WorkingCalendar
from tests.builders.policy import calendar

AT = time(8, 40)
MONDAY = date(2026, 3, 2)


def moment(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


@pytest.fixture
def working() -> WorkingCalendar:
    return calendar(d2026_03_03=False, d2026_03_07=True)


class TestTheNextMorning:
    def test_is_today_before_its_time_and_tomorrow_from_it_on(self, working: WorkingCalendar) -> None:
        tomorrow = MONDAY + timedelta(days=1)
        assert rules.next_moment(moment(MONDAY, 8, 39), AT, working) == moment(MONDAY, 8, 40)
        assert rules.next_moment(moment(MONDAY, 8, 40), AT, working) == moment(tomorrow, 8, 40)

    def test_comes_without_a_digest_too_because_another_version_may_have_one(self, working: WorkingCalendar) -> None:
        assert rules.next_moment(moment(MONDAY, 12, 0), None, working) == moment(MONDAY + timedelta(days=1), 8, 0)


class TestTheDay:
    @pytest.mark.parametrize(
        ("day", "hour", "minute", "expected"),
        [
            (MONDAY, 8, 39, None),
            (MONDAY, 8, 40, MONDAY),
            (MONDAY, 11, 39, MONDAY),
            (MONDAY, 11, 40, None),
            (date(2026, 3, 3), 8, 40, None),  # a holiday
            (date(2026, 3, 7), 8, 40, date(2026, 3, 7)),  # a worked Saturday (调休)
            (date(2026, 3, 8), 8, 40, None),
        ],
    )
    def test_is_a_working_one_in_the_morning(
        self, working: WorkingCalendar, day: date, hour: int, minute: int, expected: date | None
    ) -> None:
        assert rules.day_of(moment(day, hour, minute), AT, working) == expected

    def test_there_is_none_without_a_time(self, working: WorkingCalendar) -> None:
        assert rules.day_of(moment(MONDAY, 9, 0), None, working) is None
