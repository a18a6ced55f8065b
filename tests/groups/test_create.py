from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from app.approvals import service as approvals
from app.database import transaction
from app.errors import DomainError
from app.groups.errors import (
    ConfidentialRule,
    NameRefused,
    NameTaken,
    NobodyToOwn,
    NotReachable,
    SizeRefused,
    TypeNotOffered,
    UnknownGroupType,
    UnknownPeople,
)
from app.groups.jobs import TRY_AGAIN
from app.groups.requests import members_in_words
from app.groups.schemas import CreationSubject
from app.jobs.job import Nothing
from models.approvals import OutcomeState, Request, RequestState, Verdict
from models.delivery import CallKind
from models.groups import GroupState
from models.ids import RequestId, new_id
from models.org import OrgChange, Person, PersonStatus
from tests.builders.policy import policy
from tests.company import PERSONNEL, RESEARCH
from tests.groups.office import Office

ASKED: dict[str, Any] = {
    "name": "研发部-新品项目",
    "type": "project",
    "purpose": "新品项目协作",
    "members": ["li", "han", "zhao"],
}


class TestRegisteredBeforeItExists:
    """Policy 1.1: 工作群先登记后建立。F37: our own chatid. F39: first message and charter."""

    async def test_an_approved_group_appears_with_its_members_its_owner_and_its_charter(self, office: Office) -> None:
        request = await office.granted("create_group", "li", **ASKED, owner="wang", deputy="han")

        group = await office.group_of(request)
        assert group.state is GroupState.ACTIVE
        assert re.fullmatch("[0-9a-zA-Z]{32}", group.chatid)
        shown = await office.sandbox.group(group.chatid)
        assert shown["name"] == "研发部-新品项目"
        assert shown["owner"] == "wang"
        assert set(shown["userlist"]) == {"wang", "li", "han", "zhao"}
        (first,) = shown["messages"]
        assert "本群已登记建立" in first["body"]["content"]
        assert "群规" in first["body"]["content"]
        assert request.outcome is OutcomeState.DONE

    async def test_the_seen_columns_follow_the_platforms_answer(self, office: Office) -> None:
        group = await office.project("li", "han")

        assert (group.observed_name, group.observed_owner_userid) == ("研发部-新品项目", "wang")
        stay = await office.stay(group, "li")
        assert (stay.desired, stay.observed, stay.reason) == (True, True, "creation")
        assert stay.first_seen_at is not None

    async def test_nothing_exists_while_the_application_is_open_or_rejected(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **ASKED)
        assert await office.calls(CallKind.APPCHAT_CREATE) == []

        request = await office.decide(request, Verdict.REJECT)

        assert request.state is RequestState.REJECTED
        assert await office.calls(CallKind.APPCHAT_CREATE) == []

    async def test_what_the_platform_refuses_is_visible_and_can_be_retried_with_the_same_chatid(
        self, office: Office
    ) -> None:
        await office.sandbox.fail("appchat/create", errcode=86004)
        request = await office.granted("create_group", "li", **ASKED)

        failed = await office.group_of(request)
        assert (request.outcome, failed.state) == (OutcomeState.FAILED, GroupState.FAILED)
        assert failed.state_detail
        assert failed.state_detail == request.outcome_detail

        request = await office.retry(request)

        created = await office.group_of(request)
        assert (request.outcome, created.state) == (OutcomeState.DONE, GroupState.ACTIVE)
        assert created.chatid == failed.chatid
        assert len(await office.sandbox.groups()) == 1

    async def test_an_answer_lost_after_the_effect_makes_no_second_group(self, office: Office) -> None:
        await office.sandbox.fail("appchat/create", timeout=True, when="after")
        request = await office.decide(await office.apply("create_group", "li", **ASKED))
        await office.work()

        assert (await office.group_of(request)).state is GroupState.CREATING
        await office.pass_time(minutes=5)

        assert (await office.group_of(request)).state is GroupState.ACTIVE
        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert len(await office.sandbox.groups()) == 1

    async def test_who_left_between_application_and_approval_fails_it_visibly(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **ASKED)
        await office.leaves_the_company("han")

        request = await office.decide(request)

        assert request.outcome is OutcomeState.FAILED
        assert "韩梅" in str(request.outcome_detail)


