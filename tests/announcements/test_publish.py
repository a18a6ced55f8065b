"""Who may be told what, where, and who is concerned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries
from app.announcements.errors import (
    AuthorNotActive,
    ClassNotAllowed,
    DeadlineInThePast,
    GroupNotActive,
    NobodyConcerned,
    NotOneOwner,
    NotTheirPeople,
    ReceiptNotPossible,
    TooLong,
    UnknownAudience,
    UnknownClass,
)
from app.groups import queries as group_queries
from app.org import queries as org
from models.delivery import CallKind
from models.groups import GroupState
from models.ids import APP, new_id
from models.installation import App
from models.org import PersonStatus
from tests.builders import groups
from tests.builders.announcements import (
    announcement,
    audit_of,
    calls_of_kind,
    group_posts,
    receipts_by_userid,
    timers_of,
)
from tests.builders.approvals import cards_to, texts_to
from tests.builders.policy import policy
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

PAST = MONDAY_9AM - timedelta(minutes=1)


class TestShape:
    """3.1: 信息应真实、及时、简明、保密。分享内容超过 200 字的以链接方式发布。"""

    async def test_sharing_of_200_characters_may_go(self, session: AsyncSession, company: Company) -> None:
        shared = await announcement(session, company.wang, message_class="sharing", body="字" * 200, people=["li"])
        assert shared.receipt_required is False

    async def test_longer_sharing_is_refused_and_told_to_use_a_link(
        self, session: AsyncSession, company: Company
    ) -> None:
        with pytest.raises(TooLong, match="最多 200 字，现有 201 字"):
            await announcement(session, company.wang, message_class="sharing", body="字" * 201, people=["li"])
        assert await calls_of_kind(session, CallKind.MESSAGE_SEND) == []

    async def test_work_has_no_such_limit(self, session: AsyncSession, company: Company) -> None:
        assert await announcement(session, company.wang, body="字" * 3000, people=["li"])


class TestNothingIsLostOnACard:
    """3.1 and P7: the platform cuts what a card cannot hold, silently; whoever is concerned can read all of it."""

    async def test_a_long_one_goes_as_text_beside_the_card(self, session: AsyncSession, company: Company) -> None:
        body = "请各负责人逐项确认。" * 40
        await announcement(session, company.wang, body=body, people=["li"])
        [card] = await cards_to(session, company.li)
        assert card["sub_title_text"].endswith("…（全文见文字消息）")
        assert len(card["sub_title_text"]) == 160
        [text] = await texts_to(session, company.li)
        assert text.startswith(f"【工作】周五前完成验收\n{body}\n发布人：王芳")

    async def test_so_does_one_with_a_long_title(self, session: AsyncSession, company: Company) -> None:
        title = "关于季度末销售数据复核与新品上线安排以及后续工作分工的重要通知（请务必阅读）"
        await announcement(session, company.wang, title=title, people=["li"])
        assert title in (await texts_to(session, company.li))[0]

    async def test_a_short_one_is_a_card_alone(self, session: AsyncSession, company: Company) -> None:
        await announcement(session, company.wang, body="字" * 160, people=["li"])
        assert await texts_to(session, company.li) == []

    async def test_who_reads_it_in_the_group_gets_no_copy(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li])
        await announcement(session, company.wang, body="字" * 500, groups=[group.id], people=["chen"])
        assert await texts_to(session, company.li) == []
        assert len(await texts_to(session, company.chen)) == 1

    async def test_without_a_receipt_it_is_a_text_in_full(self, session: AsyncSession, company: Company) -> None:
        await announcement(session, company.wang, body="字" * 500, receipt=False, people=["li"])
        [text] = await texts_to(session, company.li)
        assert "字" * 500 in text
        assert await cards_to(session, company.li) == []


class TestTheAuthor:
    async def test_nobody_publishes_with_a_disabled_account(self, session: AsyncSession, company: Company) -> None:
        company.wang.status = PersonStatus.DISABLED
        with pytest.raises(AuthorNotActive, match="王芳 的账号已停用"):
            await announcement(session, company.wang, people=["li"])


class TestClasses:
    """3.2: 类别决定审核、时段、回执、篇幅以及可以发到哪些类型的群；休闲信息只能发到兴趣群。"""

    async def test_a_class_that_the_policy_does_not_have_is_refused_with_those_it_has(
        self, session: AsyncSession, company: Company
    ) -> None:
        with pytest.raises(UnknownClass, match=r"没有类别 gossip.*work\(工作\)"):
            await announcement(session, company.wang, message_class="gossip", people=["li"])

    async def test_leisure_goes_to_an_interest_group(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(
            session,
            policy=company.policy,
            owner=company.wang,
            members=[company.li],
            group_type="interest",
            name="羽毛球",
        )
        await announcement(session, company.wang, message_class="leisure", title="周末打球", groups=[group.id])
        [post] = await group_posts(session, group)
        assert post["text"]["content"].startswith("【休闲】周末打球")

    async def test_leisure_does_not_go_to_a_project_group(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li])
        with pytest.raises(ClassNotAllowed, match="项目群“研发部-新品项目”不允许发布“休闲”"):
            await announcement(session, company.wang, message_class="leisure", groups=[group.id])

    async def test_work_does_not_go_to_an_interest_group(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li], group_type="interest"
        )
        with pytest.raises(ClassNotAllowed):
            await announcement(session, company.wang, groups=[group.id])

    @pytest.mark.parametrize("state", [state for state in GroupState if state is not GroupState.ACTIVE])
    async def test_only_an_active_group_can_be_written_to(
        self, session: AsyncSession, company: Company, state: GroupState
    ) -> None:
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li], state=state
        )
        with pytest.raises(GroupNotActive) as refusal:
            await announcement(session, company.wang, groups=[group.id])
        assert refusal.value.facts == {"state": state.value}
        assert str(refusal.value).startswith("群“研发部-新品项目”")
        assert state.value not in str(refusal.value), "people read Chinese"

    async def test_a_class_without_receipt_cannot_ask_for_one(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(ReceiptNotPossible):
            await announcement(session, company.wang, message_class="sharing", people=["li"], receipt=True)

    async def test_a_class_with_receipt_may_do_without(self, session: AsyncSession, company: Company) -> None:
        told = await announcement(session, company.wang, people=["li"], receipt=False)
        assert (told.receipt_required, told.deadline) == (False, None)
        assert await timers_of(session, told.id) == {}
        [text] = await texts_to(session, company.li)
        assert "周五前完成验收" in text


class TestAudience:
    """F64: the audience (group, department, person) is resolved and frozen when it is published."""

    async def test_a_department_is_everybody_in_it_but_the_author(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = await announcement(session, company.wang, departments=[2])
        assert set(await receipts_by_userid(session, told)) == {"li", "chen"}

    async def test_a_department_counts_with_everything_below_it(self, session: AsyncSession, company: Company) -> None:
        told = await announcement(session, company.zhao, departments=[1])
        assert set(await receipts_by_userid(session, told)) == {"wang", "li", "chen", "han", "sun"}

    async def test_who_is_named_several_times_is_counted_once_with_the_first_reason(
        self, session: AsyncSession, company: Company
    ) -> None:
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li])
        told = await announcement(session, company.wang, groups=[group.id], departments=[2], people=["LI", "han"])
        receipts = await receipts_by_userid(session, told)
        assert {userid: row.source for userid, row in receipts.items()} == {
            "li": f"group:{group.id}",
            "chen": "department:2",
            "han": "person",
        }
        assert (await queries.standing(session, told.id)).audience == 3
        assert len(await cards_to(session, company.li)) == 1

    async def test_who_comes_later_is_not_concerned(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li])
        told = await announcement(session, company.wang, groups=[group.id])
        await groups.group(session, policy=company.policy, owner=company.wang, members=[company.chen])
        assert set(await receipts_by_userid(session, told)) == {"li"}

    async def test_nobody_but_the_author_is_nobody(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(NobodyConcerned):
            await announcement(session, company.wang, people=["wang"])

    async def test_a_person_nobody_knows_is_named_in_the_refusal(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(UnknownAudience, match="nemo"):
            await announcement(session, company.wang, people=["li", "nemo"])

    async def test_a_department_nobody_knows(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(UnknownAudience, match="99"):
            await announcement(session, company.wang, departments=[99])

    async def test_a_group_is_who_is_inside_as_the_platform_shows_it_not_whom_we_want_there(
        self, session: AsyncSession, company: Company
    ) -> None:
        """P4."""
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li, company.chen, company.han]
        )
        stays = {stay.person_id: stay for stay in await group_queries.current_stays(session, group.id)}
        stays[company.chen.id].observed = False  # admitted, and not in yet
        stays[company.han.id].desired = False  # should leave, and is still in

        told = await announcement(session, company.wang, groups=[group.id])

        assert set(await receipts_by_userid(session, told)) == {"li", "han"}

    async def test_a_group_nobody_registered(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(UnknownAudience):
            await announcement(session, company.wang, groups=[new_id()])

    async def test_who_has_left_the_department_is_not_concerned(self, session: AsyncSession, company: Company) -> None:
        company.chen.status = PersonStatus.DISABLED
        await session.flush()
        told = await announcement(session, company.wang, departments=[2])
        assert set(await receipts_by_userid(session, told)) == {"li"}


class TestWhatIsSaid:
    """3.5, 3.12: 信息注明来源; one text in the group, one card with a button for each person concerned."""

    async def test_the_group_reads_title_text_author_and_deadline(
        self, session: AsyncSession, company: Company
    ) -> None:
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li, company.chen]
        )
        await announcement(session, company.wang, groups=[group.id])
        [post] = await group_posts(session, group)
        assert post["chatid"] == group.chatid
        assert post["text"]["content"].splitlines() == [
            "【工作】周五前完成验收",
            "请各负责人按验收单逐项确认。",
            "发布人：王芳",
            "请在 03-03 18:00 前到“企微管家”里点“收到”确认。",
        ]

    async def test_the_app_is_called_what_people_find_it_by(self, session: AsyncSession, company: Company) -> None:
        """The platform names the app (`agent/get`); a text that calls it otherwise sends people searching."""
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li])
        await session.execute(update(App).where(col(App.id) == APP).values(name="行政小助手"))
        await announcement(session, company.wang, groups=[group.id], people=["li"])
        [post] = await group_posts(session, group)
        [card] = await cards_to(session, company.li)
        assert "到“行政小助手”里点“收到”确认" in post["text"]["content"]
        assert card["source"] == {"desc": "行政小助手"}

    async def test_each_person_gets_a_card_with_the_button(self, session: AsyncSession, company: Company) -> None:
        told = await announcement(session, company.wang, people=["li", "chen"])
        [card] = await cards_to(session, company.li)
        assert card["main_title"]["title"] == "周五前完成验收"
        assert card["sub_title_text"] == "请各负责人按验收单逐项确认。"
        assert [(button["text"], button["key"]) for button in card["button_list"]] == [
            ("收到", f"announcement.confirm:{told.id}")
        ]

    async def test_one_call_carries_the_card_to_everybody(self, session: AsyncSession, company: Company) -> None:
        await announcement(session, company.zhao, departments=[1])
        assert len(await calls_of_kind(session, CallKind.MESSAGE_SEND)) == 1

    async def test_the_publication_is_in_the_audit_trail_with_its_clause(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = await announcement(session, company.wang, people=["li"])
        [entry] = await audit_of(session, told.id)
        assert (entry.action, entry.actor_id) == ("announcement.published", str(company.wang.id))
        assert (entry.policy_version_id, entry.rule_key) == (company.policy.id, "announcement.publish")


class TestDeadlines:
    """3.6: 领导当日指令须在 30 分钟（工作时间）内回复；其他通知按其规定的期限，未规定的为下一个工作日下班前。"""

    async def test_an_instruction_is_due_after_30_working_minutes(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = await announcement(session, company.wang, message_class="instruction", people=["li"])
        assert told.deadline == MONDAY_9AM + timedelta(minutes=30)
        timers = await timers_of(session, told.id)
        deadline, chase = timers["announcement.deadline"], timers["announcement.chase"]
        assert deadline.due_at == told.deadline
        assert deadline.basis is not None
        assert deadline.basis["working_seconds"] == 1800
        assert chase.due_at == MONDAY_9AM + timedelta(minutes=20)
        assert chase.basis is not None
        assert chase.basis["working_seconds"] == 1800

    async def test_the_30_minutes_do_not_run_over_lunch(self, session: AsyncSession, company: Company) -> None:
        at_11_45 = MONDAY_9AM + timedelta(hours=2, minutes=45)
        told = await announcement(session, company.wang, message_class="instruction", people=["li"], now=at_11_45)
        assert told.deadline == MONDAY_9AM + timedelta(hours=4, minutes=15)  # 13:15

    async def test_other_work_is_due_at_the_end_of_the_next_working_day(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = await announcement(session, company.wang, people=["li"])
        tuesday_6pm = MONDAY_9AM + timedelta(days=1, hours=9)
        assert told.deadline == tuesday_6pm
        timers = await timers_of(session, told.id)
        assert timers["announcement.deadline"].due_at == tuesday_6pm
        assert timers["announcement.chase"].due_at == tuesday_6pm - timedelta(hours=2)

    async def test_an_announcement_may_set_its_own(self, session: AsyncSession, company: Company) -> None:
        friday = MONDAY_9AM + timedelta(days=4, hours=9)
        told = await announcement(session, company.wang, people=["li"], deadline=friday)
        timers = await timers_of(session, told.id)
        assert (told.deadline, timers["announcement.deadline"].due_at) == (friday, friday)
        assert timers["announcement.deadline"].basis is None

    async def test_a_short_one_is_not_chased_before_it_began(self, session: AsyncSession, company: Company) -> None:
        soon = MONDAY_9AM + timedelta(hours=1)
        told = await announcement(session, company.wang, people=["li"], deadline=soon)
        assert set(await timers_of(session, told.id)) == {"announcement.deadline"}

    @pytest.mark.parametrize("deadline", [MONDAY_9AM, PAST])
    async def test_it_cannot_be_due_already(self, session: AsyncSession, company: Company, deadline: object) -> None:
        with pytest.raises(DeadlineInThePast):
            await announcement(session, company.wang, people=["li"], deadline=deadline)  # type: ignore[arg-type]  # parametrized

    async def test_the_company_may_choose_another_time(self, session: AsyncSession, company: Company) -> None:
        classes = company.policy.document.announcements.classes["work"].model_dump(mode="json")
        await policy(session, announcements__classes__work=classes | {"default_deadline": "4wh"})
        told = await announcement(session, company.wang, people=["li"])
        assert told.deadline == MONDAY_9AM + timedelta(hours=5)  # 14:00, after lunch


class TestInstructions:
    """3.6: 领导当日指令. It comes from a leader and goes to their own people."""

    @pytest.mark.parametrize(
        ("author", "to", "others"),
        [
            ("li", ["chen"], "陈晨"),
            ("wang", ["li", "sun"], "孙宁"),
            ("han", ["li"], "李军"),
            ("wang", ["zhao"], "赵总"),
        ],
    )
    async def test_nobody_instructs_people_who_are_not_theirs(
        self, session: AsyncSession, company: Company, author: str, to: list[str], others: str
    ) -> None:
        name = company.people[author].name
        said = f"“当日指令”只能由负责人发给所辖人员（第 3.6 条），而以下人员不归 {name} 管辖：{others}；"
        with pytest.raises(NotTheirPeople, match=said):
            await announcement(session, company.people[author], message_class="instruction", people=to)
        assert await calls_of_kind(session, CallKind.MESSAGE_SEND) == []

    async def test_who_leads_a_department_leads_what_is_below_it(self, session: AsyncSession, company: Company) -> None:
        told = await announcement(session, company.zhao, message_class="instruction", people=["wang", "sun"])
        assert set(await receipts_by_userid(session, told)) == {"wang", "sun"}

    async def test_a_direct_leader_instructs_those_whose_leader_they_are(
        self, session: AsyncSession, company: Company
    ) -> None:
        company.chen.direct_leader_userids = ["li"]
        told = await announcement(session, company.li, message_class="instruction", people=["chen"])
        assert set(await receipts_by_userid(session, told)) == {"chen"}

    async def test_a_head_instructs_the_deputy_and_not_the_other_way_round(
        self, session: AsyncSession, company: Company
    ) -> None:
        [place] = (await org.memberships_of(session, [company.li.id]))[company.li.id]
        place.is_leader, company.li.position = True, "研发部副经理"
        assert await announcement(session, company.wang, message_class="instruction", people=["li", "chen"])
        assert await announcement(session, company.li, message_class="instruction", people=["chen"])
        with pytest.raises(NotTheirPeople, match="不归 李军 管辖：王芳"):
            await announcement(session, company.li, message_class="instruction", people=["wang", "chen"])

    async def test_every_other_class_may_go_to_anybody(self, session: AsyncSession, company: Company) -> None:
        assert await announcement(session, company.li, people=["sun"])


class TestProblems:
    """4.6: a problem has one owner. The group reads of it; one person confirms it."""

    async def test_the_owner_of_the_group_owns_it(self, session: AsyncSession, company: Company) -> None:
        inside = [company.li, company.chen]
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=inside)
        told = await announcement(session, company.li, message_class="problem", groups=[group.id])
        assert set(await receipts_by_userid(session, told)) == {"wang"}
        [post] = await group_posts(session, group)
        assert post["text"]["content"].endswith("\n负责人：王芳")
        assert await cards_to(session, company.chen) == []

    async def test_who_is_named_owns_it(self, session: AsyncSession, company: Company) -> None:
        inside = [company.li, company.chen]
        group = await groups.group(session, policy=company.policy, owner=company.wang, members=inside)
        told = await announcement(session, company.li, message_class="problem", groups=[group.id], people=["sun"])
        assert set(await receipts_by_userid(session, told)) == {"sun"}

    @pytest.mark.parametrize(
        ("people", "departments"), [(["li", "sun"], []), ([], [2]), (["sun"], [2])], ids=["two", "department", "both"]
    )
    async def test_nobody_owns_what_goes_to_several(
        self, session: AsyncSession, company: Company, people: list[str], departments: list[int]
    ) -> None:
        with pytest.raises(NotOneOwner, match="“问题反馈”要由一个人负责"):
            await announcement(session, company.wang, message_class="problem", people=people, departments=departments)
        assert await calls_of_kind(session, CallKind.MESSAGE_SEND) == []
