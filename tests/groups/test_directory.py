"""1.14, F128: the groups that somebody is in, those that they find, and what they may apply for."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import person_actor
from app.database import transaction
from app.errors import DomainError
from app.groups import queries, service
from app.groups.errors import GroupNotFound
from app.groups.service import DirectorySearch, OwnRole, RosterCounts, Standing
from app.settings import Settings
from app.web.pagination import BadCursor, PageQuery, encode_cursor
from models.groups import Group, GroupState
from models.ids import GroupId
from models.org import Person
from tests.builders import groups, org
from tests.builders.policy import policy_in_force
from tests.company import PERSONNEL, RESEARCH, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock


async def directory(session: AsyncSession, who: Person, **wanted: Any) -> list[str]:
    page = await service.find_groups(session, who.id, DirectorySearch(**wanted), now=MONDAY_9AM)
    return [one.name for one in page.items]


async def own(session: AsyncSession, who: Person) -> list[tuple[str, OwnRole | None, Standing]]:
    page = await service.groups_of_member(session, who.id, now=MONDAY_9AM)
    return [(one.name, one.role, one.standing) for one in page.items]


async def seen(session: AsyncSession, group: Group, who: Person) -> service.GroupSeen:
    return await service.group_for(session, GroupId(group.id), who, now=MONDAY_9AM)


async def unlist(session: AsyncSession, **types: bool) -> None:
    """A later version of the policy that lists these types or not."""
    document: dict[str, Any] = {f"groups__types__{name}__listed": listed for name, listed in types.items()}
    await policy_in_force(session, **document)


class TestOwnGroups:
    async def test_each_with_the_role_and_what_the_platform_shows(
        self, session: AsyncSession, company: Company
    ) -> None:
        await groups.group(session, "甲", owner=company.li, members=[company.chen])
        await groups.group(session, "乙", owner=company.wang, deputy=company.li)
        joining = await groups.group(session, "丙", owner=company.wang, members=[company.li])
        leaving = await groups.group(session, "丁", owner=company.wang, members=[company.li, company.chen])
        for group, change in ((joining, {"observed": False}), (leaving, {"desired": False})):
            stay = await queries.current_stay(session, group.id, company.li.id)
            assert stay is not None
            for name, value in change.items():
                setattr(stay, name, value)
        await session.flush()
        await groups.group(session, "戊", owner=company.wang, members=[company.chen])
        await groups.group(session, "己", owner=company.li, members=[company.chen], state=GroupState.CLOSED)

        assert sorted(await own(session, company.li)) == sorted(
            [
                ("甲", OwnRole.OWNER, Standing.INSIDE),
                ("乙", OwnRole.DEPUTY, Standing.INSIDE),
                ("丙", OwnRole.MEMBER, Standing.JOINING),
                ("丁", OwnRole.MEMBER, Standing.LEAVING),
            ]
        )

    async def test_the_name_is_the_platforms_and_the_counts_are_both(
        self, session: AsyncSession, company: Company
    ) -> None:
        """P4."""
        group = await groups.group(
            session, owner=company.wang, members=[company.li, company.chen], department_id=RESEARCH
        )
        group.observed_name = "改过的名"
        stay = await queries.current_stay(session, group.id, company.chen.id)
        assert stay is not None
        stay.desired = False
        await session.flush()
        [line] = (await service.groups_of_member(session, company.li.id, now=MONDAY_9AM)).items
        assert (line.name, line.counts) == ("改过的名", RosterCounts(wanted=2, seen=3, both=2))
        assert (line.type_title, line.department) == ("项目群", "研发部")
        assert line.owner is not None
        assert (line.owner.name, line.owner.userid) == ("王芳", "wang")

    async def test_a_group_without_an_owner_names_none(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, owner=company.wang, members=[company.li, company.chen])
        stay = await queries.current_stay(session, group.id, company.wang.id)
        assert stay is not None
        stay.desired = False
        await session.flush()
        [line] = (await service.groups_of_member(session, company.li.id, now=MONDAY_9AM)).items
        assert line.owner is None
        assert await own(session, company.wang) == [(group.desired_name, OwnRole.MEMBER, Standing.LEAVING)]


class TestTheDirectory:
    async def test_confidential_and_unlisted_groups_are_found_by_their_members_alone(
        self, session: AsyncSession, company: Company
    ) -> None:
        facts: dict[str, Any] = {"owner": company.wang, "members": [company.chen]}
        await groups.group(session, "公开", **facts)
        await groups.group(session, "保密", confidentiality="confidential", **facts)
        await groups.group(session, "兴趣", group_type="interest", **facts)
        await groups.group(session, "未建成", state=GroupState.FAILED, **facts)
        assert await directory(session, company.li) == ["公开", "兴趣"]
        await unlist(session, interest=False)
        assert await directory(session, company.li) == ["公开"]
        assert sorted(await directory(session, company.chen)) == ["保密", "公开", "兴趣"]

    async def test_what_the_list_hides_the_detail_refuses_and_the_other_way_round(
        self, session: AsyncSession, company: Company
    ) -> None:
        facts: dict[str, Any] = {"owner": company.wang, "members": [company.chen]}
        every = [
            await groups.group(
                session, f"{kind}{secrecy}{state}", group_type=kind, confidentiality=secrecy, state=state, **facts
            )
            for kind in ("project", "interest", "department")
            for secrecy in ("open", "confidential")
            for state in (GroupState.ACTIVE, GroupState.CREATING, GroupState.LOST)
        ]
        await unlist(session, interest=False)
        for who in company.people.values():
            shown = set(await directory(session, who))
            for group in every:
                try:
                    detail: str | None = (await seen(session, group, who)).line.name
                except GroupNotFound:
                    detail = None
                assert (group.desired_name in shown) == (detail is not None)

    async def test_by_the_name_of_its_department(self, session: AsyncSession, company: Company) -> None:
        """1.14: by department, project or topic. The group's own name need not say it."""
        await groups.group(session, "晨会", owner=company.li, members=[], department_id=RESEARCH)
        await groups.group(session, "招聘", owner=company.li, members=[], department_id=PERSONNEL)
        assert await directory(session, company.wang, name="人力") == ["招聘"]

    async def test_search_by_name_department_and_type(self, session: AsyncSession, company: Company) -> None:
        await org.department(session, 21, "研发一部", parent=RESEARCH)
        for name, department, kind in (
            ("研发一部-新品", 21, "project"),
            ("研发部-周会", RESEARCH, "department"),
            ("人力资源部-新人", PERSONNEL, "department"),
            ("100%群", None, "interest"),
        ):
            await groups.group(session, name, owner=company.wang, department_id=department, group_type=kind)
        assert sorted(await directory(session, company.li, name="新")) == ["人力资源部-新人", "研发一部-新品"]
        assert await directory(session, company.li, name=" 100% ") == ["100%群"]
        assert await directory(session, company.li, name="_") == []
        assert len(await directory(session, company.li, name="日常协作")) == 4
        assert sorted(await directory(session, company.li, department_id=RESEARCH)) == ["研发一部-新品", "研发部-周会"]
        assert await directory(session, company.li, department_id=RESEARCH, group_type="project") == ["研发一部-新品"]
        assert await directory(session, company.li, department_id=999) == []

    async def test_pages_show_everything_once(self, session: AsyncSession, company: Company) -> None:
        for number in range(5):
            await groups.group(session, f"群{number}", owner=company.wang)
        seen_names: list[str] = []
        cursor = None
        for _ in range(3):
            page = await service.find_groups(
                session, company.li.id, DirectorySearch(), page=PageQuery(cursor, 2), now=MONDAY_9AM
            )
            seen_names += [one.name for one in page.items]
            cursor = page.next_cursor
        assert (seen_names, cursor) == ([f"群{number}" for number in range(5)], None)

    @pytest.mark.parametrize("name", ["a\0b", "\ud800", 5, None])
    async def test_a_cursor_that_we_did_not_write_is_refused(
        self, session: AsyncSession, company: Company, name: Any
    ) -> None:
        page = PageQuery(encode_cursor([name, company.li.id]), 2)
        with pytest.raises(BadCursor):
            await service.find_groups(session, company.li.id, DirectorySearch(), page=page, now=MONDAY_9AM)


