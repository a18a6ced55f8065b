"""Working time (D14): Chinese working days with 调休 swaps, hours, lunch, nights."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.working_time import SHANGHAI, NoWorkingTime, PolicyDuration, WorkingCalendar, WorkingHours

HOURS = WorkingHours(time(9), time(18), (time(12), time(13)))


def year_2026() -> dict[date, bool]:
    days = (date(2026, 1, 1) + timedelta(days=offset) for offset in range(365))
    return {day: chinese_calendar.is_workday(day) for day in days}


CALENDAR = WorkingCalendar(year_2026(), HOURS)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """A local moment, as people write it."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def due(start: str, duration: str, calendar: WorkingCalendar = CALENDAR) -> datetime:
    return calendar.local(calendar.deadline(at(start), PolicyDuration.parse(duration)))


class TestWorkingDays:
    """F87: Chinese working days; worked weekends count, holidays do not."""

    @pytest.mark.parametrize("day", ["2026-02-14", "2026-02-28", "2026-09-20", "2026-10-10"])
    def test_a_weekend_worked_in_exchange_for_a_holiday_is_a_working_day(self, day: str) -> None:
        assert CALENDAR.is_working_day(date.fromisoformat(day))

    @pytest.mark.parametrize("day", ["2026-02-16", "2026-02-23", "2026-10-01", "2026-10-07", "2026-11-21"])
    def test_a_holiday_and_an_ordinary_saturday_are_not(self, day: str) -> None:
        assert not CALENDAR.is_working_day(date.fromisoformat(day))

    def test_a_day_nobody_named_counts_monday_to_friday(self) -> None:
        assert CALENDAR.is_working_day(date(2027, 1, 1))
        assert not CALENDAR.is_working_day(date(2027, 1, 2))


class TestThirtyWorkingMinutes:
    """Policy 3.6, 4.2: 30 minutes, counted in working time."""

    def test_in_the_middle_of_the_morning(self) -> None:
        assert due("2026-03-02 10:00", "30wm") == at("2026-03-02 10:30")

    def test_lunch_does_not_count(self) -> None:
        assert due("2026-03-02 11:45", "30wm") == at("2026-03-02 13:15")

    def test_the_night_does_not_count(self) -> None:
        assert due("2026-03-02 17:50", "30wm") == at("2026-03-03 09:20")

    def test_a_message_at_night_is_counted_from_the_morning(self) -> None:
        assert due("2026-03-02 22:10", "30wm") == at("2026-03-03 09:30")

    def test_the_weekend_does_not_count(self) -> None:
        assert due("2026-03-06 17:45", "30wm") == at("2026-03-09 09:15")

    def test_over_the_national_holiday(self) -> None:
        assert due("2026-09-30 17:45", "30wm") == at("2026-10-08 09:15")

    def test_into_the_saturday_worked_before_the_spring_festival(self) -> None:
        assert due("2026-02-13 17:45", "30wm") == at("2026-02-14 09:15")

    def test_over_the_spring_festival(self) -> None:
        assert due("2026-02-14 17:45", "30wm") == at("2026-02-24 09:15")

    def test_an_amount_that_ends_with_the_day_ends_on_the_day(self) -> None:
        assert due("2026-03-02 17:30", "30wm") == at("2026-03-02 18:00")


class TestWorkingDaysAsADeadline:
    """Policy 3.6: other notices carry the end of the next working day."""

    def test_from_monday_to_the_end_of_tuesday(self) -> None:
        assert due("2026-03-02 09:00", "1wd") == at("2026-03-03 18:00")

    def test_from_friday_evening_to_the_end_of_monday(self) -> None:
        assert due("2026-03-06 20:00", "1wd") == at("2026-03-09 18:00")

    def test_over_the_national_holiday_and_into_the_worked_saturday(self) -> None:
        assert due("2026-09-30 10:00", "3wd") == at("2026-10-10 18:00")

    def test_three_working_days_for_an_appeal_before_the_spring_festival(self) -> None:
        assert due("2026-02-12 10:00", "3wd") == at("2026-02-24 18:00")

    def test_none_is_the_end_of_today(self) -> None:
        assert due("2026-03-02 09:00", "0wd") == at("2026-03-02 18:00")


class TestClockTime:
    def test_a_plain_duration_runs_through_nights_and_holidays(self) -> None:
        assert due("2026-09-30 17:45", "24h") == at("2026-10-01 17:45")

    def test_results_are_in_utc(self) -> None:
        assert CALENDAR.deadline(at("2026-03-02 10:00"), PolicyDuration.parse("30wm")).tzinfo is UTC


