"""Every row of messaging §0.1 and of the API rates stands in the table, with its number, window and consequence."""

from __future__ import annotations

import pytest

from app.limits.catalogue import COUNTERS, LIMITS, Kept, Per, leased_for, loud_limits_of
from app.limits.usage.windows import Span
from models.delivery import CallKind

ROWS = [
    # key, most, per, silent, kept
    ("api.corp.minute", 10_000, Per.PATH, False, Kept.LEASE),
    ("api.corp.hour", 150_000, Per.PATH, False, Kept.LEASE),
    ("api.address.minute", 20_000, Per.ADDRESS, False, Kept.LEASE),
    ("api.address.hour", 600_000, Per.ADDRESS, False, Kept.LEASE),
    ("message.app.day", 200, Per.APP, False, Kept.LEDGER),
    ("message.member.minute", 30, Per.MEMBER, True, Kept.LEDGER),
    ("message.member.hour", 1_000, Per.MEMBER, True, Kept.LEDGER),
    ("appchat.create.day", 1_000, Per.CORP, False, Kept.LEDGER),
    ("appchat.update.hour", 1_000, Per.CORP, False, Kept.LEDGER),
    ("appchat.people.minute", 20_000, Per.CORP, False, Kept.LEDGER),
    ("appchat.people.hour", 300_000, Per.CORP, False, Kept.LEDGER),
    ("appchat.member.minute", 200, Per.MEMBER, True, Kept.LEDGER),
    ("appchat.member.day", 10_000, Per.MEMBER, True, Kept.LEDGER),
    ("webhook.minute", 20, Per.WEBHOOK, False, Kept.LEDGER),
    ("approval.data.minute", 600, Per.PATH, False, Kept.LEASE),
    ("checkin.data.minute", 600, Per.PATH, False, Kept.LEASE),
    ("media.image.day", 1_000, Per.PATH, False, Kept.LEASE),
    ("media.image.month", 3_000, Per.PATH, False, Kept.LEASE),
    ("ticket.corp.hour", 400, Per.CORP, False, Kept.LEASE),
    ("ticket.app.hour", 100, Per.APP, False, Kept.LEASE),
    ("gettoken.hour", 2_000, Per.ADDRESS, False, Kept.LEASE),
    ("debug.minute", 5, Per.CORP, False, Kept.NO),
    ("mobile.userid.day", 1, Per.CORP, False, Kept.NO),
    ("contacts.write.minute", 300, Per.CORP, False, Kept.NO),
    ("account.create.month", 3, Per.CORP, False, Kept.NO),
    ("app.create.month", 900, Per.CORP, False, Kept.NO),
    ("domain.month", 20, Per.CORP, False, Kept.NO),
    ("article.read.day", 3, Per.CORP, False, Kept.NO),
]


@pytest.mark.parametrize(("key", "most", "per", "silent", "kept"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row(key: str, most: int, per: Per, silent: bool, kept: Kept) -> None:
    limit = LIMITS[key]
    counter = COUNTERS[limit.counter]
    assert (limit.most, counter.per, counter.is_silent, counter.kept) == (most, per, silent, kept)
    assert limit.key == f"{limit.counter}.{limit.span}"
    assert counter.title
    assert counter.english
    assert counter.source
    assert bool(counter.why) == (kept is Kept.NO), "what is not kept has a reason"


def test_no_row_is_untested() -> None:
    assert list(LIMITS) == [row[0] for row in ROWS]


def test_every_mutating_call_counts_somewhere() -> None:
    for kind in CallKind:
        assert [counter for counter in COUNTERS.values() if counter.kept is not Kept.NO and counter.covers(kind)]


def test_sending_messages_is_not_counted_in_the_basic_rate() -> None:
    assert leased_for("message/send") == ()
    assert [limit.key for limit in loud_limits_of("message/send")] == ["message.app.day"]


def test_limits_of_one_counter_have_different_windows() -> None:
    for counter in COUNTERS.values():
        spans = [limit.span for limit in counter.limits]
        assert len(set(spans)) == len(spans)
        assert set(spans) <= set(Span)
