"""Whatever a trace names by a code has words in both languages."""

from __future__ import annotations

import re

import pytest

from app.account.service import SIGNED_OUT
from app.announcements.rules import AnnouncementPurpose
from app.approvals.rules import RequestPurpose
from app.bootstrap import REGISTRY
from app.findings.tell import FOUND
from app.groups.rules import GroupPurpose
from app.ladders.tell import TOGETHER
from app.menu.service import SET
from app.tasks.rules import TaskPurpose
from app.trace.service import OTHER, purpose, reason
from app.trace.words import JOBS, PURPOSES, TIMERS
from models.delivery import FailReason, HoldReason

CHINESE = re.compile(r"[一-鿿]")

PURPOSES_OF_THE_CODE = {
    *RequestPurpose,
    *AnnouncementPurpose,
    *TaskPurpose,
    *GroupPurpose,
    *REGISTRY.rungs,
    *REGISTRY.outcomes,
    SIGNED_OUT,
    FOUND,
    TOGETHER,
    SET,
}


def test_every_job_has_words_and_no_other() -> None:
    assert set(JOBS) == set(REGISTRY.jobs)


def test_every_timer_has_words_and_no_other() -> None:
    assert set(TIMERS) == set(REGISTRY.timers)


def test_every_purpose_has_words() -> None:
    assert {str(one) for one in PURPOSES_OF_THE_CODE if purpose(one) is OTHER} == set()


def test_the_answer_in_place_of_a_card_is_of_the_card() -> None:
    assert purpose("approval.card.followup") == purpose("approval.card")


@pytest.mark.parametrize("code", [*HoldReason, *FailReason])
def test_every_reason_has_words(code: str) -> None:
    assert reason(code).chinese != code


@pytest.mark.parametrize("table", [JOBS, TIMERS, PURPOSES])
def test_chinese_is_chinese_and_english_is_english(table: dict[str, tuple[str, str]]) -> None:
    assert [code for code, words in table.items() if not CHINESE.search(words[0]) or CHINESE.search(words[1])] == []
