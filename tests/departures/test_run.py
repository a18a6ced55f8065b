"""One run per leaver: the parts that the domains name, stage by stage."""

from __future__ import annotations

from typing import cast

import pytest

from app.bootstrap import REGISTRY
from app.departures.jobs import LEAVER
from app.departures.service import Departure, DeparturePart, DepartureReason, Stage, carry_out
from app.jobs.job import JobContext
from models.ids import PersonId, new_id

NOBODY_ASKS = cast("JobContext", None)
LEAVES = Departure(PersonId(new_id()), DepartureReason.LEFT)


class Parts(dict[str, DeparturePart]):
    """Parts that write down that they ran."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    def of(self, name: str, stage: Stage, *, fails: bool = False) -> None:
        async def run(_ctx: JobContext, departure: Departure) -> None:
            assert departure is LEAVES
            self.ran.append(name)
            if fails:
                raise ConnectionError(name)

        self[name] = DeparturePart(stage, run)


async def test_successors_stand_before_work_is_handed_on_and_the_platform_comes_last() -> None:
    parts = Parts()
    parts.of("removal", Stage.PLATFORM)
    parts.of("requests", Stage.WORK)
    parts.of("succession", Stage.SUCCESSION)
    parts.of("tasks", Stage.WORK)
    await carry_out(NOBODY_ASKS, LEAVES, parts)
    assert parts.ran == ["succession", "requests", "tasks", "removal"]


async def test_a_part_that_fails_holds_up_what_builds_on_it() -> None:
    parts = Parts()
    parts.of("succession", Stage.SUCCESSION, fails=True)
    parts.of("requests", Stage.WORK)
    with pytest.raises(ConnectionError):
        await carry_out(NOBODY_ASKS, LEAVES, parts)
    assert parts.ran == ["succession"]


async def test_an_outage_of_the_platform_holds_up_nothing_else() -> None:
    parts = Parts()
    parts.of("removal", Stage.PLATFORM, fails=True)
    parts.of("requests", Stage.WORK)
    with pytest.raises(ConnectionError):
        await carry_out(NOBODY_ASKS, LEAVES, parts)
    assert parts.ran == ["requests", "removal"]


def test_groups_requests_and_tasks_give_their_parts() -> None:
    assert set(REGISTRY.departure_parts) == {"groups.succession", "groups.removal", "approvals", "tasks"}


def test_the_run_hears_of_departures() -> None:
    assert LEAVER.name in REGISTRY.subscribers["person.departed"]
