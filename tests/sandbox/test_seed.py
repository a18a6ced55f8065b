from collections import Counter

import pytest

from sandbox.company import ROOT
from sandbox.config import SandboxConfig
from sandbox.seed import chinese_number, seeded_company
from tests.sandbox.world import World

FIRST_LEVEL = ["总裁办", "人力资源部", "行政部", "信息技术部", "财务部", "市场部", "销售部", "研发部", "项目公司"]


class TestCompany:
    @pytest.mark.parametrize("people", [10, 37, 300, 5_000])
    def test_of_any_size(self, people: int) -> None:
        company = seeded_company(SandboxConfig(people=people))
        assert len(company.people) == people
        top = [company.departments[d].name for d in company.children[ROOT]]
        assert top == FIRST_LEVEL
        assert len({p.userid.lower() for p in company.people.values()}) == people
        assert len({p.mobile for p in company.people.values()}) == people

    def test_same_seed_same_company(self) -> None:
        def told(seed: int) -> list[tuple[str, str, list[int]]]:
            people = seeded_company(SandboxConfig(seed=seed)).people.values()
            return [(p.userid, p.name, p.departments) for p in people]

        assert told(1) == told(1)
        assert told(1) != told(2)

    def test_every_department_has_a_leader_and_everyone_but_one_a_superior(self) -> None:
        company = seeded_company(SandboxConfig(people=2_000))
        assert all(company.leaders(d) for d in company.departments)
        without = [p for p in company.people.values() if not p.direct_leaders]
        assert [p.position for p in without] == ["总裁"]

    def test_sibling_names_are_unique(self) -> None:
        company = seeded_company(SandboxConfig(people=20_000))
        for children in company.children.values():
            names = Counter(company.departments[child].name for child in children)
            assert all(count == 1 for count in names.values())

    def test_statuses(self) -> None:
        statuses = Counter(p.status for p in seeded_company(SandboxConfig(people=10_000)).people.values())
        assert 100 < statuses[4] < 300
        assert 50 < statuses[2] < 150

    def test_exact_number_of_departments(self) -> None:
        company = seeded_company(SandboxConfig(people=1_000, departments=250))
        assert len(company.departments) == 251

    def test_numbers(self) -> None:
        assert [chinese_number(n) for n in (1, 10, 11, 20, 34)] == ["一", "十", "十一", "二十", "三十四"]


class TestBigCompany:
    async def test_five_thousand_people_are_read_department_by_department(self) -> None:
        world = World(people=5_000, limits=False)
        rows = (await world.app("department/simplelist"))["department_id"]
        read = 0
        for row in rows:
            read += len((await world.app("user/list", department_id=row["id"]))["userlist"])
        assert read >= 5_000
        await world.stop()


class TestReset:
    async def test_back_to_the_seeded_company(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        before = await world.client.people()
        await world.send(userid)
        await world.client.delete_person(userid)
        await world.client.create_department("新部", 1)
        await world.client.reset()
        world._tokens.clear()
        assert await world.client.people() == before
        assert await world.client.app_messages(userid) == []
        assert await world.client.callbacks() == []
        await world.client.open_app(userid)
        await world.client.wait_idle()
        assert world.receiver.events("enter_agent")
