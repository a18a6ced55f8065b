"""The life of a task as a table, and who may do what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.policy.document import default_document
from app.tasks import rules
from app.tasks.errors import (
    DueInThePast,
    GroupTakesNoTasks,
    NotYourTask,
    OwnerNotEmployed,
    TaskFinished,
    TaskGroupNotActive,
)
from app.tasks.rules import TRANSITIONS, Moved, TaskAction, Told
from models.groups import Group, GroupState
from models.ids import new_id
from models.org import Person, PersonStatus
from models.tasks import TaskState
from tests.builders.tasks import a_task
from tests.fakes.clock import MONDAY_9AM

ASSIGNED, ACCEPTED, BLOCKED = TaskState.ASSIGNED, TaskState.ACCEPTED, TaskState.BLOCKED
DONE, CANCELLED = TaskState.DONE, TaskState.CANCELLED
ACCEPT, PROGRESS, BLOCK = TaskAction.ACCEPT, TaskAction.PROGRESS, TaskAction.BLOCK
COMPLETE, CANCEL = TaskAction.COMPLETE, TaskAction.CANCEL


def owner_says(action: TaskAction, progress: int | None = None, note: str = "") -> Told:
    return Told(action, by_owner=True, progress=progress, note=note)


def pressed(action: TaskAction, progress: int | None = None) -> Told:
    return Told(action, by_owner=True, progress=progress, by_card=True)


def a_group(name: str, group_type: str, state: GroupState) -> Group:
    columns: dict[str, Any] = {"desired_name": name, "group_type": group_type, "state": state}
    return Group(**columns)


class TestTransitions:
    """4.1–4.3: assigned, accepted, worked on, done; done is final."""

    def test_every_state_answers_every_action(self) -> None:
        assert {state: set(row) for state, row in TRANSITIONS.items()} == {
            state: set(TaskAction) for state in TaskState
        }

    @pytest.mark.parametrize("state", [ASSIGNED, ACCEPTED, BLOCKED])
    @pytest.mark.parametrize(
        ("action", "goes_to"), [(PROGRESS, ACCEPTED), (BLOCK, BLOCKED), (COMPLETE, DONE), (CANCEL, CANCELLED)]
    )
    def test_an_open_task_goes_where_the_owner_says(
        self, state: TaskState, action: TaskAction, goes_to: TaskState
    ) -> None:
        moved = rules.move(a_task(state), owner_says(action, 10 if action is PROGRESS else None, note="说明"))
        assert moved is not None
        assert moved.state is goes_to

    @pytest.mark.parametrize(
        ("state", "action"),
        [(ACCEPTED, ACCEPT), (BLOCKED, BLOCK), (DONE, ACCEPT), (DONE, COMPLETE), (CANCELLED, CANCEL)],
    )
    def test_a_repeat_does_nothing(self, state: TaskState, action: TaskAction) -> None:
        assert rules.move(a_task(state), owner_says(action)) is None

    @pytest.mark.parametrize(
        ("state", "action"),
        [(DONE, PROGRESS), (DONE, BLOCK), (DONE, CANCEL)]
        + [(CANCELLED, action) for action in TaskAction if action is not CANCEL],
    )
    def test_what_has_ended_cannot_go_on(self, state: TaskState, action: TaskAction) -> None:
        with pytest.raises(TaskFinished):
            rules.move(a_task(state), owner_says(action, note="说明"))

    @pytest.mark.parametrize("state", [DONE, CANCELLED])
    @pytest.mark.parametrize("action", [ACCEPT, PROGRESS, BLOCK, COMPLETE])
    def test_an_old_card_of_a_finished_task_can_be_pressed_without_effect(
        self, state: TaskState, action: TaskAction
    ) -> None:
        assert rules.move(a_task(state, progress=100), pressed(action)) is None


class TestProgress:
    """4.3: 及时报告进展。"""

    def test_the_same_number_again_is_a_repeat(self) -> None:
        assert rules.move(a_task(ACCEPTED, progress=30), owner_says(PROGRESS, 30)) is None

    def test_the_same_number_with_a_note_is_news(self) -> None:
        told = owner_says(PROGRESS, 30, "等待供应商")
        assert rules.move(a_task(ACCEPTED, progress=30), told) == Moved(ACCEPTED, 30)

    def test_a_number_may_be_corrected_downwards(self) -> None:
        assert rules.move(a_task(ACCEPTED, progress=80), owner_says(PROGRESS, 60)) == Moved(ACCEPTED, 60)

    def test_a_card_takes_nothing_back(self) -> None:
        assert rules.move(a_task(ACCEPTED, progress=80), pressed(PROGRESS, 50)) is None
        assert rules.move(a_task(BLOCKED, progress=80), pressed(PROGRESS, 50)) == Moved(ACCEPTED, 80)

    def test_a_collaborator_accepts_nothing_for_the_owner(self) -> None:
        told = Told(PROGRESS, by_owner=False, progress=20)
        assert rules.move(a_task(ASSIGNED), told) == Moved(ASSIGNED, 20)
        assert rules.move(a_task(BLOCKED), told) == Moved(BLOCKED, 20)

    def test_done_is_all_of_it(self) -> None:
        assert rules.move(a_task(ACCEPTED, progress=20), owner_says(COMPLETE)) == Moved(DONE, 100)


class TestButtons:
    """F79: accept, progress, blocked and done by card, as long as they mean something."""

    @pytest.mark.parametrize(
        ("state", "progress", "offered"),
        [
            (ASSIGNED, 0, [ACCEPT, PROGRESS, COMPLETE, BLOCK]),
            (ACCEPTED, 0, [PROGRESS, COMPLETE, BLOCK]),
            (ACCEPTED, 50, [COMPLETE, BLOCK]),
            (BLOCKED, 20, [ACCEPT, PROGRESS, COMPLETE]),
            (DONE, 100, []),
            (CANCELLED, 0, []),
        ],
    )
    def test_what_is_offered(self, state: TaskState, progress: int, offered: list[TaskAction]) -> None:
        assert rules.offered(a_task(state, progress=progress)) == offered

    @pytest.mark.parametrize("state", list(TaskState))
    def test_every_offered_button_does_something(self, state: TaskState) -> None:
        task = a_task(state)
        for action in rules.offered(task):
            assert rules.move(task, pressed(action, 50 if action is PROGRESS else None)) is not None


class TestWhoMay:
    """4.1: 任务写明责任人、协作人; 4.3: 转交或延期须经布置人同意。"""

    @pytest.mark.parametrize(
        ("who", "may"),
        [
            ("owner", {ACCEPT, PROGRESS, BLOCK, COMPLETE}),
            ("collaborator", {PROGRESS, BLOCK}),
            ("assigner", {CANCEL}),
            ("stranger", set()),
        ],
    )
    def test_each_has_their_part(self, who: str, may: set[TaskAction]) -> None:
        people = {name: new_id() for name in ("owner", "collaborator", "assigner", "stranger")}
        task = a_task(owner_id=people["owner"], assigner_id=people["assigner"])
        for action in TaskAction:
            helpers = [people["collaborator"]]
            if action in may:
                rules.check_may(task, action, person_id=people[who], collaborators=helpers)
            else:
                with pytest.raises(NotYourTask):
                    rules.check_may(task, action, person_id=people[who], collaborators=helpers)


class TestAssigning:
    """4.1: 任务写明责任人、协作人、期限和完成标准，在所属群内发布。"""

    @pytest.mark.parametrize("seconds", [0, -60])
    def test_it_cannot_be_due_already(self, seconds: int) -> None:
        with pytest.raises(DueInThePast):
            rules.check_due(MONDAY_9AM + timedelta(seconds=seconds), MONDAY_9AM)

    @pytest.mark.parametrize("status", [PersonStatus.DISABLED, PersonStatus.LEFT])
    def test_nobody_who_has_gone_is_responsible(self, status: PersonStatus) -> None:
        with pytest.raises(OwnerNotEmployed, match="李军"):
            rules.check_owner(Person(name="李军", status=status, first_seen_at=MONDAY_9AM, updated_at=MONDAY_9AM))

    def test_its_group_must_be_active(self) -> None:
        group = a_group("验收群", "project", GroupState.CREATING)
        with pytest.raises(TaskGroupNotActive, match="验收群"):
            rules.check_group(default_document(), group)

    def test_its_group_must_take_work(self) -> None:
        group = a_group("羽毛球", "interest", GroupState.ACTIVE)
        with pytest.raises(GroupTakesNoTasks, match="羽毛球"):
            rules.check_group(default_document(), group)
