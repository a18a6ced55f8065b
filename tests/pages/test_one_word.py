"""A state is called the same on a card, on a page and in the file of a list."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest

from app.announcements import sheet as announcements
from app.announcements.rules import ReceiptState
from app.approvals import messages as approvals
from app.approvals import sheet as requests
from app.pages.drawing.words import BADGES, LABELS
from app.tasks import messages as task_cards
from app.tasks import sheet as tasks
from models.announcements import AnnouncementState
from models.approvals import OutcomeState, RequestState, Verdict
from models.tasks import TaskState


@pytest.mark.parametrize(
    ("kind", "in_a_file"),
    [
        (RequestState, requests.STATES),
        (OutcomeState, requests.OUTCOMES),
        (TaskState, tasks.STATES),
        (ReceiptState, announcements.STATES),
        (AnnouncementState, announcements.OPEN_OR_NOT),
    ],
)
def test_a_file_says_what_the_page_says(
    kind: type[StrEnum], in_a_file: Mapping[StrEnum | None, tuple[str, str]]
) -> None:
    for state, (words, _level) in BADGES[kind].items():
        assert in_a_file[state] == (words.chinese, words.english)


def test_a_card_says_what_the_page_says() -> None:
    for state, (words, _level) in BADGES[RequestState].items():
        assert approvals.RESULTS[RequestState(state)] == words.chinese
    for verdict, said in LABELS[Verdict].items():
        assert approvals.VERDICTS[Verdict(verdict)] == said.chinese
    for state, (words, _level) in BADGES[TaskState].items():
        assert task_cards.STATES[TaskState(state)] == words.chinese
