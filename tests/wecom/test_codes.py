"""Every errcode of the platform notes is in the table, and classified as they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.wecom.codes import CODES, TOKEN_CODES, Action, Window, blocked_until
from app.wecom.errors import AppRefused, Never, NotUnderstood, TokenRefused, TryAgain, WaitUntil, refusal
from tests.fakes.clock import MONDAY_9AM

# Retry columns of the platform notes. A range is written as a string and counts every number in it.
TRY_AGAIN: list[int | str] = [-1, 6000, 301022, 301057, 301064, 302005, 620004, 830003]
TOKEN: list[int | str] = [40014, 42001]
WAIT: list[int | str] = [41079, 45009, 45033, 81026, 85004, 302008]
STALE: list[int | str] = [
    *(40003, 40031, 40050, 40066, 40068, 40070, 46004, 49008, 50100, 60003, 60004, 60008, 60102, 60111),
    *(60123, 60124, 60136, 81013, 86001, 86003, 86007, 86215, 86216, 90459, 90460, 301021),
]
APP: list[int | str] = [
    *(40001, 40013, 40056, 40091, 41002, 41004, 43009, 43012, 45031, 48001, 48002, 48004, 48006, 48008),
    *(50003, 50006, 60020, 60031, 301002, 301007, 301042, 301056),
]
FINAL: list[int | str] = [
    # callback cryptography
    "-40011–-40001",
    # general, token, permission
    *(40029, 40033, 40035, 40039, 40057, 40058, 40059, 40063, 40093, 40094),
    *(40201, 40203, 40204, 40205, 40206, 41001, 41008, 41011, 42003, 42012, 42022),
    *(45029, 45034, 46003, 48005, 48009),
    *(50001, 50002, 60011, 60021),
    # contacts
    *(40032, 40071, 40072, 40073, 40088, 40089, 40092, 41009, 41017, 41018, 41019, 43004, 45024, 45026),
    *(60001, 60005, 60006, 60007, 60009, 60010, 60103, 60104, 60105, 60106, 60107, 60110, 60112, 60125, 60127),
    *(60129, 60132, "60141–60148", 60257, 81001, 81002, 81003, 81011, 81012, 81014, 81015, 81017),
    *(301005, 301012, 301013, 301014, 301015, 301023, 301036, 302003, 302004, 302006, 302007),
    # messaging, cards and media
    *(40004, 40005, 40006, 40007, 40008, 40009, 40011, "40016–40027", 40036, 40037, 40054, 40055, 40074, 40123),
    *(41006, 41010, 41016, 41033, 41102, "42014–42020", "42027–42052", 44001, 44004),
    *(45001, 45002, 45004, 45007, 45008, 45022, 45032, 60140, 82001, 82002, 82003, 82004, 82101, 82102),
    *(84014, 84015, 84090, "90200–90208", "92000–92003", 93000, 93004, 93006, 93008),
    *(301016, 301017, 301019, 830001, 830002),
    # groups
    *(86004, 86005, 86006, 86008, 86101, "86201–86207", 86214, 86217, 86220, 86222, 86224),
    # approval
    *(301024, 301025, 301026, 301055, 301062, 301063, 301079, 301086, 301087, 301088, 301112, 301115),
    # login, JS-SDK, domains
    *("40207–40210", 42013, 80001, 84025, 85002, "85005–85011", 85111, 91040),
    # sensitive words, schedules, archive
    *("41068–41078", "41080–41083", 41091, "90457–90458", "90461–90500", 90700),
    *(301048, 301052, 301053, 301058, 301059, 301060),
]  # fmt: skip


def numbers(listed: list[int | str]) -> set[int]:
    found: set[int] = set()
    for item in listed:
        first, _, last = str(item).partition("–")
        found |= set(range(int(first), int(last or first) + 1))
    return found


class TestTheTable:
    """One table turns every errcode into try again / wait until / token / never, with meaning and cure."""

    def test_holds_every_listed_code_and_no_other(self) -> None:
        listed = numbers([*TRY_AGAIN, *TOKEN, *WAIT, *STALE, *APP, *FINAL])
        assert set(CODES) == listed

    @pytest.mark.parametrize(
        ("listed", "action"),
        [
            (TRY_AGAIN, Action.TRY),
            (TOKEN, Action.TOKEN),
            (WAIT, Action.WAIT),
            (STALE, Action.NEVER),
            (APP, Action.APP),
            (FINAL, Action.NEVER),
        ],
    )
    def test_classifies_as_the_notes_say(self, listed: list[int | str], action: Action) -> None:
        assert {CODES[code].action for code in numbers(listed)} == {action}

    def test_says_which_answers_mean_that_our_picture_is_out_of_date(self) -> None:
        assert {code for code, entry in CODES.items() if entry.is_stale} == set(STALE)

    def test_only_waiting_codes_name_a_window(self) -> None:
        assert {code for code, entry in CODES.items() if entry.window} == set(WAIT)

    @pytest.mark.parametrize("code", CODES)
    def test_tells_meaning_and_cure_in_both_languages(self, code: int) -> None:
        entry = CODES[code]
        assert entry.code == code
        for chinese in (entry.meaning_zh, entry.cure_zh):
            assert re.search(r"[\u4e00-\u9fff]", chinese)
        for english in (entry.meaning_en, entry.cure_en):
            assert english
            # Names of the console's own menus stay Chinese in an English cure.
            assert re.search(r"[A-Za-z]{3}", english)

    def test_treats_both_spellings_of_an_expired_token_alike(self) -> None:
        assert {40014, 42001} == TOKEN_CODES


class TestKinds:
    def test_each_action_is_an_error_of_its_own_type(self) -> None:
        kinds = {
            code: type(refusal(code, "", path="user/get", now=MONDAY_9AM)) for code in (-1, 45009, 40014, 60020, 40058)
        }
        assert kinds == {-1: TryAgain, 45009: WaitUntil, 40014: TokenRefused, 60020: AppRefused, 40058: Never}

    def test_an_unknown_code_is_a_kind_of_its_own_and_says_where_to_look(self) -> None:
        error = refusal(999_999, "new", path="user/get", now=MONDAY_9AM)
        assert isinstance(error, NotUnderstood)
        assert "e=999999" in error.cure_zh
        assert "不认识" in error.meaning_zh

    def test_a_refusal_reads_as_a_sentence_in_both_languages(self) -> None:
        error = refusal(43012, "no callback", path="message/send", now=MONDAY_9AM)
        assert str(error).startswith("应用没有配置回调地址，不能发交互卡片（message/send，错误码 43012）。到管理后台")
        assert error.english.startswith("The app has no callback URL (message/send, errcode 43012).")


class TestBlocks:
    """A minute limit blocks 60 s, an hour 60 min, a day the rest of the calendar day, a month 30 days."""

    @pytest.mark.parametrize(
        ("window", "seconds"),
        [
            (Window.MINUTE, 60),
            (Window.HOUR, 3600),
            (Window.MONTH, 30 * 86_400),
            (Window.BUSY, 10),
            (Window.MAINTENANCE, 600),
        ],
    )
    def test_last_as_long_as_their_window(self, window: Window, seconds: int) -> None:
        assert blocked_until(window, MONDAY_9AM) == MONDAY_9AM + timedelta(seconds=seconds)

    def test_a_day_ends_at_midnight_in_china(self) -> None:
        late = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
        assert blocked_until(Window.DAY, late) == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
        after_midnight = datetime(2026, 3, 2, 16, 1, tzinfo=UTC)
        assert blocked_until(Window.DAY, after_midnight) == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)

    def test_a_limited_call_waits_a_minute_and_a_blocked_address_an_hour(self) -> None:
        call = refusal(45009, "", path="user/get", now=MONDAY_9AM)
        address = refusal(45009, "", path="gettoken", now=MONDAY_9AM)
        assert isinstance(call, WaitUntil)
        assert isinstance(address, WaitUntil)
        assert call.until == MONDAY_9AM + timedelta(seconds=60)
        assert address.until == MONDAY_9AM + timedelta(hours=1)