class TestWhoMustKnow:
    """Policy 1.2: 群的类型决定 … 由谁管理 … 以及向谁备案。"""

    async def test_hr_is_informed_of_a_project_group(self, office: Office) -> None:
        await office.project("li", "han")

        (text,) = await office.messages("group.informed")
        assert "【建群备案】“研发部-新品项目”" in text
        assert "第 1.2 条" in text

    async def test_a_project_group_without_a_named_owner_belongs_to_who_applied(self, office: Office) -> None:
        request = await office.granted("create_group", "li", **ASKED)

        assert (await office.group_of(request)).desired_owner_id == office.id("li")

    async def test_a_department_group_belongs_to_the_head_and_holds_the_department(self, office: Office) -> None:
        await office.hire("new", "未激活", status=PersonStatus.NOT_ACTIVATED)
        asked = {"name": "研发部-日常", "type": "department", "purpose": "部门日常", "department_id": RESEARCH}
        request = await office.granted("create_group", "li", **asked)

        group = await office.group_of(request)
        assert group.desired_owner_id == office.id("wang")
        assert await office.roster(group) == {"wang", "li", "han", "zhao", "qian", "sun"}

    async def test_a_head_who_applies_for_a_department_group_owns_it(self, office: Office) -> None:
        """Nobody decides here, so the applicant is not passed over as they are among approvers (F56)."""
        await office.hire_president()
        asked = {"name": "研发部-日常", "type": "department", "purpose": "部门日常", "department_id": RESEARCH}
        request = await office.granted("create_group", "wang", **asked)

        assert (await office.group_of(request)).desired_owner_id == office.id("wang")

    async def test_whom_the_last_reading_has_seen_owns_it_first(self, office: Office) -> None:
        await office.hire("a", "停用的人", status=PersonStatus.DISABLED, position="项目经理")
        await office.hire("b", "没看见的人", status=PersonStatus.MISSING, position="项目经理")
        await office.hire("c", "在职的人", position="项目经理")
        async with transaction(office.sessions) as session:
            await policy(session, groups__types__project__administered_by="post:项目经理")
        request = await office.granted("create_group", "li", **ASKED)

        assert (await office.group_of(request)).desired_owner_id == office.id("c")

    async def test_who_was_not_read_once_is_in_the_group_of_the_department(self, office: Office) -> None:
        """P6: one reading that left them out takes nothing from them."""
        await _not_read_once(office, "han", "sun")
        asked = {"name": "研发部-日常", "type": "department", "purpose": "部门日常", "department_id": RESEARCH}
        request = await office.granted("create_group", "li", **asked)

        assert await office.roster(await office.group_of(request)) == {"wang", "li", "han", "zhao", "qian", "sun"}

    async def test_nobody_was_read_once_and_groups_are_founded_all_the_same(self, office: Office) -> None:
        request = await office.decide(await office.apply("create_group", "li", **ASKED))
        await _not_read_once(office, *office.people)
        await office.work()
        second = await office.granted("create_group", "li", **(ASKED | {"name": "研发部-第二个"}))

        assert (await office.group_of(request)).state is GroupState.ACTIVE
        assert (await office.group_of(second)).state is GroupState.ACTIVE

    async def test_nobody_to_own_it_is_said_with_the_policys_expression(self, office: Office) -> None:
        async with transaction(office.sessions) as session:
            await policy(session, groups__types__project__administered_by="post:项目经理")
        with pytest.raises(NobodyToOwn, match="由 post:项目经理 管理") as refused:
            await office.apply("create_group", "li", **ASKED)
        assert refused.value.facts == {"role": "post:项目经理"}


class TestWhatCannotBeAppliedFor:
    """Policy 1.2, 1.3, 1.4, 1.6, said before anybody waits for an approval."""

    @pytest.mark.parametrize(
        ("changes", "refusal", "said"),
        [
            ({"type": "party"}, UnknownGroupType, "project（项目群）"),
            ({"type": "customer", "name": "客户群"}, TypeNotOffered, "只能有内部成员"),
            ({"name": "新品"}, NameRefused, "部门名称-项目名称"),
            ({"name": "研发部-" + "长" * 50}, NameRefused, "最多 50 个字符"),
            ({"members": ["li"]}, SizeRefused, "至少 2 人"),
            ({"members": ["li", "nobody"]}, UnknownPeople, "nobody"),
            ({"departments": [99]}, UnknownPeople, "99"),
            ({"confidentiality": "confidential", "departments": [PERSONNEL]}, ConfidentialRule, "逐一写明"),
        ],
    )
    async def test_the_reason_is_said_in_the_policys_words(
        self, office: Office, changes: dict[str, Any], refusal: type[DomainError], said: str
    ) -> None:
        with pytest.raises(refusal, match=said):
            await office.apply("create_group", "li", **(ASKED | changes))

    async def test_people_without_an_active_account_are_named(self, office: Office) -> None:
        await office.hire("off", "停用的人", status=PersonStatus.DISABLED)

        with pytest.raises(NotReachable, match="停用的人"):
            await office.apply("create_group", "li", **(ASKED | {"members": ["li", "off"]}))

    async def test_a_name_in_use_is_refused(self, office: Office) -> None:
        await office.project("li", "han")

        with pytest.raises(NameTaken):
            await office.apply("create_group", "han", **ASKED)


