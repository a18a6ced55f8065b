"""The full run: read, stage, compare, apply."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.database import transaction
from app.inbox.job_payloads import SyncPayload
from app.limits import numbers
from app.org import queries
from app.org.rules import EMPLOYED
from app.policy.sections.people import Expression
from app.roles import service as roles
from app.roles.service import Subject
from app.sync import queries as sync_queries
from app.sync import runs
from app.sync.errors import RunLost, SyncAlreadyRunning
from app.sync.full_run import run_sync
from app.sync.jobs import sync
from models.org import PersonStatus, SyncRun, SyncState
from tests.builders.policy import policy
from tests.sync.world import World


class TestFirstRun:
    """F18, F22: everything there is, with order, leaders, main department and direct leader."""

    async def test_everybody_and_every_department_is_taken_over(self, world: World) -> None:
        run = await world.sync()

        assert run.state is SyncState.DONE, run.report
        assert run.counts["people"] == {"created": 60}
        assert run.counts["departments"] == {"created": 11}
        assert sum((await world.statuses()).values()) == 60

    async def test_a_person_looks_as_on_the_platform(self, world: World) -> None:
        there = (await world.sandbox.people())[0]
        await world.sandbox.set_fields(
            there["userid"],
            position="总工程师",
            extattr={"attrs": [{"type": 0, "name": "工号", "text": {"value": "A-17"}}]},
        )
        await world.sync()

        here = await world.person(there["userid"])
        assert (here.name, here.position) == (there["name"], "总工程师")
        assert here.extra == {"工号": "A-17"}
        assert here.main_department_id == there["main_department"]
        assert await world.departments_of(here) == sorted(there["department"])

    async def test_leaders_are_found_through_the_tree(self, world: World) -> None:
        await world.sync()
        async with transaction(world.sessions) as session:
            (hr,) = await queries.departments_named(session, "人力资源部")
            leaders = await queries.leaders_of_department(session, hr.id)
            members = await queries.people_in_departments(session, [hr.id])
            follower = next(person for person in members if person.id not in {leader.id for leader in leaders})
            assert await roles.nearest_heads_above(session, follower) == leaders

    async def test_tags_are_kept_with_their_people(self, world: World) -> None:
        await world.sync()
        async with transaction(world.sessions) as session:
            tagged = await queries.people_with_tag(session, "HR")
            through_department = await queries.people_with_tag(session, "项目团队")
            (hr,) = await queries.departments_named(session, "人力资源部")
            assert {one.id for one in tagged} == {
                one.id for one in await queries.people_in_departments(session, [hr.id]) if one.status in EMPLOYED
            }
        assert through_department

    @pytest.mark.parametrize(
        "place",
        [
            {"tasks__escalation": [{"after": "0m", "to": "tag:看护人"}]},
            {"approvals__fallback": ["tag:看护人"]},
            {"groups__types__project__administered_by": "tag:看护人"},
            {"groups__types__project__informed": ["role:hr", "tag:看护人"]},
            {"groups__types__project__create": [{"name": "看护人", "approver": "tag:看护人"}]},
        ],
        ids=lambda place: next(iter(place)).rpartition("__")[2],
    )
    async def test_of_many_tags_those_are_read_that_the_policy_names_anywhere(
        self, world: World, place: dict[str, Any]
    ) -> None:
        """Of more than a hundred tags the others are left out; a tag means its people wherever it is named."""
        for number in range(300):
            await world.sandbox.create_tag(f"标签{number}")
        someone = (await world.sandbox.people())[7]["userid"]
        named = await world.sandbox.create_tag("看护人")
        await world.sandbox.add_to_tag(named["id"], [someone])
        async with transaction(world.sessions) as session:
            changed = await policy(session, **place)
        await world.sync()

        async with transaction(world.sessions) as session:
            meant = await roles.resolve(session, Expression.parse("tag:看护人"), Subject(), changed)
            read = await sync_queries.tags_by_id(session)
        assert [one.id for one in meant] == [(await world.person(someone)).id]
        assert "标签7" not in {tag.name for tag in read.values()}

    async def test_the_progress_can_be_followed(self, world: World) -> None:
        run = await world.sync()
        assert (run.fetched, run.expected) == (60, 60)
        assert run.phase == ""

    async def test_staged_rows_go_with_the_run(self, world: World) -> None:
        await world.sync()
        async with transaction(world.sessions) as session:
            assert (await session.scalars(text("SELECT count(*) FROM staged_people"))).one() == 0
            assert (await session.scalars(text("SELECT count(*) FROM staged_departments"))).one() == 0


class TestUnchanged:
    """A run that finds nothing new writes nothing."""

    async def test_a_second_run_writes_no_row(self, world: World) -> None:
        await world.sync()
        before = await world.written()
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert run.counts == {"people": {}, "departments": {}, "memberships": {}, "tags": {}}
        assert await world.written() == before


class TestChanges:
    """F31: every change is a row; what did not change is not touched."""

    async def test_only_the_changed_person_is_written(self, world: World) -> None:
        await world.sync()
        before = await world.written()
        someone = (await world.sandbox.people())[5]["userid"]
        await world.sandbox.set_name(someone, "新名字")
        run = await world.sync()
        after = await world.written()

        assert run.counts["people"] == {"updated": 1}
        assert len(set(after["people"]) - set(before["people"])) == 1
        assert after["memberships"] == before["memberships"]
        assert (await world.person(someone)).name == "新名字"

    async def test_old_and_new_values_are_recorded(self, world: World) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[5]
        await world.sandbox.set_name(someone["userid"], "新名字")
        await world.sync()

        person = await world.person(someone["userid"])
        async with transaction(world.sessions) as session:
            statement = queries.changes_of(person.id).where(text("change = 'updated'"))
            (change,) = (await session.scalars(statement)).all()
        assert (change.before, change.after) == ({"name": someone["name"]}, {"name": "新名字"})

    async def test_a_person_who_moved_stands_in_the_new_department_only(self, world: World) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[30]
        await world.sandbox.move(someone["userid"], [5])
        run = await world.sync()

        assert run.counts["memberships"]["joined"] == 1
        assert await world.departments_of(await world.person(someone["userid"])) == [5]

    async def test_a_renamed_and_a_moved_department(self, world: World) -> None:
        await world.sync()
        await world.sandbox.rename_department(5, "数字化部")
        await world.sandbox.move_department(11, 5)
        run = await world.sync()

        assert run.counts["departments"] == {"renamed": 1, "moved": 1}
        async with transaction(world.sessions) as session:
            assert 11 in await queries.departments_below(session, [5])

    async def test_userids_are_the_same_whatever_their_case(self, world: World) -> None:
        """F24."""
        await world.sync()
        someone = (await world.sandbox.people())[5]["userid"]
        assert (await world.person(someone.upper())).id == (await world.person(someone)).id

        def shout(_request: object, answer: dict[str, object]) -> dict[str, object]:
            rows = answer["dept_user"]
            assert isinstance(rows, list)
            return answer | {"dept_user": [row | {"userid": row["userid"].upper()} for row in rows]}

        world.spoil("user/list_id", shout)
        run = await world.sync()
        assert run.counts["people"] == {}


class TestMissing:
    """Missing in one run is no departure; in the second it is."""

    async def test_two_runs_make_a_departure(self, world: World) -> None:
        await world.sync()
        victim = (await world.sandbox.people())[40]["userid"]
        person = await world.person(victim)
        await world.sandbox.delete_person(victim)

        await world.sync()
        assert (await world.by_id(person)).status is PersonStatus.MISSING
        assert await world.departed() == []
        assert await world.departments_of(person) != []

        await world.sync()
        assert (await world.by_id(person)).status is PersonStatus.LEFT
        assert await world.departed() == [(str(person.id), "left")]
        assert await world.departments_of(person) == []
        assert await world.person_or_none(victim) is None
        assert (await world.changes_of(person))[-2:] == ["missing", "left"]

    async def test_who_comes_back_in_between_simply_returns(self, world: World) -> None:
        await world.sync()
        victim = (await world.sandbox.people())[40]["userid"]
        person = await world.person(victim)
        _hide(world, victim)
        await world.sync()
        world.unspoil()
        await world.sync()

        here = await world.person(victim)
        assert (here.id, here.status, here.missing_runs) == (person.id, PersonStatus.ACTIVE, 0)
        assert (await world.changes(victim))[-2:] == ["missing", "returned"]

    async def test_a_department_too_goes_after_two_runs(self, world: World) -> None:
        await world.sandbox.create_department("临时项目部", 1, department_id=99)
        await world.sync()
        await world.sandbox.delete_department(99)
        first, second = await world.sync(), await world.sync()

        assert (first.counts["departments"], second.counts["departments"]) == ({"missing": 1}, {"ended": 1})


def _hide(world: World, userid: str) -> None:
    def without(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        return [row for row in rows if row["userid"] != userid]

    world.spoil("user/list_id", lambda _r, answer: answer | {"dept_user": without(answer["dept_user"])})
    world.spoil("user/list", lambda _r, answer: answer | {"userlist": without(answer["userlist"])})


class TestLifeCycle:
    """F29: active, disabled, not activated, left, invisible."""

    async def test_who_is_disabled_loses_their_groups(self, world: World) -> None:
        await world.sync()
        victim = await _an_active_one(world)
        await world.sandbox.disable(victim)
        await world.sync()

        person = await world.person(victim)
        assert person.status is PersonStatus.DISABLED
        assert await world.departed() == [(str(person.id), "disabled")]

    async def test_who_is_enabled_again_is_active_and_nobody_has_departed(self, world: World) -> None:
        await world.sync()
        victim = await _an_active_one(world)
        await world.sandbox.disable(victim)
        await world.sync()
        await world.sandbox.enable(victim)
        await world.sync()

        assert (await world.person(victim)).status is PersonStatus.ACTIVE
        assert len(await world.departed()) == 1
        assert (await world.changes(victim))[-2:] == ["disabled", "enabled"]


async def _an_active_one(world: World) -> str:
    return (await world.userids(status=PersonStatus.ACTIVE))[-1]


class TestDryRun:
    """F27: what would change, with names; nothing is written."""

    async def test_names_the_changes_and_writes_nothing(self, world: World) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[5]["userid"]
        await world.sandbox.set_name(someone, "新名字")
        before = await world.written()
        run = await world.sync(dry_run=True)

        assert run.state is SyncState.DONE
        assert run.report["changes"]["people"] == [{"id": someone, "name": "新名字", "change": "updated"}]
        assert await world.written() == before
        assert await world.departed() == []

    async def test_before_the_first_run_it_names_everybody(self, world: World) -> None:
        run = await world.sync(dry_run=True)
        assert len(run.report["changes"]["people"]) == 60
        assert await world.statuses() == {}


class TestOneAtATime:
    """F32."""

    async def test_a_second_run_is_refused_while_one_is_at_work(self, world: World) -> None:
        first = await _half_way(world)
        with pytest.raises(SyncAlreadyRunning) as refusal:
            async with transaction(world.sessions) as session:
                await runs.request(session, reason="test", now=world.clock.now())
        assert refusal.value.facts == {"run_id": str(first.id)}

    async def test_one_waits_however_long_and_whoever_asks_again_gets_it(self, world: World) -> None:
        """Nobody begins it for an hour: no worker runs. It is no dead run, and needs no second row."""
        async with transaction(world.sessions) as session:
            first = await runs.request(session, reason="test", now=world.clock.now())
        world.clock.advance(timedelta(hours=1))
        async with transaction(world.sessions) as session:
            again = await runs.request(session, reason="schedule", now=world.clock.now())
            jobs = await session.execute(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'org.sync'"))
        assert (again.id, again.reason, jobs.scalar_one()) == (first.id, "test", 1)

    async def test_of_two_that_begin_together_one_is_refused(self, world: World) -> None:
        async def begin() -> SyncRun:
            async with transaction(world.sessions) as session:
                return await runs.request(session, reason="test", now=world.clock.now(), queue=False)

        outcomes = await asyncio.gather(begin(), begin(), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["SyncAlreadyRunning", "SyncRun"]

    async def test_the_same_job_twice_is_carried_out_once(self, world: World) -> None:
        async with transaction(world.sessions) as session:
            run = await runs.request(session, reason="test", now=world.clock.now())
        twice = [run_sync(world.sessions, world.ctx.platform, world.clock, run_id=run.id) for _ in range(2)]
        assert sorted(map(bool, await asyncio.gather(*twice))) == [False, True]
        assert (await world.run(run)).state is SyncState.DONE

    async def test_a_job_that_meets_a_run_at_work_ends(self, world: World) -> None:
        """It fails no try: eight of them, while a worker is killed again and again, would leave it to a person."""
        first = await _half_way(world)
        await sync(world.ctx, SyncPayload(reason="gap"))
        async with transaction(world.sessions) as session:
            assert (await session.scalars(select(col(SyncRun.id)))).all() == [first.id]

    async def test_a_dead_run_is_taken_over(self, world: World) -> None:
        """Killed half-way: its heartbeat is old, its rows are half staged."""
        dead = await _half_way(world)
        world.clock.advance(timedelta(minutes=2))
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert sum((await world.statuses()).values()) == 60
        gone = await world.run(dead)
        assert gone.state is SyncState.FAILED
        assert str(run.id) in gone.report["explanations"][-1]

    async def test_the_repeated_job_of_a_dead_run_begins_a_new_one(self, world: World) -> None:
        dead = await _half_way(world)
        world.clock.advance(timedelta(minutes=2))
        carried_out = await run_sync(world.sessions, world.ctx.platform, world.clock, run_id=dead.id)

        assert carried_out not in {None, dead.id}
        assert (await world.run(dead)).state is SyncState.FAILED

    async def test_a_job_that_comes_back_too_early_looks_again_later(self, world: World) -> None:
        """Its worker died a moment ago: the run does not count as dead yet, and must not be forgotten."""
        dead = await _half_way(world)
        await sync(world.ctx, SyncPayload(run_id=dead.id))
        async with transaction(world.sessions) as session:
            waiting = await session.execute(
                text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'org.sync' AND execute_after > now()")
            )
            assert waiting.scalars().one() == 1

    async def test_a_run_that_was_taken_over_writes_nothing_any_more(self, world: World) -> None:
        dead = await _half_way(world)
        world.clock.advance(timedelta(minutes=2))
        await world.sync()
        with pytest.raises(RunLost):
            async with transaction(world.sessions) as session:
                await runs.beat(session, run_id=dead.id, now=world.clock.now())


async def _half_way(world: World) -> SyncRun:
    """A run that began and was killed."""
    async with transaction(world.sessions) as session:
        run = await runs.request(session, reason="test", now=world.clock.now())
    async with transaction(world.sessions) as session:
        assert await runs.claim(session, run_id=run.id, now=world.clock.now()) is not None
    return run


class TestSchedule:
    """F26: the scheduled run is the backbone; after downtime it comes at once."""

    INTERVAL = timedelta(hours=2)

    async def _due(self, world: World) -> list[tuple[str, timedelta]]:
        async with transaction(world.sessions) as session:
            rows = await session.execute(
                text("SELECT subject, due_at FROM timers WHERE kind = 'org.sync_due' ORDER BY 1")
            )
            return [(subject, due_at - world.clock.now()) for subject, due_at in rows]

    async def _start(self, world: World) -> None:
        async with transaction(world.sessions) as session:
            await runs.ensure_scheduled(session, now=world.clock.now(), interval=self.INTERVAL)

    async def test_on_an_empty_database_it_is_due_at_once(self, world: World) -> None:
        await self._start(world)
        assert await self._due(world) == [("7200", timedelta(0))]

    async def test_after_a_restart_it_keeps_its_rhythm(self, world: World) -> None:
        await world.sync()
        world.clock.advance(timedelta(minutes=30))
        await self._start(world)
        assert await self._due(world) == [("7200", timedelta(minutes=90))]

    async def test_after_downtime_it_is_due_at_once(self, world: World) -> None:
        await world.sync()
        world.clock.advance(timedelta(days=1))
        await self._start(world)
        assert await self._due(world) == [("7200", timedelta(0))]

    async def test_after_a_clock_was_set_back_it_is_no_farther_than_an_interval(self, world: World) -> None:
        world.clock.advance(timedelta(hours=5))
        await world.sync()
        await self._start(world)
        world.clock.advance(-timedelta(hours=5))
        await self._start(world)
        assert await self._due(world) == [("7200", self.INTERVAL)]

    async def test_a_run_that_died_before_it_is_taken_over(self, world: World) -> None:
        world.clock.advance(timedelta(hours=5))
        async with transaction(world.sessions) as session:
            dead = await runs.request(session, reason="api", now=world.clock.now(), queue=False)
        world.clock.advance(-timedelta(hours=5))
        async with transaction(world.sessions) as session:
            run = await runs.request(session, reason="api", now=world.clock.now(), queue=False)
        assert run.id != dead.id

    async def test_another_interval_replaces_the_timer(self, world: World) -> None:
        async with transaction(world.sessions) as session:
            await runs.ensure_scheduled(session, now=world.clock.now(), interval=timedelta(hours=6))
        await self._start(world)
        assert [subject for subject, _ in await self._due(world)] == ["7200"]

    async def test_falling_due_queues_a_run_and_the_next_timer(self, world: World) -> None:
        async with transaction(world.sessions) as session:
            await runs.sync_due(session, "7200", world.clock.now())
        assert await self._due(world) == [("7200", self.INTERVAL)]
        async with transaction(world.sessions) as session:
            run = await sync_queries.running_run(session)
            assert run is not None
            assert run.reason == "schedule"

    async def test_falling_due_during_a_run_only_sets_the_next_timer(self, world: World) -> None:
        await _half_way(world)
        async with transaction(world.sessions) as session:
            await runs.sync_due(session, "7200", world.clock.now())
        assert await self._due(world) == [("7200", self.INTERVAL)]

    async def test_a_failed_run_does_not_wait_for_its_regular_turn(self, world: World) -> None:
        await world.sync()
        await self._start(world)
        await world.sandbox.fail("*", errcode=-1, times=None)
        waits = []
        for _ in range(7):
            assert (await world.sync()).state is SyncState.FAILED
            await self._start_at_regular_turn(world)
            assert (await world.sync()).state is SyncState.FAILED
            waits.append((await self._due(world))[0][1])
        assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=10)]
        assert waits[-1] == timedelta(minutes=10)

    async def test_a_run_that_left_somebody_out_is_repeated_soon(self, world: World) -> None:
        """A newcomer on the page that was not read is invisible until it is read: not until the next day."""
        run = await self._left_out(world)

        assert (run.state, run.report["details_complete"]) == (SyncState.DONE, False)
        assert (await self._due(world))[0][1] == timedelta(seconds=30)
        assert any("会自动再读一次" in sentence for sentence in run.report["explanations"])
        world.clock.advance(timedelta(seconds=30))
        async with transaction(world.sessions) as session:
            await runs.sync_due(session, "7200", world.clock.now())
            again = await sync_queries.running_run(session)
        assert again is not None
        await run_sync(world.sessions, world.ctx.platform, world.clock, run_id=again.id)
        assert "invisible" not in await world.statuses()
        assert await self._due(world) == [("7200", self.INTERVAL)]

    async def test_what_never_can_be_read_ends_at_the_regular_turn(self, world: World) -> None:
        """The waits double: a department outside the app's rights costs a few runs, and then one a day as before."""
        await self._start(world)
        await world.sandbox.fail("user/list", errcode=60011, times=None)
        waits = []
        for _ in range(9):
            await self._start_at_regular_turn(world)
            run = await world.sync()
            waits.append((await self._due(world))[0][1])
            await self._start_at_regular_turn(world, after=self.INTERVAL)
        assert waits[:4] == [timedelta(seconds=30 * 2**number) for number in range(4)]
        assert waits == sorted(waits)
        await self._start_at_regular_turn(world, after=self.INTERVAL)
        run = await world.sync()
        assert "这次没有读全，下一次同步会再读。" in run.report["explanations"]

    async def test_a_restart_does_not_put_off_what_was_to_be_read_soon(self, world: World) -> None:
        await self._left_out(world)
        await self._start(world)
        assert (await self._due(world))[0][1] == timedelta(seconds=30)

    async def _left_out(self, world: World) -> SyncRun:
        await self._start(world)
        await self._start_at_regular_turn(world)
        await world.sandbox.fail("user/list", errcode=60011, times=1)
        return await world.sync()

    async def _start_at_regular_turn(self, world: World, *, after: timedelta = timedelta(days=2)) -> None:
        async with transaction(world.sessions) as session:
            await session.execute(
                text("UPDATE timers SET due_at = :at WHERE kind = 'org.sync_due'"),
                {"at": world.clock.now() + after},
            )


class TestUsedUpQuota:
    """P6, P7: what we keep back ourselves empties nothing, and the report says until when."""

    async def test_leaves_what_was_not_read_as_it_is_and_says_until_when(self, world: World) -> None:
        await world.sync()
        before = await world.statuses()
        world.clock.advance(timedelta(hours=1))
        async with transaction(world.sessions) as session:
            await numbers.change(session, "api.corp.hour", now=world.clock.now(), most=4)
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert await world.statuses() == before
        assert await world.departed() == []
        [*_, said] = [line for line in run.report["explanations"] if "api.corp.hour" in line]
        assert "调用额度已用完" in said
        assert "之后恢复" in said