class TestWhatOneMayApplyFor:
    async def test_joining_from_outside_leaving_from_inside(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, owner=company.wang, members=[company.chen, company.han])
        outside, inside = await seen(session, group, company.li), await seen(session, group, company.chen)
        assert [(one.kind, one.is_allowed, one.reason) for one in outside.applicable] == [
            ("join", True, ""),
            ("exit", False, "not-a-member"),
        ]
        assert [(one.kind, one.is_allowed, one.reason) for one in inside.applicable] == [
            ("join", False, "already-a-member"),
            ("exit", True, ""),
        ]
        assert outside.charter == "群规"

    async def test_it_says_what_is_to_be_said_and_wecom_does_not_show(
        self, session: AsyncSession, company: Company
    ) -> None:
        group = await groups.group(session, owner=company.wang, members=[company.chen])
        company.li.position = "工程师"
        await session.flush()
        [join, _] = (await seen(session, group, company.li)).applicable
        assert (list(join.requires), join.clause.clause) == (["contact", "reason"], "2.1")

    async def test_where_nobody_decides_it_takes_effect_at_once(self, session: AsyncSession, company: Company) -> None:
        facts: dict[str, Any] = {"owner": company.wang, "members": [company.chen, company.han]}
        group = await groups.group(session, group_type="interest", **facts)
        [_, leave] = (await seen(session, group, company.chen)).applicable
        assert (leave.takes_effect_at_once, leave.is_allowed) == (True, True)

    async def test_an_open_application_is_named(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, owner=company.wang, members=[company.chen])
        payload = {"group_id": str(group.id), **groups.said_of("join")}
        actor = person_actor(company.li.id)
        request = await approvals.submit(
            session, Application("join", company.li, payload, submitted_by=actor, reason="协作"), now=MONDAY_9AM
        )
        [join, _] = (await seen(session, group, company.li)).applicable
        assert (join.pending, join.is_allowed) == (request, False)

    async def test_a_refusal_is_the_one_of_the_application(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, owner=company.wang, members=[company.chen, company.han])
        [_, leave] = (await seen(session, group, company.wang)).applicable
        payload = {"group_id": str(group.id)}
        actor = person_actor(company.wang.id)
        with pytest.raises(DomainError) as refusal:
            await approvals.submit(
                session, Application("exit", company.wang, payload, submitted_by=actor, reason="调岗"), now=MONDAY_9AM
            )
        assert (leave.why_not, leave.why_not_english) == (str(refusal.value), refusal.value.english)


