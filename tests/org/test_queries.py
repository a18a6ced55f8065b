"""Who is where, who leads whom, who holds which post."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries
from models.ids import PersonId
from models.org import PersonStatus
from tests.builders.org import department, person, tag


class TestPeople:
    async def test_a_userid_names_a_person_whatever_its_case(self, session: AsyncSession) -> None:
        li = await person(session, "Li.Ming")
        assert await queries.person_by_userid(session, " li.MING ") == li
        assert await queries.userids_of(session, [li.id]) == {PersonId(li.id): "Li.Ming"}

    async def test_who_has_left_is_named_by_no_userid(self, session: AsyncSession) -> None:
        gone = await person(session, "gone", status=PersonStatus.LEFT)
        assert await queries.person_by_userid(session, "gone") is None
        assert await queries.former_person_of(session, "gone") == gone
        assert await queries.userids_of(session, [gone.id]) == {}

    async def test_a_department_holds_those_below_it_too(self, session: AsyncSession) -> None:
        top = await department(session, 10, "研发部")
        below = await department(session, 11, "研发一部", parent=top)
        lowest = await department(session, 12, "研发一组", parent=below)
        direct, deep = await person(session, "a", departments=[top]), await person(session, "b", departments=[lowest])

        assert await queries.people_in_departments(session, [10]) == [direct, deep]
        assert await queries.people_in_departments(session, [10], recursive=False) == [direct]

    async def test_missing_and_invisible_people_belong_disabled_and_departed_ones_do_not(
        self, session: AsyncSession
    ) -> None:
        """P6: a roster made from a department never shrinks because somebody could not be seen."""
        await department(session, 10)
        people = {
            status: await person(session, status.value, departments=[10], status=status) for status in PersonStatus
        }
        inside = await queries.people_in_departments(session, [10])
        assert {one.status for one in inside} == set(PersonStatus) - {PersonStatus.DISABLED, PersonStatus.LEFT}
        only = await queries.people_in_departments(session, [10], statuses=[PersonStatus.ACTIVE])
        assert only == [people[PersonStatus.ACTIVE]]

    async def test_a_tag_holds_people_and_departments(self, session: AsyncSession) -> None:
        await department(session, 10)
        named, through = await person(session, "Named"), await person(session, "b", departments=[10])
        await person(session, "neither")
        await tag(session, 1, "HR", userids=["named"], departments=[10])
        assert {one.id for one in await queries.people_with_tag(session, "HR")} == {named.id, through.id}

    async def test_a_post(self, session: AsyncSession) -> None:
        boss = await person(session, "boss", position="总裁")
        await person(session, "other", position="总裁助理")
        assert await queries.people_with_post(session, "总裁") == [boss]

    async def test_a_ring_of_departments_ends(self, session: AsyncSession) -> None:
        await department(session, 10, parent=11)
        await department(session, 11, parent=10)
        assert await queries.departments_below(session, [10]) == [10, 11]
        assert await queries.departments_above(session, 10) == [10, 11]


class TestLeaders:
    """F50: the department head is the leader of the main department."""

    async def test_by_the_departments_list_or_by_a_flag(self, session: AsyncSession) -> None:
        await department(session, 10, leaders=["Wang"])
        wang, zhao = await person(session, "Wang"), await person(session, "zhao", leads=[10])
        assert {one.id for one in await queries.leaders_of_department(session, 10)} == {wang.id, zhao.id}

    async def test_direct_leaders_in_the_platforms_order(self, session: AsyncSession) -> None:
        worker = await person(session, "worker", leaders=["Second", "first", "worker", "nobody"])
        first, second = await person(session, "first"), await person(session, "second")
        assert await queries.direct_leaders_of(session, worker) == [second, first]
