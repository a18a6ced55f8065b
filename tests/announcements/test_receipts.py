"""Confirming, chasing, closing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import queries, service
from app.announcements.errors import AnnouncementNotFound, NotConcerned, ReceiptNotPossible
from app.announcements.jobs import CARD_ACTIONS
from models.announcements import Announcement, AnnouncementState, Receipt
from models.delivery import CallKind
from models.ids import AnnouncementId, new_id
from models.inbox import ReceivedEvent
from models.org import Person
from tests.builders.announcements import (
    announcement,
    audit_of,
    calls_of_kind,
    messages_about,
    receipts_by_userid,
    timers_of,
)
from tests.builders.approvals import cards_to, everything_arrives, faces_of, texts_to
from tests.builders.clicks import click_event, press
from tests.builders.ladders import rings
from tests.builders.tasks import everything_delivered
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

DEADLINE = MONDAY_9AM + timedelta(days=1, hours=9)
TEN_PAST = MONDAY_9AM + timedelta(minutes=10)


@pytest.fixture
async def told(session: AsyncSession, company: Company) -> Announcement:
    """From 王芳 to 李军, 陈晨 and 韩梅; the cards have arrived."""
    row = await announcement(session, company.wang, people=["li", "chen", "han"])
    await everything_delivered(session)
    return row


async def click(
    session: AsyncSession,
    told: Announcement,
    person: Person,
    *,
    now: datetime = TEN_PAST,
    purpose: str = "announcement.card",
    event: ReceivedEvent | None = None,
) -> None:
    key = f"announcement.confirm:{told.id}"
    await press(session, CARD_ACTIONS, person, key, purpose=purpose, now=now, event=event)


async def confirm_by_rest(session: AsyncSession, told: Announcement, person: Person, now: datetime) -> Receipt:
    return await service.confirm(session, announcement_id=AnnouncementId(told.id), person=person, via="rest", now=now)


async def confirmations(session: AsyncSession, told: Announcement) -> int:
    entries = await audit_of(session, told.id)
    return sum(entry.action == "announcement.confirmed" for entry in entries)


class TestConfirming:
    """3.6: 相关人员收到信息后应当回复确认。"""

    async def test_a_click_confirms_and_the_card_says_so(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li)
        receipt = (await receipts_by_userid(session, told))["li"]
        assert (receipt.confirmed_at, receipt.confirmed_via, receipt.late) == (TEN_PAST, "card", False)
        assert receipt.event_id is not None
        [face] = await faces_of(session, company.li)
        assert face["replace_text"] == "已确认"
        assert {"keyname": "确认", "value": "03-02 09:10"} in face["horizontal_content_list"]

    async def test_only_the_one_who_clicked_has_confirmed(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li)
        standing = await queries.standing(session, told.id)
        assert (standing.audience, standing.confirmed) == (3, 1)
        assert await faces_of(session, company.chen) == []

    async def test_the_confirmation_is_in_the_audit_trail_under_the_clause(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li)
        entry = (await audit_of(session, told.id))[-1]
        assert (entry.action, entry.actor_id) == ("announcement.confirmed", str(company.li.id))
        assert (entry.policy_version_id, entry.rule_key) == (company.policy.id, "announcement.receipt")

    async def test_the_same_event_twice_has_one_effect(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        event = await click_event(session, "announcement.confirm", now=TEN_PAST)
        await click(session, told, company.li, event=event)
        await click(session, told, company.li, event=event, now=TEN_PAST + timedelta(hours=1))
        assert (await receipts_by_userid(session, told))["li"].confirmed_at == TEN_PAST
        assert await confirmations(session, told) == 1
        assert len(await faces_of(session, company.li)) == 1
        assert await texts_to(session, company.li) == []

    async def test_a_second_click_greys_the_card_it_came_from_and_changes_nothing_else(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li)
        await click(session, told, company.li, now=TEN_PAST + timedelta(minutes=1))
        assert (await receipts_by_userid(session, told))["li"].confirmed_at == TEN_PAST
        assert await confirmations(session, told) == 1
        assert [face["replace_text"] for face in await faces_of(session, company.li)] == ["已确认", "已确认"]

    async def test_a_repeat_by_rest_is_harmless(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await confirm_by_rest(session, told, company.li, TEN_PAST)
        again = await confirm_by_rest(session, told, company.li, TEN_PAST + timedelta(minutes=1))
        assert again.confirmed_at == TEN_PAST
        assert await confirmations(session, told) == 1
        assert len(await faces_of(session, company.li)) == 1
        assert await texts_to(session, company.li) == []

    async def test_after_the_deadline_it_counts_and_is_marked_late(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        late = DEADLINE + timedelta(seconds=1)
        await click(session, told, company.li, now=late)
        receipt = (await receipts_by_userid(session, told))["li"]
        assert (receipt.confirmed_at, receipt.late) == (late, True)
        assert [face["replace_text"] for face in await faces_of(session, company.li)] == ["已逾期确认"]

    async def test_at_the_deadline_it_is_in_time(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li, now=DEADLINE)
        assert (await receipts_by_userid(session, told))["li"].late is False

    async def test_who_is_not_concerned_cannot_confirm(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        with pytest.raises(NotConcerned):
            await confirm_by_rest(session, told, company.sun, TEN_PAST)

    async def test_the_author_cannot_confirm_their_own(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        with pytest.raises(NotConcerned):
            await confirm_by_rest(session, told, company.wang, TEN_PAST)

    async def test_what_asks_for_no_receipt_takes_none(self, session: AsyncSession, company: Company) -> None:
        shared = await announcement(session, company.wang, message_class="sharing", people=["li"])
        with pytest.raises(ReceiptNotPossible):
            await confirm_by_rest(session, shared, company.li, TEN_PAST)

    async def test_an_announcement_that_is_not_there(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(AnnouncementNotFound):
            await service.confirm(
                session, announcement_id=AnnouncementId(new_id()), person=company.li, via="rest", now=TEN_PAST
            )


class TestChasing:
    """3.6: 未按时回复的催办一次。"""

    async def test_only_who_has_not_confirmed_is_chased(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li)
        chased_at = DEADLINE - timedelta(hours=2)
        await rings(session, service.CHASE, str(told.id), chased_at)
        receipts = await receipts_by_userid(session, told)
        assert {userid: row.chased_at for userid, row in receipts.items()} == {
            "li": None,
            "chen": chased_at,
            "han": chased_at,
        }
        assert [len(await cards_to(session, person)) for person in (company.li, company.chen)] == [1, 2]

    async def test_the_chase_names_the_deadline_and_the_clause_and_can_be_clicked(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await rings(session, service.CHASE, str(told.id), DEADLINE - timedelta(hours=2))
        card = (await cards_to(session, company.chen))[-1]
        assert card["main_title"]["desc"] == "请尽快确认“周五前完成验收”，截止时间 03-03 18:00（制度第 3.6 条）。"
        assert card["quote_area"]["quote_text"].startswith("依据制度第 3.6 条：相关人员收到信息后应当回复确认")
        await everything_arrives(session)
        await click(session, told, company.chen, purpose="announcement.chase")
        assert (await receipts_by_userid(session, told))["chen"].confirmed_via == "card"

    async def test_a_long_title_makes_room_for_the_deadline_and_the_clause(
        self, session: AsyncSession, company: Company
    ) -> None:
        title = "关于季度末销售数据复核与新品上线安排以及后续工作分工的重要通知"
        told = await announcement(session, company.wang, title=title, people=["li"])
        await everything_arrives(session)
        await rings(session, service.CHASE, str(told.id), DEADLINE - timedelta(hours=2))
        desc = (await cards_to(session, company.li))[-1]["main_title"]["desc"]
        assert len(desc) <= 44
        assert desc.startswith("请尽快确认“关于季度末")
        assert desc.endswith("截止时间 03-03 18:00（制度第 3.6 条）。")

    async def test_nobody_is_chased_twice(self, session: AsyncSession, company: Company, told: Announcement) -> None:
        await rings(session, service.CHASE, str(told.id), DEADLINE - timedelta(hours=2))
        assert await service.chase(session, announcement_id=AnnouncementId(told.id), now=DEADLINE) == 0
        await rings(session, service.DEADLINE, str(told.id), DEADLINE)
        purposes = [message.purpose for message in await messages_about(session, told.id)]
        assert purposes.count("announcement.chase") == 1

    async def test_when_all_have_confirmed_nobody_is_chased(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        for person in (company.li, company.chen, company.han):
            await click(session, told, person)
        await rings(session, service.CHASE, str(told.id), DEADLINE - timedelta(hours=2))
        assert [message.purpose for message in await messages_about(session, told.id)] == ["announcement.card"]


class TestClosing:
    """3.7: 发布人跟进至落实，重要内容归档。At the deadline the author reads who has and who has not."""

    async def test_the_author_gets_the_final_list(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await click(session, told, company.li)
        await rings(session, service.DEADLINE, str(told.id), DEADLINE)
        [text] = await texts_to(session, company.wang)
        assert text.splitlines()[:2] == [
            "通知“周五前完成验收”已到截止时间：3 人中 1 人已确认。",
            "未确认：陈晨、韩梅",
        ]

    async def test_it_is_closed_once_and_for_all(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await rings(session, service.DEADLINE, str(told.id), DEADLINE)
        await rings(session, service.DEADLINE, str(told.id), DEADLINE + timedelta(minutes=1))
        assert (told.state, told.closed_at) == (AnnouncementState.CLOSED, DEADLINE)
        assert len(await texts_to(session, company.wang)) == 1
        closed = [entry for entry in await audit_of(session, told.id) if entry.action == "announcement.closed"]
        assert [(entry.actor_kind, entry.rule_key) for entry in closed] == [("system", "announcement.receipt")]

    async def test_who_was_not_chased_before_is_chased_now(self, session: AsyncSession, company: Company) -> None:
        soon = MONDAY_9AM + timedelta(hours=1)
        told = await announcement(session, company.wang, people=["li"], deadline=soon)
        await everything_arrives(session)
        await rings(session, service.DEADLINE, str(told.id), soon)
        assert (await receipts_by_userid(session, told))["li"].chased_at == soon

    async def test_no_chase_is_left_waiting(self, session: AsyncSession, company: Company, told: Announcement) -> None:
        await service.close(session, announcement_id=AnnouncementId(told.id), now=DEADLINE)
        assert service.CHASE not in await timers_of(session, told.id)
        assert await service.chase(session, announcement_id=AnnouncementId(told.id), now=DEADLINE) == 0

    async def test_a_confirmation_still_counts_afterwards(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await rings(session, service.DEADLINE, str(told.id), DEADLINE)
        await click(session, told, company.chen, now=DEADLINE + timedelta(hours=1))
        standing = await queries.standing(session, told.id)
        assert (standing.confirmed, standing.late) == (1, 1)

    async def test_when_all_have_confirmed_the_list_has_no_names(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        for person in (company.li, company.chen, company.han):
            await click(session, told, person)
        await rings(session, service.DEADLINE, str(told.id), DEADLINE)
        assert "未确认" not in (await texts_to(session, company.wang))[0]

    async def test_a_long_list_is_cut_with_the_number(self, session: AsyncSession, company: Company) -> None:
        told = await announcement(session, company.zhao, departments=[1])
        await rings(session, service.DEADLINE, str(told.id), DEADLINE)
        assert "5 人中 0 人已确认" in (await texts_to(session, company.zhao))[0]

    async def test_nothing_is_sent_for_an_announcement_that_is_gone(
        self, session: AsyncSession, company: Company
    ) -> None:
        await service.close(session, announcement_id=AnnouncementId(new_id()), now=DEADLINE)
        assert await calls_of_kind(session, CallKind.MESSAGE_SEND) == []
