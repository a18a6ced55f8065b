"""F170: a text to the app is answered, with what the person may see, by a message of the ledger."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import addresses
from app.audit.actor import person_actor
from app.conversation import rules
from app.conversation.service import ANSWER
from app.inbox.rules import DONE, Outcome
from callbacks.handlers import build_handler
from callbacks.plaintext import read_plaintext
from models.delivery import Message, MessageClass, OutgoingCall
from models.ids import new_id
from models.inbox import EventState, ReceivedEvent
from models.org import Person
from tests.builders import groups
from tests.builders.announcements import announcement
from tests.builders.approvals import Library, borrowing, decide, step, texts_to
from tests.builders.callbacks import arrival, plain_event, received
from tests.builders.policy import policy_in_force
from tests.builders.tasks import say, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

PUBLIC = "https://steward.example.com"


@pytest.fixture(autouse=True)
def public(session: AsyncSession) -> None:
    session.info[addresses.SESSION_KEY] = PUBLIC


def message(kind: str = "text", *, content: str = "", sender: str = "li", at: datetime = MONDAY_9AM) -> bytes:
    said = f"<Content><![CDATA[{content}]]></Content>" if kind == "text" else "<MediaId>m</MediaId>"
    return (
        f"<xml><ToUserName>corp</ToUserName><FromUserName>{sender}</FromUserName>"
        f"<CreateTime>{int(at.timestamp())}</CreateTime><MsgType>{kind}</MsgType>{said}"
        f"<MsgId>{new_id().int % 10**18}</MsgId><AgentID>1000007</AgentID></xml>"
    ).encode()


async def event_of(session: AsyncSession, body: bytes) -> ReceivedEvent:
    _, header = read_plaintext(body)
    return await received(session, arrival(event_type=header.event_type, body=body, key=new_id().bytes))


async def hear(session: AsyncSession, body: bytes, *, now: datetime = MONDAY_9AM) -> Outcome:
    return await build_handler({})(session, await event_of(session, body), now)


async def ask(session: AsyncSession, person: Person, text: str, *, userid: str = "li") -> str:
    """What this person is answered."""
    before = len(await texts_to(session, person))
    assert await hear(session, message(content=text, sender=userid)) == DONE
    told = (await texts_to(session, person))[before:]
    assert len(told) == 1, "one question, one message"
    return told[0]


class TestTodo:
    async def test_everything_that_waits_over_all_domains(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        work = await task(session, company.zhao, company.wang, title="整理验收单")
        await announcement(session, company.zhao, title="周五前完成验收", people=["wang"])
        told = await ask(session, company.wang, "待办", userid="wang")
        assert told.startswith("等您处理的有 3 件：")
        assert f"审批：#{request.number} {request.title}（李军）" in told
        assert f"接受：#{work.number} 整理验收单（赵总）" in told
        assert "确认：周五前完成验收" in told
        assert told.endswith(f'<a href="{PUBLIC}/me">查看详情</a>')

    async def test_nothing_waits(self, session: AsyncSession, company: Company) -> None:
        assert (await ask(session, company.li, "待办")).startswith("现在没有等您处理的事。")


class TestRequests:
    async def test_ones_own_and_how_far_they_are(self, session: AsyncSession, company: Company) -> None:
        library = Library([step("部门负责人", "department_head")])
        first = await borrowing(session, library, company.li)
        await decide(session, library, first, company.wang)
        second = await borrowing(session, library, company.li, thing="相机")
        told = await ask(session, company.li, "我的申请")
        assert f"· #{second.number} {second.title}：审批中，等待王芳（部门负责人）" in told
        assert f"· #{first.number} {first.title}：已同意，正在办理" in told
        assert told.endswith(f'<a href="{PUBLIC}/me/requests">查看详情</a>')

    async def test_none_yet(self, session: AsyncSession, company: Company) -> None:
        assert "还没有提交过申请" in await ask(session, company.li, "my requests")

    @pytest.mark.parametrize("written", ["#{}", "{}", "申请 {}", "申请#{}"])
    async def test_one_by_its_number(self, session: AsyncSession, company: Company, written: str) -> None:
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        told = await ask(session, company.li, written.format(request.number))
        assert told.startswith(f"【申请 #{request.number}】{request.title}\n申请人：李军，03-02 09:00 提交")
        assert told.endswith(f'<a href="{PUBLIC}/me/requests/{request.id}">查看详情</a>')

    async def test_who_is_to_decide_it_may_ask_too(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        assert request.title in await ask(session, company.wang, f"#{request.number}", userid="wang")

    async def test_others_hear_no_more_than_of_one_that_does_not_exist(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        told = await ask(session, company.chen, f"#{request.number}", userid="chen")
        assert told == f"没有您能看到的编号为 {request.number} 的申请或任务。"
        assert await ask(session, company.chen, "#999999", userid="chen") == told.replace(str(request.number), "999999")


class TestTasks:
    async def test_what_is_to_be_done_the_nearest_deadline_first(self, session: AsyncSession, company: Company) -> None:
        later = await task(session, company.wang, company.li, title="写总结", due_at=MONDAY_9AM + timedelta(days=9))
        sooner = await task(session, company.wang, company.li, title="交周报", due_at=MONDAY_9AM + timedelta(days=2))
        done = await task(session, company.wang, company.li, title="旧事")
        await say(session, company.li, "done", done)
        told = await ask(session, company.li, "我的任务")
        assert told.index(f"· #{sooner.number} 交周报：待接受，进度 0%，截止 03-04 09:00") < told.index(
            f"· #{later.number} 写总结"
        )
        assert "旧事" not in told

    async def test_one_by_its_number_for_those_who_have_to_do_with_it(
        self, session: AsyncSession, company: Company
    ) -> None:
        row = await task(session, company.wang, company.li, collaborators=[company.chen])
        for userid in ("li", "wang", "chen"):
            told = await ask(session, company.people[userid], f"任务 {row.number}", userid=userid)
            assert told.startswith(f"【任务 #{row.number}】整理验收单\n责任人：李军")
        assert "没有您能看到" in await ask(session, company.sun, f"任务 {row.number}", userid="sun")


class TestGroups:
    async def test_those_one_is_in(self, session: AsyncSession, company: Company) -> None:
        await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li], name="研发周会")
        assert "· 研发周会" in await ask(session, company.li, "我的群")
        assert "不在任何登记的群里" in await ask(session, company.sun, "我的群", userid="sun")

    async def test_one_by_a_part_of_its_name(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li], name="研发周会"
        )
        told = await ask(session, company.li, "周会")
        assert told.startswith("【群】研发周会")
        assert "群主：王芳" in told
        assert "您在群里。" in told
        assert told.endswith(f'<a href="{PUBLIC}/me/groups/{group.id}">查看详情</a>')
        assert "您不在群里" in await ask(session, company.sun, "研发周会", userid="sun")

    async def test_a_confidential_one_is_unknown_to_others(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li], name="重组小组"
        )
        group.confidentiality = "confidential"
        await session.flush()
        assert "【群】重组小组" in await ask(session, company.li, "重组小组")
        assert "重组小组" not in await ask(session, company.sun, "重组小组", userid="sun")

    async def test_one_of_a_type_that_is_not_listed_is_unknown_to_others(
        self, session: AsyncSession, company: Company
    ) -> None:
        """As in the directory: what a list hides, an answer does not tell."""
        unlisted = await policy_in_force(session, groups__types__project__listed=False)
        await groups.group(
            session,
            policy=unlisted,
            owner=company.wang,
            members=[company.li],
            name="负责人例会",
        )
        assert "【群】负责人例会" in await ask(session, company.li, "例会")
        assert "负责人例会" not in await ask(session, company.sun, "例会", userid="sun")

    async def test_what_stands_for_anything_in_a_search_is_a_letter_here(
        self, session: AsyncSession, company: Company
    ) -> None:
        await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li], name="研发周会")
        assert "【群】" not in await ask(session, company.li, "%%")


class TestAnythingElse:
    async def test_gets_what_can_be_asked_in_words(self, session: AsyncSession, company: Company) -> None:
        told = await ask(session, company.li, "假期还剩几天?")
        assert told.startswith("这里只看得懂下面几种问法，您写的内容没有转给任何人。")
        for word in ("待办", "我的申请", "我的任务", "我的群", "#12", "my tasks"):
            assert word in told

    async def test_help_and_the_menus_entry_say_the_same(self, session: AsyncSession, company: Company) -> None:
        told = await ask(session, company.li, "帮助")
        key = "<EventKey>say:帮助</EventKey>"
        assert await hear(session, plain_event("click", more=key, at=MONDAY_9AM)) == DONE
        assert (await texts_to(session, company.li))[-1] == told

    async def test_a_menu_entry_that_is_not_ours_is_not_answered(self, session: AsyncSession, company: Company) -> None:
        outcome = await hear(session, plain_event("click", more="<EventKey>my_tasks</EventKey>"))
        assert outcome.state is EventState.IGNORED
        assert await texts_to(session, company.li) == []

    @pytest.mark.parametrize("kind", ["voice", "image", "video"])
    async def test_what_is_no_text_gets_please_write(self, session: AsyncSession, company: Company, kind: str) -> None:
        assert await hear(session, message(kind)) == DONE
        assert (await texts_to(session, company.li))[-1].startswith("请用文字。")

    @pytest.mark.parametrize("text", ["", "???", "x" * 2_000, "1" * 50, "\x07"])
    async def test_nonsense_is_no_error(self, session: AsyncSession, company: Company, text: str) -> None:
        assert "待办" in await ask(session, company.li, text)

    async def test_who_is_in_no_directory_is_not_answered(self, session: AsyncSession, company: Company) -> None:
        outcome = await hear(session, message(content="待办", sender="stranger"))
        assert (outcome.state, outcome.reason) == (EventState.IGNORED, "发信人不在通讯录里")


class TestTheMessage:
    async def test_rests_on_the_event_and_may_come_at_night(self, session: AsyncSession, company: Company) -> None:
        event = await event_of(session, message(content="待办"))
        await build_handler({})(session, event, MONDAY_9AM)
        row = (await session.scalars(select(Message).where(col(Message.purpose) == ANSWER))).one()
        assert (row.origin_kind, row.origin_id) == ("received_event", str(event.id))
        assert (row.message_class, row.rule_key) == (MessageClass.ANSWER, "delivery.hours")
        assert row.actor == str(person_actor(company.li.id))
        call = (await session.scalars(select(OutgoingCall).where(col(OutgoingCall.message_id) == row.id))).one()
        assert json.loads(call.request_body)["touser"] == "li"

    async def test_long_after_the_question_it_wakes_nobody(self, session: AsyncSession, company: Company) -> None:
        await hear(session, message(content="待办"), now=MONDAY_9AM + rules.STALE + timedelta(minutes=1))
        row = (await session.scalars(select(Message).where(col(Message.purpose) == ANSWER))).one()
        assert row.message_class == MessageClass.NOTICE

    async def test_an_event_that_is_handled_again_is_answered_once(
        self, session: AsyncSession, company: Company
    ) -> None:
        """P2, and a replay by an operator."""
        event = await event_of(session, message(content="待办"))
        await build_handler({})(session, event, MONDAY_9AM)
        outcome = await build_handler({})(session, event, MONDAY_9AM)
        assert (outcome.state, outcome.reason) == (EventState.IGNORED, "已经回答过")
        assert len(await texts_to(session, company.li)) == 1


class TestWhoAsksWithoutEnd:
    """It may be a program that answers our answers."""

    async def test_hears_so_once_and_then_nothing(self, session: AsyncSession, company: Company) -> None:
        outcomes = [await hear(session, message(content=f"自动回复 {turn}")) for turn in range(14)]
        told = await texts_to(session, company.li)
        assert len(told) == rules.MOST_IN_SHORT + 1
        assert told[-1].startswith("您问得太频繁")
        assert [outcome.state for outcome in outcomes[-3:]] == [EventState.IGNORED] * 3

    async def test_is_answered_again_after_ten_minutes_and_others_all_the_time(
        self, session: AsyncSession, company: Company
    ) -> None:
        for turn in range(12):
            await hear(session, message(content=f"自动回复 {turn}"))
        assert "现在没有等您处理的事" in await ask(session, company.chen, "待办", userid="chen")
        later = MONDAY_9AM + rules.SHORT + timedelta(seconds=1)
        assert await hear(session, message(content="待办", at=later), now=later) == DONE
