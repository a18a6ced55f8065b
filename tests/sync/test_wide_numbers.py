"""F30: numbers of the platform beyond 32 bits are numbers. One that no column holds costs itself, and is told."""

from __future__ import annotations

import httpx
from sqlalchemy import text

from app.database import transaction
from app.org import queries
from models.org import SyncState
from tests.platform import Answer
from tests.sync.world import Rest, World

ODD = 2315041299
LARGEST_OF_32 = 4294967295
TOO_WIDE = 2**64 + 7


async def wide_departments(world: World) -> str:
    """Two departments with real ids of the platform, one below the other, and a person in the lower one."""
    await world.sandbox.create_department("子公司", department_id=ODD)
    await world.sandbox.create_department("驻外机构", ODD, department_id=LARGEST_OF_32)
    someone = str((await world.sandbox.people())[5]["userid"])
    await world.sandbox.move(someone, [LARGEST_OF_32])
    return someone


class TestNumbersBeyond32Bits:
    async def test_departments_and_their_people_are_kept(self, world: World) -> None:
        someone = await wide_departments(world)
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert run.report["bad_rows"]["count"] == 0
        person = await world.person(someone)
        assert await world.departments_of(person) == [LARGEST_OF_32]
        assert person.main_department_id == LARGEST_OF_32
        async with transaction(world.sessions) as session:
            assert [one.id for one in await queries.people_in_departments(session, [ODD])] == [person.id]
            assert await queries.ids_in_departments(session, [ODD]) == [person.id]
            assert await queries.departments_above(session, LARGEST_OF_32) == [LARGEST_OF_32, ODD, 1]

    async def test_rest_takes_and_shows_them(self, world: World, rest: Rest) -> None:
        someone = await wide_departments(world)
        await world.sync()

        assert (await rest.get(f"departments/{ODD}"))["name"] == "子公司"
        below = await rest.get("departments", parent_id=ODD)
        assert [department["id"] for department in below["items"]] == [LARGEST_OF_32]
        inside = await rest.get("members", department=LARGEST_OF_32)
        assert [member["userid"] for member in inside["items"]] == [someone]
        assert await rest.get(f"departments/{2**62}", expect=404)
        assert await rest.get(f"departments/{TOO_WIDE}", expect=404)
        assert await rest.get("members", department=TOO_WIDE, expect=422)
        assert await rest.get("departments", parent_id=TOO_WIDE, expect=422)

    async def test_a_tag_may_hold_them_and_have_such_an_id(self, world: World) -> None:
        await wide_departments(world)
        tag = await world.sandbox.create_tag("驻外", tag_id=LARGEST_OF_32 + 1)
        await world.sandbox.add_to_tag(tag["id"], [], [ODD])
        run = await world.sync()

        assert run.state is SyncState.DONE
        async with transaction(world.sessions) as session:
            assert len(await queries.people_with_tag(session, "驻外")) == 1

    async def test_callbacks_about_them_are_followed(self, world: World) -> None:
        await world.sync()
        someone = await wide_departments(world)
        await world.hint_department(ODD)
        await world.hint_department(LARGEST_OF_32)
        await world.hint(someone)
        tag = await world.sandbox.create_tag("驻外", tag_id=LARGEST_OF_32 + 1)
        await world.sandbox.add_to_tag(tag["id"], [], [ODD])
        await world.hint_tag(LARGEST_OF_32 + 1)

        assert await world.departments_of(await world.person(someone)) == [LARGEST_OF_32]
        async with transaction(world.sessions) as session:
            assert len(await queries.people_with_tag(session, "驻外")) == 1

    async def test_every_number_of_the_platform_has_64_bits(self, world: World) -> None:
        """What counts something of ours may be narrower: it is named here."""
        statement = text(
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND (udt_name IN ('int4', '_int4', 'int2', '_int2'))"
            " AND (column_name LIKE '%department%' OR column_name LIKE '%parent%' OR column_name LIKE '%errcode%'"
            "      OR column_name = 'agent_id' OR table_name IN ('departments', 'tags', 'staged_departments')"
            "         AND column_name = 'id')"
        )
        async with transaction(world.sessions) as session:
            assert list(await session.scalars(statement)) == []


class TestValuesThatDoNotFit:
    """Wider than 64 bits, or no number: the value is lost, and nothing beside it."""

    async def test_a_department_of_one_person(self, world: World) -> None:
        await world.sync()
        first = (await world.sandbox.people())[0]["userid"]

        def ids(_request: httpx.Request, answer: Answer) -> Answer:
            for row in answer["dept_user"]:
                if row["userid"] == first:
                    row["department"] = TOO_WIDE
            return answer

        world.spoil("user/list_id", ids)
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert run.report["ids_complete"]
        assert any(first in example for example in run.report["bad_rows"]["examples"])
        assert await world.person(first)
        assert {"missing", "left"}.isdisjoint(run.counts["people"])

    async def test_status_order_and_main_department(self, world: World) -> None:
        await world.sync()
        before = await world.statuses()
        spoilt: list[str] = []

        def details(_request: httpx.Request, answer: Answer) -> Answer:
            for row in answer["userlist"]:
                spoilt.append(row["userid"])
                row |= {"order": [TOO_WIDE] * len(row["order"]), "main_department": "一", "status": str(TOO_WIDE)}
            return answer

        world.spoil("user/list", details)
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert await world.statuses() == before
        told = run.report["bad_rows"]
        assert told["count"] == 3 * len(set(spoilt))
        assert any(example.endswith(": status") for example in told["examples"])

    async def test_a_department_and_a_parent(self, world: World) -> None:
        await world.sync()

        def departments(_request: httpx.Request, answer: Answer) -> Answer:
            for key in ("department", "department_id"):
                if key in answer:
                    answer[key][3]["parentid"] = 10**40
                    answer[key].append({"id": TOO_WIDE, "name": "太宽", "parentid": 1, "order": 1})
            return answer

        world.spoil("department/list", departments)
        world.spoil("department/simplelist", departments)
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert run.counts["departments"] == {"moved": 1}
        assert any(str(TOO_WIDE) in example for example in run.report["bad_rows"]["examples"])
        assert any(example.endswith(": parentid") for example in run.report["bad_rows"]["examples"])

    async def test_a_tag_and_what_it_holds(self, world: World) -> None:
        await world.sandbox.create_tag("部门们", tag_id=77)
        await world.sandbox.add_to_tag(77, [], [2])

        def tags(_request: httpx.Request, answer: Answer) -> Answer:
            return answer | {"taglist": [*answer["taglist"], {"tagid": TOO_WIDE, "tagname": "太宽"}]}

        def tag(_request: httpx.Request, answer: Answer) -> Answer:
            return answer | {"partylist": [*answer["partylist"], TOO_WIDE, "总部"]}

        world.spoil("tag/list", tags)
        world.spoil("tag/get", tag)
        run = await world.sync()

        assert run.state is SyncState.DONE
        async with transaction(world.sessions) as session:
            assert await queries.people_with_tag(session, "部门们")
        assert {"tagid", "partylist"} <= {word for one in run.report["bad_rows"]["examples"] for word in one.split()}

    async def test_a_callback_about_such_a_number_ends(self, world: World) -> None:
        await world.sync()
        before = await world.written()
        await world.hint_department(TOO_WIDE, deleted=True)
        await world.hint_tag(TOO_WIDE)
        assert await world.written() == before