class TestRest:
    async def test_lists_directory_and_detail(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                group = await groups.group(session, owner=company.wang, members=[company.chen])
                hidden = await groups.group(
                    session, "研发部-保密", owner=company.wang, members=[company.chen], confidentiality="confidential"
                )
            async with serving(sessions, clock, settings, scopes=["personal:read"]) as http:
                body = await answer(http.get("/members/chen/groups"))
                assert [(one["name"], one["role"], one["standing"]) for one in body["items"]] == [
                    ("研发部-保密", "member", "inside"),
                    ("研发部-新品项目", "member", "inside"),
                ]
                body = await answer(http.get("/members/li/directory?name=研发&type=project"))
                assert [one["id"] for one in body["items"]] == [str(group.id)]
                detail = await answer(http.get(f"/members/li/groups/{group.id}"))
                assert [(one["kind"], one["allowed"]) for one in detail["applicable"]] == [
                    ("join", True),
                    ("exit", False),
                ]
                assert (detail["owner"], detail["wanted"], detail["seen"]) == ("wang", 2, 2)
                assert (await http.get(f"/members/li/groups/{hidden.id}")).status_code == 404
                assert (await http.get("/members/li/directory?department=x")).status_code == 422
            async with serving(sessions, clock, settings, scopes=["groups:read"]) as http:
                assert (await http.get("/members/chen/groups")).status_code == 403
