"""Callbacks are hints: one object is read anew; who is who when userids change (D17, F12, F25)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from app.audit.actor import Actor, ActorKind
from app.database import transaction
from app.org import queries
from app.org.identity import link_former, separate_userid
from app.sync import service
from app.sync.job_payloads import DepartmentPayload, PersonPayload, TagPayload
from app.sync.jobs import refresh_department, refresh_person, refresh_tag
from models.inbox import EventState, ReceivedEvent
from models.org import PersonStatus, PersonUserid, SyncKind, SyncRun, UseridReview
from tests.builders.callbacks import arrival, received
from tests.fakes.queue import queued_names, queued_rows
from tests.sync.world import World

HR = Actor(ActorKind.PERSON, "hr")


async def an_active_one(world: World, index: int = -1) -> str:
    return (await world.userids(status=PersonStatus.ACTIVE))[index]


class TestHints:
    """F12: the callback is never believed; the object is fetched again."""

    async def test_a_hint_only_queues_a_refetch(self, world: World) -> None:
        async with transaction(world.sessions) as session:
            await service.hint_user(session, userid="li", deleted=True, now=world.clock.now())
            await service.look_again(session, [DepartmentPayload(department_id=3), TagPayload(tag_id=1)])
            assert await queued_names(session) == ["org.refresh_person", "org.refresh_department", "org.refresh_tag"]

    async def test_what_comes_together_about_one_object_is_one_refetch(self, world: World) -> None:
        hints: list[service.Hint] = [
            PersonPayload(userid="Li", deleted=False, callbacks=(1,)),
            DepartmentPayload(department_id=3, callbacks=(2,)),
            PersonPayload(userid="li", deleted=True, callbacks=(3,)),
            TagPayload(tag_id=3, callbacks=(4,)),
            DepartmentPayload(department_id=3, deleted=True, callbacks=(5,)),
            PersonPayload(userid="LI", callbacks=(6,)),
            PersonPayload(userid="wang", callbacks=(7,)),
        ]
        async with transaction(world.sessions) as session:
            await service.look_again(session, hints, {6: "trace-of-six"})
            queued = [document | {"name": name} for name, document in await queued_rows(session)]

        assert queued == [
            # That somebody leaves the app's range after they were deleted takes nothing back.
            {"name": "org.refresh_person", "userid": "LI", "deleted": True, "callbacks": [1, 3, 6]},
            {"name": "org.refresh_person", "userid": "wang", "callbacks": [7]},
            {"name": "org.refresh_department", "department_id": 3, "deleted": True, "callbacks": [2, 5]},
            {"name": "org.refresh_tag", "tag_id": 3, "callbacks": [4]},
        ]

    async def test_renames_keep_their_order(self, world: World) -> None:
        hints: list[service.Hint] = [
            PersonPayload(userid="li", deleted=False, callbacks=(1,)),
            PersonPayload(userid="li", new_userid="li2", deleted=False, callbacks=(2,)),
            PersonPayload(userid="li2", new_userid="li3", deleted=False, callbacks=(3,)),
            PersonPayload(userid="li3", deleted=False, callbacks=(4,)),
            PersonPayload(userid="li3", deleted=False, callbacks=(5,)),
        ]
        async with transaction(world.sessions) as session:
            await service.look_again(session, hints)
            queued = [(document["userid"], document["callbacks"]) for _, document in await queued_rows(session)]

        assert queued == [("li", [1]), ("li", [2]), ("li2", [3]), ("li3", [4, 5])]

    async def test_a_callback_about_nobody_is_not_told_as_a_success(self, world: World) -> None:
        """The same for departments and tags; a deletion that the refetch confirms is a success."""
        await world.sync()
        victim = await an_active_one(world)
        await world.sandbox.delete_person(victim)
        async with transaction(world.sessions) as session:
            ids = []
            for number in range(5):
                event = await received(session, arrival(key=b"%d" % number))
                event.state = EventState.DONE
                ids.append(event.id or 0)

        await refresh_person(world.ctx, PersonPayload(userid="nobody", callbacks=(ids[0],)))
        await refresh_person(world.ctx, PersonPayload(userid="nobody", deleted=True, callbacks=(ids[1],)))
        await refresh_department(world.ctx, DepartmentPayload(department_id=987_654, callbacks=(ids[2],)))
        await refresh_tag(world.ctx, TagPayload(tag_id=987_654, callbacks=(ids[3],)))
        await refresh_person(world.ctx, PersonPayload(userid=victim, deleted=True, callbacks=(ids[4],)))

        async with transaction(world.sessions) as session:
            events = [await session.get(ReceivedEvent, number) for number in ids]
        assert [event.state for event in events if event] == [*[EventState.IGNORED] * 4, EventState.DONE]
        said = [event.last_error or "" for event in events if event]
        for reason, named in zip(said, ["成员 nobody", "成员 nobody", "部门 987654", "标签 987654"], strict=False):
            assert named in reason

    async def test_a_new_person_is_there_at_once(self, world: World) -> None:
        await world.sync()
        await world.sandbox.hire("newcomer", "新同事", [4])
        await world.hint("newcomer")
        person = await world.person("newcomer")
        assert (person.name, await world.departments_of(person)) == ("新同事", [4])

    async def test_a_move_is_followed(self, world: World) -> None:
        await world.sync()
        someone = await an_active_one(world)
        await world.sandbox.move(someone, [6])
        await world.hint(someone)
        assert await world.departments_of(await world.person(someone)) == [6]

    async def test_a_deletion_that_the_refetch_confirms_is_a_departure_at_once(self, world: World) -> None:
        await world.sync()
        victim = await an_active_one(world)
        person = await world.person(victim)
        await world.sandbox.delete_person(victim)
        await world.hint(victim, deleted=True)

        assert (await world.by_id(person)).status is PersonStatus.LEFT
        assert await world.departed() == [(str(person.id), "left")]

    async def test_a_deletion_that_the_refetch_contradicts_changes_nothing(self, world: World) -> None:
        await world.sync()
        someone = await an_active_one(world)
        before = await world.written()
        await world.hint(someone, deleted=True)
        assert await world.written() == before

    async def test_who_merely_cannot_be_seen_any_more_has_not_left(self, world: World) -> None:
        await world.sync()
        someone = await an_active_one(world)
        await world.sandbox.set_visible_range(parties=[])
        before = await world.written()
        await world.hint(someone)
        assert await world.written() == before

    async def test_repeated_or_late_they_change_nothing(self, world: World) -> None:
        await world.sync()
        victim = await an_active_one(world)
        await world.sandbox.delete_person(victim)
        await world.hint(victim, deleted=True)
        before = await world.written()
        await world.hint(victim, deleted=True)
        await world.hint(victim)
        assert await world.written() == before
        assert len(await world.departed()) == 1

    async def test_departments_come_move_and_go(self, world: World) -> None:
        await world.sync()
        await world.sandbox.create_department("先遣部", 3, department_id=90)
        await world.hint_department(90)
        await world.sandbox.move_department(90, 4)
        await world.hint_department(90)
        async with transaction(world.sessions) as session:
            department = await queries.department(session, 90)
            assert department is not None
            assert (department.name, department.parent_id) == ("先遣部", 4)
        await world.sandbox.delete_department(90)
        await world.hint_department(90)
        await world.hint_department(90, deleted=True)
        async with transaction(world.sessions) as session:
            assert await queries.department(session, 90) is None

    async def test_a_tag_is_read_anew(self, world: World) -> None:
        await world.sync()
        someone = await an_active_one(world)
        await world.sandbox.add_to_tag(2, [someone])
        await world.hint_tag(2)
        async with transaction(world.sessions) as session:
            tagged = await queries.people_with_tag(session, "部门负责人")
        assert (await world.person(someone)).id in {person.id for person in tagged}

    async def test_what_a_hint_tells_during_a_run_is_newer_than_the_run(self, world: World) -> None:
        await world.sync()
        someone = await an_active_one(world)

        def stale(_request: Any, answer: dict[str, Any]) -> dict[str, Any]:
            users = [user | {"name": "旧名字"} if user["userid"] == someone else user for user in answer["userlist"]]
            return answer | {"userlist": users}

        world.spoil("user/list", stale)
        world.line.before["tag/list"] = lambda: world.hint(someone)
        await world.sandbox.set_name(someone, "新名字")
        await world.sync()
        assert (await world.person(someone)).name == "新名字"


class TestStormOfDeletions:
    """P6: many small deletions do not evade the budget."""

    async def test_beyond_the_budget_they_wait_for_the_full_run(self, world: World) -> None:
        await world.sync()
        everybody = await world.userids()
        for userid in everybody:
            await world.sandbox.delete_person(userid)
            await world.hint(userid, deleted=True)

        statuses = await world.statuses()
        assert statuses["left"] == 48  # 80 % of sixty
        assert sum(statuses.values()) - statuses["left"] == 12

    async def test_what_waits_is_told(self, world: World) -> None:
        await self.test_beyond_the_budget_they_wait_for_the_full_run(world)
        async with transaction(world.sessions) as session:
            statement = select(SyncRun).where(col(SyncRun.kind) == SyncKind.HINT)
            reports = [run.report for run in (await session.scalars(statement)).all()]
        assert any("等下一次全量同步核对" in "".join(report.get("explanations", [])) for report in reports)


class TestRename:
    """F23: a renamed userid keeps everything."""

    async def test_the_same_person_under_the_new_userid(self, world: World) -> None:
        await world.sync()
        old = await an_active_one(world)
        person = await world.person(old)
        await world.sandbox.rename_userid(old, "brand.New")
        await world.hint(old, new_userid="brand.New")

        renamed = await world.person("brand.new")
        assert renamed.id == person.id
        assert renamed.status is PersonStatus.ACTIVE
        assert await world.person_or_none(old) is None
        assert await world.departed() == []
        async with transaction(world.sessions) as session:
            assert (await queries.userids_of(session, [person.id]))[renamed.id] == "brand.New"
            statement = select(PersonUserid).where(col(PersonUserid.person_id) == person.id)
            assert len((await session.scalars(statement)).all()) == 2

    async def test_told_twice_it_happens_once(self, world: World) -> None:
        await world.sync()
        old = await an_active_one(world)
        await world.sandbox.rename_userid(old, "brand.new")
        await world.hint(old, new_userid="brand.new")
        before = await world.written()
        await world.hint(old, new_userid="brand.new")
        assert await world.written() == before

    async def test_told_after_a_run_met_the_new_userid_it_is_still_one_person(self, world: World) -> None:
        await world.sync()
        old = await an_active_one(world)
        person = await world.person(old)
        await world.sandbox.rename_userid(old, "brand.new")
        await world.sync()
        assert (await world.person("brand.new")).id != person.id
        await world.hint(old, new_userid="brand.new")

        assert (await world.person("brand.new")).id == person.id
        run = await world.sync()
        assert run.counts["people"] == {}
        assert await world.departed() == []

    async def test_a_late_rename_does_not_touch_who_has_the_old_userid_now(self, world: World) -> None:
        await world.sync()
        old = await an_active_one(world)
        first = await world.person(old)
        await world.sandbox.rename_userid(old, "brand.new")
        await world.hint(old, new_userid="brand.new")
        await world.sandbox.hire(old, "后来者", [4], email="later@example.test")
        await world.hint(old)
        second = await world.person(old)
        await world.hint(old, new_userid="brand.new")

        assert (await world.person("brand.new")).id == first.id
        assert (await world.person(old)).id == second.id


class TestReusedUserid:
    """D17: a re-used userid inherits nothing until a person links it."""

    async def _come_back(self, world: World) -> tuple[str, Any, Any]:
        await world.sync()
        userid = await an_active_one(world)
        former = await world.person(userid)
        await world.sandbox.delete_person(userid)
        await world.hint(userid, deleted=True)
        await world.sandbox.hire(userid, "同名新人", [4])
        await world.sync()
        return userid, former, await world.person(userid)

    async def test_it_is_a_new_person_and_a_person_is_asked(self, world: World) -> None:
        userid, former, newcomer = await self._come_back(world)
        assert newcomer.id != former.id
        async with transaction(world.sessions) as session:
            (review,) = (await session.scalars(select(UseridReview))).all()
            assert (review.userid, review.new_person_id, review.former_person_id) == (userid, newcomer.id, former.id)

    async def test_linked_they_get_their_history_back(self, world: World) -> None:
        userid, former, newcomer = await self._come_back(world)
        async with transaction(world.sessions) as session:
            await link_former(session, userid=userid, actor=HR, now=world.clock.now())

        linked = await world.person(userid)
        assert (linked.id, linked.status, linked.name, linked.ended_at) == (
            former.id,
            PersonStatus.ACTIVE,
            "同名新人",
            None,
        )
        assert await world.departments_of(linked) == [4]
        assert (await world.by_id(newcomer)).status is PersonStatus.LEFT
        assert (await world.changes(userid))[-1] == "rejoined"
        assert (await world.sync()).counts["people"] == {}

    async def test_separated_they_stay_two(self, world: World) -> None:
        userid, former, newcomer = await self._come_back(world)
        async with transaction(world.sessions) as session:
            await separate_userid(session, userid=userid, actor=HR, now=world.clock.now())
        assert (await world.person(userid)).id == newcomer.id
        assert (await world.by_id(former)).status is PersonStatus.LEFT
