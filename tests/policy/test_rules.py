"""When messages may go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import basis_of, moment_of
from app.ledger.claiming.sending_hours import MARKS, next_allowed_moment
from app.policy.document import default_document, demo_document
from app.policy.schema import PolicyDuration
from app.policy.sections.delivery import DeliveryRule
from app.working_time import SHANGHAI, WorkingCalendar

DELIVERY = default_document().delivery
CALENDAR = WorkingCalendar(
    {date(2026, 10, day): False for day in (1, 2, 5, 6, 7)}, default_document().working_time.as_hours()
)
WITHOUT_JITTER = DELIVERY.model_copy(update={"jitter_seconds": 0, "avoid_marks": False})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 -- jitter, not a secret


def released(moment: str, message_class: str, delivery: DeliveryRule = WITHOUT_JITTER) -> datetime:
    return next_allowed_moment(
        at(moment), message_class=message_class, delivery=delivery, calendar=CALENDAR, rng=dice(1)
    )


class TestHours:
    """Policy 3.4: working hours only, unless urgent; never in the rest period (23:30–07:30)."""

    @pytest.mark.parametrize("message_class", ["work", "instruction", "sharing", "problem", "urgent", "leisure"])
    def test_in_working_hours_everything_goes_at_once(self, message_class: str) -> None:
        assert released("2026-03-02 10:00", message_class) == at("2026-03-02 10:00")

    def test_work_in_the_evening_waits_for_the_next_morning(self) -> None:
        assert released("2026-03-02 19:00", "work") == at("2026-03-03 09:00")

    def test_work_at_lunch_waits_for_the_afternoon(self) -> None:
        assert released("2026-03-02 12:10", "work") == at("2026-03-02 13:00")

    def test_work_on_a_holiday_waits_for_the_next_working_day(self) -> None:
        assert released("2026-10-01 10:00", "work") == at("2026-10-08 09:00")

    def test_urgent_goes_in_the_evening(self) -> None:
        assert released("2026-03-02 21:00", "urgent") == at("2026-03-02 21:00")

    def test_urgent_waits_for_the_end_of_the_rest_period(self) -> None:
        assert released("2026-03-02 23:30", "urgent") == at("2026-03-03 07:30")
        assert released("2026-03-03 03:00", "urgent") == at("2026-03-03 07:30")

    def test_the_answer_to_a_persons_own_act_goes_at_any_hour(self) -> None:
        assert released("2026-03-03 03:00", "answer") == at("2026-03-03 03:00")

    def test_a_class_the_policy_does_not_know_is_held_like_work(self) -> None:
        assert released("2026-03-02 19:00", "unheard-of") == at("2026-03-03 09:00")

    def test_under_the_demo_policy_everything_goes_at_once(self) -> None:
        assert released("2026-10-01 03:00", "work", demo_document().delivery) == at("2026-10-01 03:00")


any_moment = st.datetimes(
    min_value=datetime(2026, 9, 1),  # noqa: DTZ001 -- hypothesis takes naive bounds
    max_value=datetime(2026, 11, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


class TestRelease:
    """F62: held messages are released with jitter, never at :00 or :30."""

    @given(any_moment, st.sampled_from(["work", "urgent", "leisure"]), st.integers())
    def test_a_held_message_is_never_released_on_a_mark_nor_outside_of_its_hours(
        self, now: datetime, message_class: str, seed: int
    ) -> None:
        def go(moment: datetime) -> datetime:
            return next_allowed_moment(
                moment, message_class=message_class, delivery=DELIVERY, calendar=CALENDAR, rng=dice(seed)
            )

        release = go(now)
        assert release >= now
        assert go(release) == release
        if release != now:
            assert CALENDAR.local(release).minute not in MARKS

    def test_not_all_are_released_in_the_same_second(self) -> None:
        seconds = {
            next_allowed_moment(
                at("2026-03-02 23:45"), message_class="work", delivery=DELIVERY, calendar=CALENDAR, rng=dice(seed)
            )
            for seed in range(50)
        }
        assert len(seconds) > 40
        assert max(seconds) <= at("2026-03-03 09:11")


class TestBasis:
    """D14: a deadline in working time remembers how it was computed."""

    @pytest.fixture
    def moment(self) -> Callable[[str | None, str | None], tuple[datetime, datetime | None]]:
        def compute(duration: str | None, before: str | None) -> tuple[datetime, datetime | None]:
            start = at("2026-09-30 17:00")
            length = PolicyDuration.parse(duration) if duration else None
            lead = PolicyDuration.parse(before) if before else None
            due = CALENDAR.deadline(start, length) if length else start
            due = CALENDAR.before(due, lead) if lead else due
            basis = basis_of(start, length, before=lead, policy_version_id="v")
            return due, moment_of(basis, calendar=CALENDAR) if basis else None

        return compute

    @pytest.mark.parametrize(
        ("duration", "before"),
        [("30wm", None), ("4wh", None), ("2wd", None), ("1wd", "2wh"), ("1wd", "10m"), ("3d", "1wd"), (None, "2wh")],
    )
    def test_the_basis_gives_the_same_moment_again(
        self,
        moment: Callable[[str | None, str | None], tuple[datetime, datetime | None]],
        duration: str | None,
        before: str | None,
    ) -> None:
        due, again = moment(duration, before)
        assert again == due

    @pytest.mark.parametrize("duration", ["8s", "30m", "2h", "3d"])
    def test_clock_time_needs_no_basis(self, duration: str) -> None:
        start = at("2026-09-30 17:00")
        assert basis_of(start, PolicyDuration.parse(duration), before=None, policy_version_id="v") is None

    def test_a_changed_calendar_gives_another_moment(self) -> None:
        basis = basis_of(at("2026-09-30 17:00"), PolicyDuration.parse("1wd"), before=None, policy_version_id="v")
        assert basis is not None
        without_holiday = WorkingCalendar({}, CALENDAR.hours)
        assert moment_of(basis, calendar=CALENDAR) - moment_of(basis, calendar=without_holiday) == timedelta(days=7)
