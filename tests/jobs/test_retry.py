"""A job that fails is tried again: when, and until when."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import OperationalError

from app.jobs.retry import FIRST_DELAY, LONGEST_DELAY, MAX_ATTEMPTS, delay_after, retry_delay
from app.wecom.errors import HttpFailure, NotReached, QuotaExhausted, WecomError, refusal
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


def refused(errcode: int) -> WecomError:
    return refusal(errcode, "", path="user/get", now=MONDAY_9AM)


class TestAnOutage:
    """An hour without the platform needs nobody: what reads from it goes on by itself."""

    @pytest.mark.parametrize(
        "trouble",
        [
            NotReached("user/get", "ConnectError"),
            HttpFailure("user/get", "ReadTimeout"),
            HttpFailure("user/get", "HTTP 502", status=502),
            *(refused(errcode) for errcode in (-1, 40001, 42001, 60020, 48002)),
        ],
        ids=str,
    )
    def test_is_waited_out_however_long(self, trouble: WecomError) -> None:
        delays = [delay_after(trouble, attempt) for attempt in range(1, 100)]

        assert delays[0] == FIRST_DELAY
        assert delays[-1] == LONGEST_DELAY

    def test_uses_up_no_tries(self) -> None:
        """The first other error after an outage is the first try, not the last."""
        waited = 40
        delays = [delay_after(RuntimeError(), waited + number, waits=waited) for number in range(1, MAX_ATTEMPTS + 1)]

        assert delays == [retry_delay(number) for number in range(1, MAX_ATTEMPTS + 1)]

    def test_a_database_that_cannot_store_is_waited_for_likewise(self) -> None:
        full = OperationalError("INSERT", {}, asyncpg.DiskFullError("no space left on device"))

        assert delay_after(full, MAX_ATTEMPTS + 5) == LONGEST_DELAY

    @pytest.mark.parametrize("errcode", [60111, 40058, 999_999])
    def test_a_wrong_question_is_given_up(self, errcode: int) -> None:
        assert delay_after(refused(errcode), MAX_ATTEMPTS) is None
