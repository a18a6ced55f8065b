"""Who is meant: each expression of the policy, seen from a person, a department or a group (F50)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from app.org.rules import may_act
from app.policy.document import default_document
from app.policy.sections.people import Expression
from app.roles import service as roles
from app.roles.roll_call import call_roll
from app.roles.service import Subject
from app.roles.vacancies import CROWD, look_at_roles
from models.org import PersonStatus
from tests.builders.org import department, person, tag
from tests.builders.policy import policy
from tests.company import Company, found
from tests.fakes.clock import MONDAY_9AM


@pytest.fixture
async def company(session: AsyncSession) -> Company:
    """总裁 zhao over 研发部 (head wang; li, chen) and 人力资源部 (head han; sun)."""
    return await found(session)


async def names(session: AsyncSession, company: Company, text: str, about: Subject) -> list[str]:
    return [one.name for one in await roles.resolve(session, Expression.parse(text), about, company.policy)]


class TestEachKind:
    async def test_department_head(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "department_head", Subject(company.li)) == ["王芳"]

    async def test_direct_leader(self, session: AsyncSession, company: Company) -> None:
        company.li.direct_leader_userids = ["chen"]
        assert await names(session, company, "direct_leader", Subject(company.li)) == ["陈晨"]

    async def test_nobody_is_the_direct_leader_of_who_has_none(self, session: AsyncSession, company: Company) -> None:
        """The head does not stand in for them here: `superiors_of` does that (policy 3.6, 4.4)."""
        assert await names(session, company, "direct_leader", Subject(company.li)) == []

    @pytest.mark.parametrize("text", ["group_administrator", "group_owner"])
    async def test_administrators_of_the_group(self, session: AsyncSession, company: Company, text: str) -> None:
        group = Subject(company.li, administrators=[company.sun, company.chen])
        assert await names(session, company, text, group) == ["孙宁", "陈晨"]
        assert await names(session, company, text, Subject(company.li)) == []

    async def test_role(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "role:hr", Subject()) == ["韩梅", "孙宁"]

    async def test_role_that_the_policy_does_not_name(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "role:nobody", Subject()) == []

    async def test_tag(self, session: AsyncSession, company: Company) -> None:
        await tag(session, 9, "值班", userids=["li"], departments=[3])
        assert await names(session, company, "tag:值班", Subject()) == ["李军", "韩梅", "孙宁"]

    async def test_post(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "post:总裁", Subject()) == ["赵总"]

    async def test_userid(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "userid:CHEN", Subject()) == ["陈晨"]
        assert await names(session, company, "userid:nobody", Subject()) == []

    @pytest.mark.parametrize("text", ["department_head", "direct_leader", "group_owner"])
    async def test_seen_from_nowhere_it_names_nobody(self, session: AsyncSession, company: Company, text: str) -> None:
        assert await names(session, company, text, Subject()) == []


class TestTheHeadComesFirst:
    """1.9: by rule (head, deputy head, longest in post), never by the order of rows."""

    async def test_head_then_deputy_then_the_longest_in_post(self, session: AsyncSession, company: Company) -> None:
        await department(session, 9, "市场部", parent=1, leaders=["d2", "d1", "new", "old"])
        long_ago = MONDAY_9AM - timedelta(days=900)
        await person(session, "d2", "副部长乙", departments=[9], position="副部长")
        await person(session, "d1", "副部长甲", departments=[9], position="市场部副部长", now=long_ago)
        await person(session, "new", "新部长", departments=[9], position="部长")
        await person(session, "old", "老部长", departments=[9], position="部长", now=long_ago)
        clerk = await person(session, "clerk", "职员", departments=[9])

        assert await names(session, company, "department_head", Subject(clerk)) == [
            "老部长",
            "新部长",
            "副部长甲",
            "副部长乙",
        ]

    async def test_a_department_without_a_head_has_the_one_above_it_not_the_one_above_the_person(
        self, session: AsyncSession, company: Company
    ) -> None:
        await department(session, 9, "实验室", parent=2)
        assert await names(session, company, "department_head", Subject(company.sun, 9)) == ["王芳"]


EXPRESSIONS = [
    "role:everything", "role:leaders", "role:hr", "role:none", "tag:值班", "tag:全部", "tag:无", "post:总裁",
    "post:研究员", "post:无", "userid:CHEN", "userid:gone", "userid:left", "userid:none",
]  # fmt: skip


class TestVacantRoles:
    """A role nobody holds is a fault of the configuration, told before a request meets it."""

    async def test_each_is_named_with_the_first_place_that_relies_on_it(
        self, session: AsyncSession, company: Company
    ) -> None:
        company.zhao.position = "顾问"
        found = {fault.path: fault.message for fault in await look_at_roles(session, company.policy.document)}
        assert found["groups.types.executive.create[0].approver"].startswith(
            "角色“总裁”（role:president）没有人担任（另有"
        )
        assert not any("role:hr" in message for message in found.values())
        assert not any("role:marketing_vp" in message for message in found.values()), "of a type that is switched off"

    async def test_a_role_that_a_crowd_holds_is_named_too(self, session: AsyncSession, company: Company) -> None:
        await tag(session, 9, "全员", departments=[await department(session, 9, parent=1)])
        for number in range(CROWD + 1):
            await person(session, f"clerk{number}", departments=[9])
        document = (await policy(session, roles__hr={"title": "人力资源", "tags": ["全员"]})).document
        found = [fault.message for fault in await look_at_roles(session, document)]
        assert any(message.startswith("角色“人力资源”（role:hr）由 21 人担任") for message in found)

    async def test_thousands_of_names_are_a_handful_of_queries(self, session: AsyncSession, company: Company) -> None:
        document = default_document().model_copy(deep=True)
        step = document.groups.types["project"].join.steps[0]
        names = [f"{kind}:n{number}" for kind in ("userid", "tag", "post") for number in range(1_000)]
        for name in names:
            rule = step.model_copy(update={"approver": Expression.parse(name)})
            document.groups.types["project"].join.steps.append(rule)
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        connection = (await session.connection()).sync_connection
        event.listen(connection, "before_cursor_execute", note)
        found = await look_at_roles(session, document)
        event.remove(connection, "before_cursor_execute", note)
        assert len([fault for fault in found if "没有人担任" in fault.message]) >= len(names)
        assert len(asked) < 10

    @pytest.mark.parametrize("text", EXPRESSIONS)
    async def test_whoever_is_asked_is_whom_the_check_counts(
        self, session: AsyncSession, company: Company, text: str
    ) -> None:
        """One by one as for a request, and all at once as for a document."""
        await department(session, 9, "实验室", parent=2, leaders=["chen", "gone"])
        await department(session, 10, "实验一组", parent=9)
        await person(session, "lab", departments=[10], leads=[10], position="研究员")
        await person(session, "gone", departments=[9], position="研究员", status=PersonStatus.INVISIBLE)
        await person(session, "left", departments=[9], position="研究员", status=PersonStatus.LEFT)
        await tag(session, 9, "值班", userids=["li", "gone"], departments=[3])
        await tag(session, 10, "全部", departments=[1])
        document = (
            await policy(
                session,
                roles__everything={
                    "title": "甲", "departments": ["实验室"], "tags": ["值班"], "posts": ["总裁"], "userids": ["HAN"],
                },
                roles__leaders={"title": "乙", "departments": ["实验室", "实验一组", "无"], "leaders_only": True},
            )
        ).document  # fmt: skip
        expression = Expression.parse(text)
        roll = await call_roll(session, [expression], document.roles)
        asked = await roles.holders(session, expression, document)
        assert roll.able(expression) == {one.id for one in asked if may_act(one)}

    async def test_before_the_first_sync_nothing_is_said(self, session: AsyncSession) -> None:
        assert await look_at_roles(session, default_document()) == []


class TestDeputies:
    """Nothing falls to somebody lower: a head's deputies do not decide in the head's place about the head."""

    async def test_above_a_head_stands_no_deputy_of_theirs(self, session: AsyncSession, company: Company) -> None:
        home = await department(session, 9, "市场部", parent=1, leaders=["boss", "vice"])
        boss = await person(session, "boss", "部长", departments=[home], position="部长")
        vice = await person(session, "vice", "副部长", departments=[home], position="副部长")

        assert await roles.nearest_heads_above(session, boss) == [company.zhao]
        assert await roles.nearest_heads_above(session, vice) == [boss]


class TestRoles:
    """A role is everybody whom one of its lists names, each once."""

    async def test_every_list_counts_and_nobody_comes_twice(self, session: AsyncSession, company: Company) -> None:
        await tag(session, 9, "值班", userids=["sun", "li"])
        role = {"title": "值守", "departments": ["人力资源部"], "tags": ["值班"], "posts": ["总裁"], "userids": ["han"]}
        changed = await policy(session, roles={**_roles(company), "watch": role})
        found = await roles.resolve(session, Expression.parse("role:watch"), Subject(), changed)
        assert [one.name for one in found] == ["韩梅", "孙宁", "李军", "赵总"]

    async def test_only_the_leaders_of_its_departments(self, session: AsyncSession, company: Company) -> None:
        role = {"title": "负责人", "departments": ["人力资源部", "研发部"], "leaders_only": True}
        changed = await policy(session, roles={**_roles(company), "heads": role})
        found = await roles.resolve(session, Expression.parse("role:heads"), Subject(), changed)
        assert [one.name for one in found] == ["韩梅", "王芳"]


class TestHeads:
    """The nearest head above, defined once."""

    async def test_the_head_of_a_head_is_found_above(self, session: AsyncSession, company: Company) -> None:
        assert await roles.nearest_heads_above(session, company.wang) == [company.zhao]
        assert await roles.nearest_heads_above(session, company.zhao) == []

    async def test_who_is_barred_is_passed_over(self, session: AsyncSession, company: Company) -> None:
        """F56: the head whom a request is about has the next one above decide."""
        barred = Subject(company.li, barred={company.wang.id})
        assert await names(session, company, "department_head", barred) == ["赵总"]

    async def test_who_is_barred_is_still_named_by_a_role(self, session: AsyncSession, company: Company) -> None:
        """The caller leaves them out, and says why nobody is left."""
        barred = Subject(company.li, barred={company.han.id})
        assert await names(session, company, "role:hr", barred) == ["韩梅", "孙宁"]

    async def test_a_head_who_may_not_act_is_passed_over(self, session: AsyncSession, company: Company) -> None:
        company.wang.status = PersonStatus.DISABLED
        assert await roles.nearest_heads_above(session, company.li) == [company.zhao]

    async def test_a_head_whom_one_reading_missed_stays_the_head(self, session: AsyncSession, company: Company) -> None:
        """P6."""
        company.wang.status = PersonStatus.MISSING
        assert await roles.nearest_heads_above(session, company.li) == [company.wang]

    async def test_without_a_main_department_the_first_one_counts(
        self, session: AsyncSession, company: Company
    ) -> None:
        company.li.main_department_id = None
        assert await roles.nearest_heads_above(session, company.li) == [company.wang]

    async def test_a_parent_that_cannot_be_seen_ends_the_climb(self, session: AsyncSession) -> None:
        await department(session, 10, parent=99)
        assert await roles.nearest_heads_above(session, await person(session, "worker", departments=[10])) == []

    async def test_who_is_in_no_department_has_no_head(self, session: AsyncSession) -> None:
        assert await roles.nearest_heads_above(session, await person(session, "worker")) == []


class TestDepartmentOfAGroup:
    """1.2: a group of a department belongs to its head, whoever applied."""

    async def test_its_head_comes_before_the_head_of_the_person(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "department_head", Subject(company.li, department_id=3)) == ["韩梅"]

    async def test_its_head_may_be_the_person(self, session: AsyncSession, company: Company) -> None:
        assert await names(session, company, "department_head", Subject(company.wang, department_id=2)) == ["王芳"]

    async def test_without_a_head_it_falls_to_the_nearest_above_the_department(
        self, session: AsyncSession, company: Company
    ) -> None:
        await department(session, 4, "新部门", parent=1)
        assert await names(session, company, "department_head", Subject(company.li, department_id=4)) == ["赵总"]
        assert await names(session, company, "department_head", Subject(department_id=4)) == ["赵总"]

    async def test_a_barred_head_is_passed_over(self, session: AsyncSession, company: Company) -> None:
        about = Subject(company.li, department_id=3, barred={company.han.id})
        assert await names(session, company, "department_head", about) == ["赵总"]


def _roles(company: Company) -> dict[str, object]:
    return {name: role.model_dump(mode="json") for name, role in company.policy.document.roles.items()}
