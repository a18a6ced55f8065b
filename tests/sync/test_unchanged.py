"""F33: who was read before exactly as now is neither staged nor compared, and nothing is ever missed for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.audit.actor import Actor, ActorKind
from app.database import transaction
from app.org.search import keep
from app.sync.apply_run import release
from models.ids import SyncRunId
from models.org import SyncRun, SyncState
from tests.platform import Answer
from tests.sync.world import World


def staged(run: SyncRun) -> tuple[int, int]:
    """People staged, and people read as before."""
    return run.report["staged"]["people"], run.report["staged"]["unchanged"]


def without(world: World, *userids: str) -> None:
    """The platform tells nothing of these people."""
    hidden = set(userids)

    def rows(key: str) -> Callable[[httpx.Request, Answer], Answer]:
        return lambda _request, answer: answer | {key: [row for row in answer[key] if row["userid"] not in hidden]}

    world.spoil("user/list_id", rows("dept_user"))
    world.spoil("user/list", rows("userlist"))


async def sql(world: World, statement: str, **values: Any) -> None:
    async with transaction(world.sessions) as session:
        await session.execute(text(statement), values)


class TestWhatIsSkipped:
    async def test_everybody_when_nothing_has_changed(self, world: World) -> None:
        assert staged(await world.sync()) == (60, 0)
        before = await world.written()
        run = await world.sync()

        assert staged(run) == (0, 60)
        assert (run.fetched, run.state) == (60, SyncState.DONE)
        assert await world.written() == before
        assert staged(await world.sync()) == (0, 60)

    async def test_everybody_whose_name_was_only_sorted_since(self, world: World) -> None:
        await world.sync()
        async with transaction(world.sessions) as session:
            await keep.spell_people(session, await keep.people_to_spell(session))
        one, *_ = await world.sandbox.people()
        assert not (await world.person(one["userid"])).name_key.startswith("~")
        assert staged(await world.sync()) == (0, 60)

    async def test_everybody_but_who_changed_on_the_platform(self, world: World) -> None:
        await world.sync()
        first, second = (person["userid"] for person in (await world.sandbox.people())[10:12])
        await world.sandbox.set_name(first, "新名字")
        await world.sandbox.move(second, [3, 4])
        run = await world.sync()

        assert staged(run) == (2, 58)
        assert (await world.person(first)).name == "新名字"
        assert await world.departments_of(await world.person(second)) == [3, 4]
        assert staged(await world.sync()) == (0, 60)

    async def test_nobody_after_a_dry_run_that_came_first(self, world: World) -> None:
        await world.sync(dry_run=True)
        assert staged(await world.sync()) == (60, 0)

    async def test_nobody_when_the_departments_have_changed(self, world: World) -> None:
        """Which places end depends on which departments are there."""
        await world.sync()
        await world.sandbox.create_department("新部门")
        assert staged(await world.sync()) == (60, 0)
        assert staged(await world.sync()) == (0, 60)

    async def test_nobody_after_the_database_has_crashed(self, world: World) -> None:
        """An unlogged table is empty then."""
        await world.sync()
        before = await world.written()
        await sql(world, "TRUNCATE read_people")
        assert staged(await world.sync()) == (60, 0)
        assert await world.written() == before


class TestWhatIsNeverMissed:
    async def test_a_callback_in_between(self, world: World) -> None:
        """A callback changed the person; then the platform changed them back without a word."""
        await world.sync()
        someone = (await world.sandbox.people())[12]
        await world.sandbox.set_fields(someone["userid"], name="中间", department=[3])
        await world.hint(someone["userid"])
        await world.sandbox.set_fields(someone["userid"], name=someone["name"], department=someone["department"])
        run = await world.sync()

        assert staged(run) == (1, 59)
        person = await world.person(someone["userid"])
        assert person.name == someone["name"]
        assert await world.departments_of(person) == sorted(someone["department"])

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE people SET name = 'x' WHERE id = :person",
            "UPDATE people SET position = 'x'",
            "UPDATE memberships SET is_leader = NOT is_leader WHERE person_id = :person",
            "DELETE FROM memberships WHERE person_id = :person",
            "UPDATE person_userids SET shown = upper(shown) WHERE person_id = :person",
        ],
    )
    async def test_a_migration_or_a_hand_in_between(self, world: World, statement: str) -> None:
        await world.sync()
        userid = (await world.sandbox.people())[12]["userid"]
        before = await self._looks(world)
        await sql(world, statement.replace(":person", f"'{(await world.person(userid)).id}'"))
        await world.sync()
        assert await self._looks(world) == before

    async def test_who_was_missing_for_one_run_returns(self, world: World) -> None:
        await world.sync()
        someone = str((await world.sandbox.people())[12]["userid"])
        without(world, someone)
        assert (await world.sync()).counts["people"] == {"missing": 1}
        world.unspoil()
        assert (await world.sync()).counts["people"] == {"returned": 1}

    async def test_who_goes_is_missed_beside_people_who_stay(self, world: World) -> None:
        await world.sync()
        someone = str((await world.sandbox.people())[12]["userid"])
        without(world, someone)
        assert staged(await world.sync()) == (0, 59)
        assert (await world.sync()).counts["people"] == {"left": 1}
        assert await world.person_or_none(someone) is None

    async def test_a_run_that_ended_half_way(self, world: World) -> None:
        await world.sync()
        someone = str((await world.sandbox.people())[12]["userid"])
        await world.sandbox.set_name(someone, "新名字")

        def breaks(_request: httpx.Request, _answer: Answer) -> Answer:
            raise ZeroDivisionError

        world.spoil("tag/list", breaks)
        with pytest.raises(ZeroDivisionError):
            await world.sync()
        world.unspoil()
        run = await world.sync()

        assert staged(run) == (1, 59)
        assert (await world.person(someone)).name == "新名字"

    async def test_the_release_of_a_held_run_takes_nobody_for_absent_whom_it_did_not_stage(self, world: World) -> None:
        await world.sync()
        before = await world.statuses()
        some = {person["userid"] for person in (await world.sandbox.people())[:50]}

        def disabled(_request: httpx.Request, answer: Answer) -> Answer:
            users = [
                user | ({"status": 2, "enable": 0} if user["userid"] in some else {}) for user in answer["userlist"]
            ]
            return answer | {"userlist": users}

        world.spoil("user/list", disabled)
        run = await world.sync()
        assert run.state is SyncState.HELD
        assert await world.statuses() == before
        async with transaction(world.sessions) as session:
            actor = Actor(ActorKind.SYSTEM, "test")
            await release(session, run_id=SyncRunId(run.id), actor=actor, now=world.clock.now())

        after = await world.statuses()
        assert after["disabled"] >= 50
        assert {"missing", "left"}.isdisjoint(after)
        async with transaction(world.sessions) as session:
            assert (await session.scalars(text("SELECT count(*) FROM unchanged_people"))).one() == 0

    @staticmethod
    async def _looks(world: World) -> list[tuple[Any, ...]]:
        statement = text(
            "SELECT u.shown, p.name, p.position, p.status, m.department_id, m.sort_order, m.is_leader FROM people p"
            " JOIN person_userids u ON u.person_id = p.id AND u.ended_at IS NULL"
            " LEFT JOIN memberships m ON m.person_id = p.id AND m.ended_at IS NULL ORDER BY 1, 5"
        )
        async with transaction(world.sessions) as session:
            return [tuple(row) for row in await session.execute(statement)]
