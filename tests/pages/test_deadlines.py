"""A deadline reads as a limit: what is left of it, or how long it has passed, with the exact time for all to read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.pages.drawing.moments import Reader
from tests.fakes.clock import MONDAY_9AM

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CASES = [
    (2 * HOUR, "还剩 2 小时", "2 hours left"),
    (DAY + HOUR, "还剩 1 天", "1 day left"),
    (40 * DAY, "还剩 40 天", "40 days left"),
    (MINUTE, "还剩 1 分钟", "1 minute left"),
    (timedelta(seconds=59), "即将到期", "due now"),
    (timedelta(0), "即将到期", "due now"),
    (-timedelta(seconds=59), "刚刚过期", "just passed"),
    (-7 * MINUTE, "已过期 7 分钟", "passed 7 minutes ago"),
    (-3 * DAY, "已过期 3 天", "passed 3 days ago"),
]


def reader(language: str) -> Reader:
    return Reader(language, ZoneInfo("Asia/Shanghai"), MONDAY_9AM)


@pytest.mark.parametrize(("apart", "chinese", "english"), CASES)
def test_it_says_what_is_left(apart: timedelta, chinese: str, english: str) -> None:
    for language, words in (("zh", chinese), ("en", english)):
        drawn = reader(language).due(MONDAY_9AM + apart, is_settled=False)
        assert f">{words}</time>" in drawn
        assert drawn.endswith(f'">{reader(language).exact(MONDAY_9AM + apart)}</span>')


def test_of_what_is_settled_the_time_stands_alone() -> None:
    drawn = re.sub("<[^>]+>", "", reader("zh").due(MONDAY_9AM - DAY, is_settled=True))
    assert drawn == reader("zh").exact(MONDAY_9AM - DAY)
    assert reader("zh").due(None, is_settled=False) == "—"


@pytest.mark.parametrize(
    ("apart", "chinese", "english"),
    [
        (2 * HOUR, "2 小时后", "in 2 hours"),
        (MINUTE, "1 分钟后", "in 1 minute"),
        (timedelta(seconds=59), "即将", "any moment now"),
        (-7 * MINUTE, "即将", "any moment now"),
    ],
)
def test_what_is_to_go_on_does_not_read_as_passed(apart: timedelta, chinese: str, english: str) -> None:
    for language, words in (("zh", chinese), ("en", english)):
        assert f">{words}</time>" in reader(language).next(MONDAY_9AM + apart)
    assert reader("zh").next(None) == "—"


def test_every_deadline_of_a_template_is_drawn_as_one() -> None:
    """By what it is called where it comes from. Of keys that have ended, the end is a thing of the past."""
    templates = sorted((Path(__file__).parents[2] / "app").glob("*/templates/**/*.html"))
    assert templates
    found = {
        (path.name, name)
        for path in templates
        for name in re.findall(r"m\.when\(([^)]*)\)", path.read_text())
        if re.search(r"(due_at|deadline|expires_at|ends_at|ends_on)\b", name)
    }
    assert found == {("keys.html", "row.ended_at or row.expires_at")}


def test_every_moment_when_something_goes_on_is_drawn_as_one() -> None:
    said = [path.read_text() for path in (Path(__file__).parents[2] / "app").glob("*/templates/**/*.html")]
    drawn = [moment for text in said for moment in re.findall(r"m\.when\(([^)]*\b(?:until|not_before))\)", text)]
    assert drawn == []
    assert any("m.next(" in text for text in said)
