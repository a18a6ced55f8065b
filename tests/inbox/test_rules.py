"""F13, F14: back-off, parking with a reason, replay."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from app.inbox.errors import BodyErased, StillWaiting
from app.inbox.rules import BACK_OFF, after_failure, check_may_replay, explain
from models.inbox import EventState, ReceivedEvent
from tests.fakes.clock import MONDAY_9AM


class TestBackOff:
    """F13: retry with back-off; the eighth failure parks."""

    @pytest.mark.parametrize("failures", range(1, 8))
    def test_each_wait_is_longer_than_the_one_before(self, failures: int) -> None:
        failure = after_failure(failures, now=MONDAY_9AM)

        assert failure.state is EventState.PENDING
        assert failure.not_before == MONDAY_9AM + BACK_OFF[failures - 1]
        assert failures == 1 or BACK_OFF[failures - 1] > BACK_OFF[failures - 2]

    def test_the_eighth_failure_parks(self) -> None:
        assert after_failure(8, now=MONDAY_9AM).state is EventState.PARKED
        assert after_failure(8, now=MONDAY_9AM).not_before is None


class TestTheReason:
    """F14: parked events are explained, without the data they failed on."""

    def test_a_database_error_is_told_without_statement_and_parameters(self) -> None:
        error = IntegrityError("INSERT INTO people VALUES ($1)", {"mobile": "13800000000"}, ValueError("duplicate key"))

        assert explain(error) == "IntegrityError: duplicate key"

    def test_it_is_one_line_that_the_table_can_hold(self) -> None:
        assert explain(ValueError("a\nb\x00" + "x" * 1000)).startswith("ValueError: a bxx")
        assert len(explain(ValueError("x" * 1000))) == 500


def in_state(state: EventState, body: bytes | None) -> ReceivedEvent:
    return ReceivedEvent(
        app_id="app",
        dedup_key=b"",
        event_type="click",
        subject="user:li",
        occurred_at=MONDAY_9AM,
        received_at=MONDAY_9AM,
        body=body,
        body_digest=b"",
        state=state,
        correlation_id="c",
    )


class TestWhatMayBeReplayed:
    @pytest.mark.parametrize("state", [EventState.PENDING, EventState.RUNNING])
    def test_not_what_still_waits(self, state: EventState) -> None:
        with pytest.raises(StillWaiting):
            check_may_replay(in_state(state, b"<xml/>"))

    @pytest.mark.parametrize("state", [EventState.DONE, EventState.PARKED, EventState.UNKNOWN, EventState.IGNORED])
    def test_everything_that_ended_while_its_body_is_kept(self, state: EventState) -> None:
        check_may_replay(in_state(state, b"<xml/>"))
        with pytest.raises(BodyErased):
            check_may_replay(in_state(state, None))