class TestBefore:
    """F77: reminders before something is due."""

    def before(self, moment: str, duration: str) -> datetime:
        return CALENDAR.local(CALENDAR.before(at(moment), PolicyDuration.parse(duration)))

    def test_two_working_hours_before_the_end_of_the_morning_break(self) -> None:
        assert self.before("2026-03-02 14:00", "2wh") == at("2026-03-02 11:00")

    def test_working_time_is_counted_back_over_the_holiday(self) -> None:
        assert self.before("2026-10-08 10:00", "2wh") == at("2026-09-30 17:00")

    def test_a_working_day_before_is_the_morning_of_that_day(self) -> None:
        assert self.before("2026-03-09 15:00", "1wd") == at("2026-03-06 09:00")

    def test_a_plain_duration_is_counted_on_the_clock(self) -> None:
        assert self.before("2026-03-02 09:00", "10m") == at("2026-03-02 08:50")


class TestOtherZones:
    def test_the_change_of_the_clocks_is_no_working_time(self) -> None:
        """In Berlin the clocks go forward on Sunday 29 March 2026 at 02:00."""
        berlin = ZoneInfo("Europe/Berlin")
        nights = WorkingCalendar({date(2026, 3, 29): True}, WorkingHours(time(1), time(5)), berlin)
        ends = nights.add_working(at("2026-03-29 01:30", berlin), timedelta(hours=2))
        assert nights.local(ends) == at("2026-03-29 04:30", berlin)

    def test_the_day_is_that_of_the_zone(self) -> None:
        """Sunday 20:00 in UTC is Monday 04:00 in Shanghai."""
        sunday = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
        assert CALENDAR.next_allowed(sunday) == at("2026-03-02 09:00")


class TestNonsense:
    def test_hours_out_of_order_are_refused(self) -> None:
        with pytest.raises(ValueError, match="先后有序"):
            WorkingHours(time(9), time(18), (time(13), time(12)))

    def test_a_calendar_without_working_days_ends_in_an_error_and_not_in_a_loop(self) -> None:
        never = WorkingCalendar({date(2026, 1, 1) + timedelta(days=n): False for n in range(4000)}, HOURS)
        with pytest.raises(NoWorkingTime):
            never.add_working(at("2026-01-02 10:00"), timedelta(hours=1))
        with pytest.raises(NoWorkingTime):
            never.add_working_days(at("2026-01-02 10:00"), 1)

    @pytest.mark.parametrize("text", ["", "30", "wm", "-5m", "1.5h", "30 minutes", "1w", "1dw"])
    def test_a_duration_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="时长写作"):
            PolicyDuration.parse(text)

    @pytest.mark.parametrize("text", ["8s", "30m", "2h", "3d", "30wm", "4wh", "1wd"])
    def test_a_duration_is_written_as_it_was_read(self, text: str) -> None:
        assert str(PolicyDuration.parse(text)) == text

    def test_a_duration_reads_in_chinese(self) -> None:
        assert PolicyDuration.parse("30wm").chinese == "30 个工作分钟"
        assert PolicyDuration.parse("2h").chinese == "2 小时"


moments = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 -- hypothesis takes naive bounds
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
amounts = st.integers(min_value=1, max_value=60 * 60 * 200).map(lambda seconds: timedelta(seconds=seconds))


class TestProperties:
    """What must hold for every moment and amount."""

    @given(moments, amounts)
    def test_a_deadline_lies_in_working_hours(self, start: datetime, amount: timedelta) -> None:
        assert CALENDAR.is_working_time(CALENDAR.add_working(start, amount))

    @given(moments, moments, amounts)
    def test_who_starts_later_is_due_later_or_at_the_same_time(
        self, one: datetime, other: datetime, amount: timedelta
    ) -> None:
        earlier, later = sorted((one, other))
        assert CALENDAR.add_working(earlier, amount) <= CALENDAR.add_working(later, amount)

    @given(moments, amounts, amounts)
    def test_adding_in_two_parts_is_adding_the_whole(self, start: datetime, one: timedelta, other: timedelta) -> None:
        in_parts = CALENDAR.add_working(CALENDAR.add_working(start, one), other)
        assert in_parts == CALENDAR.add_working(start, one + other)

    @given(moments, amounts)
    def test_as_much_working_time_lies_between_as_was_added(self, start: datetime, amount: timedelta) -> None:
        assert CALENDAR.working_time_between(start, CALENDAR.add_working(start, amount)) == amount

    @given(moments, amounts)
    def test_going_back_is_the_way_forward_reversed(self, start: datetime, amount: timedelta) -> None:
        there = CALENDAR.add_working(start, amount)
        assert CALENDAR.working_time_between(CALENDAR.add_working(there, -amount), there) == amount

    @given(moments, st.integers(min_value=1, max_value=30))
    def test_working_days_end_with_a_working_day(self, start: datetime, count: int) -> None:
        ends = CALENDAR.local(CALENDAR.add_working_days(start, count))
        assert CALENDAR.is_working_day(ends.date())
        assert ends.time() == HOURS.end
        assert ends > start
