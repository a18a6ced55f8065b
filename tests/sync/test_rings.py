"""F21: a department that is its own ancestor is shown, not lost; what asks for its subtree ends."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.database import transaction
from app.org import queries
from app.sync import messages
from models.org import SyncState
from tests.platform import Answer
from tests.sync.world import Rest, World


def parents(world: World, changed: dict[int, int]) -> None:
    """The platform tells these parents, everything else as it is."""

    def told(_request: httpx.Request, answer: Answer) -> Answer:
        for key in ("department", "department_id"):
            for row in answer.get(key, []):
                row["parentid"] = changed.get(row["id"], row["parentid"])
        return answer

    world.spoil("department/list", told)
    world.spoil("department/simplelist", told)


def flat(nodes: list[dict[str, Any]]) -> list[int]:
    return [number for node in nodes for number in (node["id"], *flat(node["children"]))]


class TestRings:
    @pytest.mark.parametrize(
        ("changed", "ring"),
        [({5: 5}, [5]), ({3: 4, 4: 3}, [3, 4]), ({3: 4, 4: 5, 5: 3, 6: 5}, [3, 4, 5]), ({1: 2}, [1, 2])],
        ids=["its own parent", "two", "three and one below", "the root too"],
    )
    async def test_every_department_stands_in_the_tree_once(
        self, world: World, rest: Rest, changed: dict[int, int], ring: list[int]
    ) -> None:
        parents(world, changed)
        run = await world.sync()
        everything = [department["id"] for department in await world.sandbox.departments()]

        assert run.state is SyncState.DONE
        assert run.report["rings"] == ring
        assert messages.rings(ring) in run.report["explanations"]
        shown = (await rest.get("departments/tree"))["items"]
        assert sorted(flat(shown)) == sorted(everything)
        assert len({node["id"] for node in shown} & set(ring)) == 1

    async def test_asking_for_what_is_below_and_above_ends(self, world: World) -> None:
        parents(world, {3: 4, 4: 3, 5: 4})
        await world.sync()
        async with transaction(world.sessions) as session:
            assert await queries.departments_below(session, [3]) == [3, 4, 5]
            assert await queries.departments_below(session, [5]) == [5]
            assert await queries.departments_above(session, 5) == [5, 4, 3]
            assert await queries.departments_above(session, 3) == [3, 4]
            inside = await queries.people_in_departments(session, [3])
            assert await queries.ids_in_departments(session, [3]) == [person.id for person in inside]
            direct = await queries.people_in_departments(session, [3, 4, 5], recursive=False)
            assert inside == direct

    async def test_a_tree_without_rings_says_nothing_of_them(self, world: World) -> None:
        run = await world.sync()
        assert run.report["rings"] == []

    async def test_a_callback_that_closes_a_ring_is_followed(self, world: World, rest: Rest) -> None:
        await world.sync()

        def told(_request: httpx.Request, answer: Answer) -> Answer:
            return answer | {"department": answer["department"] | {"parentid": 5}}

        world.spoil("department/get", told)
        await world.hint_department(5)

        shown = (await rest.get("departments/tree"))["items"]
        assert {node["id"] for node in shown} == {1, 5}