class TestWhoseHeadDecides:
    """1.2, 2.1: the head of the group's department; of a join, of the joiner's."""

    async def test_a_groups_creation_is_for_the_head_of_its_own_department(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **ASKED, owner="wang", department_id=PERSONNEL)
        assert await office.asked(request) == {"周敏"}

    async def test_a_join_is_for_the_head_of_the_joiner(self, office: Office) -> None:
        group = await office.project("li", "han", owner="qian")
        request = await office.apply("join", "qian", group_id=str(group.id), person="sun")
        assert await office.asked(request) == {"王芳"}


async def _not_read_once(office: Office, *userids: str) -> None:
    async with transaction(office.sessions) as session:
        for userid in userids:
            (await session.get_one(Person, office.id(userid))).status = PersonStatus.MISSING


class TestWhatFailedForPeopleWhoWereNotRead:
    """P6: it is tried again by itself once they were read, and not before."""

    async def test_a_foundation_comes_to_be_after_the_next_good_reading(self, office: Office) -> None:
        request = await _failed_because_unread(office, "create_group", "li", "han", **ASKED | {"members": ["han"]})
        await _try_again(office)
        assert (await office.request(request)).outcome is OutcomeState.FAILED

        await _read_again(office, "han")
        await _try_again(office)

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert "han" in await office.roster(await office.group_of(request))

    async def test_a_join_likewise(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await _failed_because_unread(office, "join", "zhao", "zhao", group_id=str(group.id))

        await _read_again(office, "zhao")
        await _try_again(office)

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert "zhao" in await office.roster(group)

    async def test_nobody_expects_it_after_a_week(self, office: Office) -> None:
        request = await _failed_because_unread(office, "create_group", "li", "han", **ASKED | {"members": ["han"]})
        office.clock.advance(timedelta(days=8))
        await _read_again(office, "han")
        await _try_again(office)

        assert (await office.request(request)).outcome is OutcomeState.FAILED


async def _failed_because_unread(office: Office, kind: str, requester: str, unread: str, **asked: Any) -> Request:
    request = await office.apply(kind, requester, **asked)
    async with transaction(office.sessions) as session:
        (await session.get_one(Person, office.id(unread))).status = PersonStatus.INVISIBLE
    request = await office.decide(request)
    await office.work()
    request = await office.request(request)
    assert request.outcome is OutcomeState.FAILED
    return request


async def _read_again(office: Office, userid: str) -> None:
    office.clock.advance(timedelta(minutes=5))
    async with transaction(office.sessions) as session:
        (await session.get_one(Person, office.id(userid))).status = PersonStatus.ACTIVE
        session.add(
            OrgChange(
                object_kind="person",
                object_id=str(office.id(userid)),
                change="visible",
                at=office.clock.now(),
                correlation_id="c",
            )
        )


async def _try_again(office: Office) -> None:
    await office.run_only(TRY_AGAIN, Nothing())
    await office.work()


class TestWhatIsDecided:
    """1.1: who decides reads type, purpose, owner, deputy, confidentiality and the rule of the members."""

    async def test_every_fact_of_the_clause_stands_on_the_request(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **ASKED, owner="wang", deputy="han", department_id=RESEARCH)
        shown = dict(request.shown["fields"])
        assert shown["密级"] == "公开群"
        assert shown["类型"] == "项目群"
        assert (shown["群主"], shown["副群主"], shown["部门"]) == ("王芳", "韩梅", "研发部")
        assert shown["用途"] == "新品项目协作"
        assert shown["成员"] == "李军、韩梅、赵云（3 人）"
        async with transaction(office.sessions) as session:
            followed = await approvals.follow(session, RequestId(request.id), now=request.submitted_at)
        assert {one.name for one in followed.people} == {"李军", "韩梅", "赵云"}

    def test_many_members_are_some_names_and_how_many(self) -> None:
        people = {new_id(): Person(name=f"员工{number}") for number in range(12)}
        subject = CreationSubject(name="群", group_type="project", purpose="协作", member_ids=list(people))
        said = members_in_words(subject, people, {})
        assert said.startswith("员工0、员工1、")
        assert said.endswith("员工9 等 12 人")
        assert "员工10" not in said
