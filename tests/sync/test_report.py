"""The documents of a sync run: stored as before, and what an earlier version stored is read."""

from __future__ import annotations

from typing import Any

import pytest

from app.sync.changes.report import BadRows, Counts, ReleaseFacts, StagedCounts, SyncReport, TagRow
from models.ids import new_id
from models.org import SyncRun
from tests.fakes.clock import MONDAY_9AM

HELD: dict[str, Any] = {
    "ids_complete": True,
    "departments_complete": True,
    "details_complete": False,
    "bad_rows": {"count": 1, "examples": ["userid ''"]},
    "staged": {"people": 60, "departments": 11},
    "orphans": {"departments": [88], "memberships": []},
    "held": {
        "people": [{"id": "li", "name": "李雷", "change": "left"}],
        "departments": [],
        "losses": {
            "people": {"lost": 9, "of": 60},
            "departments": {"lost": 0, "of": 11},
            "group_places": {"lost": 9, "of": 10},
        },
        "tags": [{"id": 1, "name": "财务", "userids": [], "department_ids": [7], "before": 12}],
    },
    "explanations": ["本次同步将失去 9/60 人"],
}
"""As version 60cb961 stored the report of a held run."""

OLDER: list[dict[str, Any]] = [
    HELD,
    {},
    {"explanations": ["同步过程出错（ValueError）"]},
    {
        "explanations": [],
        "held": {"tags": [{"id": 1, "name": "财务", "userids": [], "department_ids": [], "before": 3}]},
    },
    {"explanations": [], "a_field_of_another_version": {"x": 1}},
]


def run(report: dict[str, Any], counts: dict[str, Any] | None = None) -> SyncRun:
    return SyncRun(
        id=new_id(),
        reason="test",
        report=report,
        counts=counts or {},
        correlation_id="test",
        heartbeat_at=MONDAY_9AM,
        started_at=MONDAY_9AM,
    )


class TestReport:
    @pytest.mark.parametrize("stored", OLDER)
    def test_what_an_earlier_version_stored_comes_back_unchanged(self, stored: dict[str, Any]) -> None:
        assert SyncReport.of(run(stored)).dump() == stored

    def test_a_sentence_goes_behind_the_others_and_changes_nothing_else(self) -> None:
        report = SyncReport.of(run(HELD)).explained("作废")
        assert report.dump() == HELD | {"explanations": [*HELD["explanations"], "作废"]}

    def test_an_earlier_report_gives_the_facts_for_its_release(self) -> None:
        facts = SyncReport.of(run(HELD)).facts_for_release()
        assert (facts.ids_complete, facts.departments_complete) == (True, True)
        assert facts.staged == StagedCounts(people=60, departments=11)
        assert [(tag.id, tag.name, tag.userids, tag.department_ids) for tag in facts.tags] == [(1, "财务", [], [7])]

    def test_todays_report_keeps_them_apart(self) -> None:
        facts = ReleaseFacts(
            ids_complete=True,
            departments_complete=False,
            staged=StagedCounts(people=1, departments=1),
            tags=[TagRow(id=1, name="财务", userids=["li"], department_ids=[])],
        )
        report = SyncReport(explanations=[], bad_rows=BadRows(count=0, examples=[]), release=facts)
        assert SyncReport.of(run(report.dump())).facts_for_release() == facts

    def test_a_report_without_facts_releases_nothing(self) -> None:
        assert SyncReport.of(run({})).facts_for_release().staged is None


class TestCounts:
    @pytest.mark.parametrize(
        "stored",
        [
            {},
            {"people": {"left": 1}, "departments": {}, "memberships": {}},
            {"people": {}, "departments": {}, "memberships": {}, "tags": {"updated": 1}},
            {"people": {}, "departments": {}, "memberships": {}, "tags": {}, "released": {"people": {"left": 9}}},
        ],
    )
    def test_what_was_stored_comes_back_unchanged(self, stored: dict[str, Any]) -> None:
        assert Counts.of(run({}, stored)).dump() == stored
