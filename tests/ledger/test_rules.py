"""What an attempt's outcome means: the tables, row by row."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from app.audit.actor import SYSTEM
from app.audit.why import About, Why
from app.errors import WrongState
from app.ledger import recovery, rules
from app.ledger.calls import CallRequest, call_row, move
from app.ledger.recovery import RECOVERY, Recovery, verdict_of_attempt
from app.ledger.rules import TRANSITIONS, Done, Failed, Hold, Later, Unknown
from app.wecom.errors import HttpFailure, NotReached, OutcomeUnknown, TooLate, WecomError, refusal
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, HoldReason, OutgoingCall
from models.ids import new_id
from tests.fakes.clock import MONDAY_9AM

TROUBLE = (-1, 40001, 40014, 42001, 48002, 50003, 60020, 301002)
"""Codes about the app or the platform, not about what is said."""

REPEATED = {kind for kind, way in RECOVERY.items() if way in {Recovery.REPEAT, Recovery.LOOK_FIRST}}

LOST = OutcomeUnknown("path", "ReadTimeout")
AWAY = NotReached("path", "ConnectError")


def refused(errcode: int, now: datetime = MONDAY_9AM) -> WecomError:
    return refusal(errcode, "", path="path", now=now)


def call(kind: CallKind, *, attempts: int = 1, window: int = 1800, **body: Any) -> OutgoingCall:
    asked = {"duplicate_check_interval": window, **body}
    request = CallRequest(kind, asked, "test", About(ObjectKind.GROUP, 1), Why(SYSTEM))
    row = call_row(request, correlation_id="c", now=MONDAY_9AM)
    row.state, row.attempts, row.sent_at = CallState.SENDING, attempts, MONDAY_9AM
    return row


class TestTheTables:
    """D6: each kind of call has its recovery in one table."""

    def test_every_kind_has_a_recovery(self) -> None:
        assert set(RECOVERY) == set(CallKind)

    def test_every_state_has_its_ways_out(self) -> None:
        assert set(TRANSITIONS) == set(CallState)

    def test_what_was_done_stays_done(self) -> None:
        assert not TRANSITIONS[CallState.DONE]

    def test_a_call_is_not_moved_where_it_cannot_go(self) -> None:
        row = call(CallKind.MESSAGE_SEND)
        row.state = CallState.DONE
        with pytest.raises(WrongState, match="done → ready"):
            move(row, CallState.READY)
        assert row.state is CallState.DONE


class TestAnUnknownOutcome:
    """P3: an unknown outcome is never blindly repeated."""

    @pytest.mark.parametrize("kind", [kind for kind in CallKind if RECOVERY[kind] is Recovery.PARK])
    def test_what_cannot_be_told_waits_for_a_person(self, kind: CallKind) -> None:
        assert isinstance(verdict_of_attempt(call(kind), LOST, uncertain=False, now=MONDAY_9AM), Unknown)

    @pytest.mark.parametrize("kind", [kind for kind in CallKind if RECOVERY[kind] is not Recovery.PARK])
    def test_what_can_be_told_is_tried_again_and_remembered_as_uncertain(self, kind: CallKind) -> None:
        verdict = verdict_of_attempt(call(kind), LOST, uncertain=False, now=MONDAY_9AM)

        assert isinstance(verdict, Later)
        assert verdict.uncertain

    def test_a_message_is_resent_only_while_the_platform_drops_duplicates(self) -> None:
        sent = call(CallKind.MESSAGE_SEND, window=600)

        assert isinstance(verdict_of_attempt(sent, LOST, uncertain=True, now=MONDAY_9AM + timedelta(minutes=8)), Later)
        assert isinstance(
            verdict_of_attempt(sent, LOST, uncertain=True, now=MONDAY_9AM + timedelta(minutes=9)), Unknown
        )

    @pytest.mark.parametrize("errcode", [40058, 45009, -1, 81013, 60020])
    def test_after_a_lost_message_no_refusal_is_believed(self, errcode: int) -> None:
        """A suppressed duplicate may answer with an error: it says nothing about the first one."""
        at_the_end = MONDAY_9AM + timedelta(minutes=29)
        verdict = verdict_of_attempt(
            call(CallKind.MESSAGE_SEND), refused(errcode, at_the_end), uncertain=True, now=at_the_end
        )

        assert isinstance(verdict, Unknown)

    def test_a_success_is_believed_at_any_time(self) -> None:
        assert verdict_of_attempt(call(CallKind.MESSAGE_SEND), None, uncertain=True, now=MONDAY_9AM) == Done()

    def test_a_spent_code_proves_that_the_lost_update_arrived(self) -> None:
        assert verdict_of_attempt(call(CallKind.CARD_UPDATE), refused(42022), uncertain=True, now=MONDAY_9AM) == Done()

    def test_a_spent_code_at_the_first_attempt_was_spent_by_another(self) -> None:
        verdict = verdict_of_attempt(call(CallKind.CARD_UPDATE), refused(42022), uncertain=False, now=MONDAY_9AM)

        assert isinstance(verdict, Failed)

    def test_repeating_ends(self) -> None:
        worn = call(CallKind.APPCHAT_CREATE, attempts=recovery.MOST_REPEATS)

        assert isinstance(verdict_of_attempt(worn, LOST, uncertain=True, now=MONDAY_9AM), Unknown)

    @pytest.mark.parametrize("kind", sorted(REPEATED))
    @pytest.mark.parametrize(
        "failure", [AWAY, TooLate("path"), HttpFailure("path", "HTTP 404", status=404), *map(refused, TROUBLE)], ids=str
    )
    def test_trouble_that_had_no_effect_ends_no_repeating(self, kind: CallKind, failure: WecomError) -> None:
        """An answer was lost when an outage began: the call is repeated after it, however long the outage lasts."""
        for attempts in (2, recovery.MOST_REPEATS, 60, 500):
            verdict = verdict_of_attempt(call(kind, attempts=attempts), failure, uncertain=True, now=MONDAY_9AM)

            assert isinstance(verdict, Later)
            assert verdict.uncertain
            assert verdict.reason is HoldReason.PLATFORM_TROUBLE
            assert verdict.at > MONDAY_9AM

    @pytest.mark.parametrize("kind", sorted(REPEATED))
    def test_the_first_answer_that_is_lost_after_an_outage_ends_it_neither(self, kind: CallKind) -> None:
        worn = call(kind, attempts=recovery.MOST_REPEATS + 20)
        first = verdict_of_attempt(worn, LOST, uncertain=True, after_lost=False, now=MONDAY_9AM)

        assert isinstance(first, Later)
        assert first.reason is HoldReason.RECOVERING
        assert isinstance(verdict_of_attempt(worn, LOST, uncertain=True, after_lost=True, now=MONDAY_9AM), Unknown)

    @pytest.mark.parametrize("kind", sorted(REPEATED))
    def test_a_limit_is_waited_out_in_doubt_too(self, kind: CallKind) -> None:
        worn = call(kind, attempts=recovery.MOST_REPEATS)
        verdict = verdict_of_attempt(worn, refused(45009), uncertain=True, now=MONDAY_9AM)

        assert isinstance(verdict, Later)
        assert (verdict.reason, verdict.at) == (HoldReason.PLATFORM_LIMIT, MONDAY_9AM + timedelta(seconds=60))


class TestACertainFailure:
    """What had no effect may be repeated; what will never work has failed."""

    @pytest.mark.parametrize(
        "failure", [AWAY, HttpFailure("path", "HTTP 404", status=404), *map(refused, TROUBLE)], ids=str
    )
    def test_it_waits_however_often_it_was_tried(self, failure: WecomError) -> None:
        for attempts in (1, 4, 60, 500):
            worn = call(CallKind.APPCHAT_SEND, attempts=attempts)
            verdict = verdict_of_attempt(worn, failure, uncertain=False, now=MONDAY_9AM)

            assert isinstance(verdict, Hold)
            assert verdict.reason is HoldReason.PLATFORM_TROUBLE
            assert verdict.until is not None
            assert verdict.until > MONDAY_9AM
            assert verdict.error == str(failure)

    def test_a_path_that_is_closed_to_all_says_until_when(self) -> None:
        failure = refused(60020)
        failure.blocked_until = MONDAY_9AM + timedelta(seconds=32)

        verdict = verdict_of_attempt(call(CallKind.MESSAGE_SEND), failure, uncertain=False, now=MONDAY_9AM)

        assert isinstance(verdict, Hold)
        assert verdict.until == failure.blocked_until

    def test_a_call_that_keeps_the_platform_busy_gives_others_their_turn(self) -> None:
        """-1: system busy, retry at most 3 times (doc path/90313)."""
        failure = refused(-1)
        failure.blocked_until = MONDAY_9AM + timedelta(minutes=1)
        ends = []
        for attempts in range(1, 41):
            worn = call(CallKind.MESSAGE_SEND, attempts=attempts)
            verdict = verdict_of_attempt(worn, failure, uncertain=False, now=MONDAY_9AM)
            assert isinstance(verdict, Hold)
            assert verdict.until is not None
            ends.append(verdict.until > failure.blocked_until)

        assert ends == ([False] * 19 + [True]) * 2

    @pytest.mark.parametrize("kind", list(CallKind))
    def test_a_code_that_nobody_knows_is_no_certain_failure(self, kind: CallKind) -> None:
        """P3: it may have had its effect, so it goes the way of a lost answer."""
        unknown = verdict_of_attempt(call(kind), refused(99_999), uncertain=False, now=MONDAY_9AM)
        lost = verdict_of_attempt(call(kind), LOST, uncertain=False, now=MONDAY_9AM)

        assert type(unknown) is type(lost)
        assert rules.effect_of(refused(99_999)) is rules.Effect.POSSIBLE

    @pytest.mark.parametrize("errcode", [-1, 42001, 45009])
    def test_what_is_given_up_does_not_say_that_it_will_be_repeated(self, errcode: int) -> None:
        late = MONDAY_9AM + timedelta(minutes=29)
        given_up = verdict_of_attempt(call(CallKind.MESSAGE_SEND), refused(errcode, late), uncertain=True, now=late)

        assert isinstance(given_up, Unknown)
        assert str(errcode) in given_up.error
        assert not re.search("会自动|会继续|重试", given_up.error)

    def test_a_limit_is_waited_out(self) -> None:
        verdict = verdict_of_attempt(call(CallKind.MESSAGE_SEND), refused(45009), uncertain=False, now=MONDAY_9AM)

        assert isinstance(verdict, Hold)
        assert (verdict.reason, verdict.until) == (HoldReason.PLATFORM_LIMIT, MONDAY_9AM + timedelta(seconds=60))

    @pytest.mark.parametrize("errcode", [40058, 60011, 86006])
    def test_what_will_never_work_has_failed_with_a_sentence(self, errcode: int) -> None:
        verdict = verdict_of_attempt(call(CallKind.MESSAGE_SEND), refused(errcode), uncertain=False, now=MONDAY_9AM)

        assert isinstance(verdict, Failed)
        assert str(errcode) in verdict.error

    def test_back_off_grows_and_is_bounded(self) -> None:
        delays = [recovery.back_off(attempts) for attempts in range(1, 40)]

        assert delays == sorted(delays)
        assert delays[0] == timedelta(seconds=2)
        assert delays[-1] == timedelta(minutes=10)


class TestWhatAGroupStillLacks:
    """D6: `appchat/update` after `get`."""

    BODY: ClassVar[dict[str, Any]] = {
        "chatid": "c1",
        "name": "新名",
        "owner": "Li",
        "add_user_list": ["Wang", "zhao"],
        "del_user_list": ["qian"],
    }

    def test_nothing_when_everything_is_so(self) -> None:
        assert rules.remaining_update(self.BODY, name="新名", owner="li", userids=["li", "wang", "ZHAO"]) is None

    def test_only_the_rest(self) -> None:
        rest = rules.remaining_update(self.BODY, name="新名", owner="sun", userids=["sun", "wang", "qian"])

        assert rest == {"chatid": "c1", "owner": "Li", "add_user_list": ["zhao"], "del_user_list": ["qian"]}

    def test_a_name_that_the_platform_cut_is_not_asked_for_again(self) -> None:
        body = {"chatid": "c1", "name": "长" * 60}

        assert rules.remaining_update(body, name="长" * 50, owner="li", userids=["li"]) is None


class TestPlaces:
    def test_a_replacing_call_sorts_between_its_like_and_the_next(self) -> None:
        for _ in range(200):
            original, following = new_id(), new_id()
            assert original < rules.id_beside(original) < following


class TestAClockThatWasSetBack:
    def test_nobody_knows_how_much_is_left_of_the_window(self) -> None:
        row = call(CallKind.MESSAGE_SEND)
        assert not recovery.is_too_late_to_resend(row, MONDAY_9AM + timedelta(seconds=2))
        assert recovery.is_too_late_to_resend(row, MONDAY_9AM - timedelta(hours=3))
