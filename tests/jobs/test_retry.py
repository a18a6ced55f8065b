"""A job that fails is tried again: when, and until when."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.retry import FIRST_DELAY, MAX_ATTEMPTS, delay_after, retry_delay
from app.wecom.errors import QuotaExhausted
from tests.fakes.clock import MONDAY_9AM

AN_HOUR = QuotaExhausted("user/get", "api.corp.hour", until=MONDAY_9AM + timedelta(hours=1), now=MONDAY_9AM)


class TestAfterAnError:
    def test_waits_longer_each_time_and_is_given_up_at_last(self) -> None:
        delays = [delay_after(RuntimeError(), attempt) for attempt in range(1, MAX_ATTEMPTS + 1)]
        assert delays[:2] == [FIRST_DELAY, 2 * FIRST_DELAY]
        assert delays[-1] is None
        assert delays == [retry_delay(attempt) for attempt in range(1, MAX_ATTEMPTS + 1)]


class TestAfterAUsedUpLimit:
    def test_waits_for_the_moment_at_which_calls_go_again(self) -> None:
        assert delay_after(AN_HOUR, 1) == timedelta(hours=1)

    def test_is_never_given_up_for_it(self) -> None:
        assert delay_after(AN_HOUR, MAX_ATTEMPTS + 5) == timedelta(hours=1)
