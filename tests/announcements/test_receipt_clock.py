"""Policy 3.6: the clock of a receipt starts when the card has reached that person."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries, service
from app.announcements.rules import ReceiptState
from app.jobs.timers import cancel_timer
from app.ladders.tell import tell_due
from models.announcements import Announcement, AnnouncementState
from models.delivery import Delivery, DeliveryState
from models.ids import AnnouncementId
from tests.builders.announcements import announcement, card_reaches, receipts_by_userid, timers_of
from tests.builders.approvals import cards_to, texts_to
from tests.builders.ladders import rings
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HALF_PAST = MONDAY_9AM + timedelta(minutes=30)
MIDNIGHT = MONDAY_9AM + timedelta(hours=15)
NOON = MONDAY_9AM + timedelta(hours=3)
TWO = MONDAY_9AM + timedelta(hours=5)
HALF_PAST_2 = MONDAY_9AM + timedelta(hours=5, minutes=30)


@pytest.fixture
async def told(session: AsyncSession, company: Company) -> Announcement:
    """An instruction of 赵敏 at nine, to answer within 30 minutes: the card of 李军 arrives at once, those of 陈晨 and
    韩梅 are held.
    """
    row = await announcement(session, company.zhao, message_class="instruction", people=["li", "chen", "han"])
    await card_reaches(session, row, company.li)
    return row


async def fires(session: AsyncSession, told: Announcement, kind: str, now: datetime) -> None:
    """As the sweep does it: the timer is gone when its handler runs."""
    await cancel_timer(session, kind, str(told.id))
    await rings(session, kind, str(told.id), now)


async def lists(session: AsyncSession, company: Company) -> list[list[str]]:
    """The lists that the author has got."""
    return [text.splitlines() for text in await texts_to(session, company.zhao)]


class TestTheTerm:
    async def test_it_is_counted_from_the_delivery(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await card_reaches(session, told, company.chen, now=TWO)
        receipts = await receipts_by_userid(session, told)
        assert [receipts[one].due_at for one in ("li", "chen", "han")] == [HALF_PAST, HALF_PAST_2, None]
        assert receipts["chen"].chase_at == TWO + timedelta(minutes=20)

    async def test_who_was_reached_late_confirms_in_time(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await card_reaches(session, told, company.chen, now=TWO)
        for person, now, late in ((company.chen, HALF_PAST_2, False), (company.li, TWO, True)):
            receipt = await service.confirm(
                session, announcement_id=AnnouncementId(told.id), person=person, via="rest", now=now
            )
            assert receipt.late is late

    async def test_whom_the_card_has_not_reached_is_never_late(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        receipt = await service.confirm(
            session, announcement_id=AnnouncementId(told.id), person=company.han, via="rest", now=TWO
        )
        assert receipt.late is False

    async def test_a_second_delivery_changes_nothing(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await card_reaches(session, told, company.li, now=TWO)
        assert (await receipts_by_userid(session, told))["li"].due_at == HALF_PAST

    async def test_a_deadline_that_the_author_names_holds_for_whom_the_card_reaches_in_time(
        self, session: AsyncSession, company: Company
    ) -> None:
        friday = MONDAY_9AM + timedelta(days=4, hours=9)
        row = await announcement(session, company.wang, people=["li"], deadline=friday)
        await card_reaches(session, row, company.li, now=NOON)
        assert (await receipts_by_userid(session, row))["li"].due_at == friday

    async def test_and_whom_it_reaches_later_has_as_much_time_as_the_author_gave(
        self, session: AsyncSession, company: Company
    ) -> None:
        at_ten = MONDAY_9AM + timedelta(hours=1)
        row = await announcement(session, company.wang, people=["li"], deadline=at_ten)
        await card_reaches(session, row, company.li, now=NOON)
        assert (await receipts_by_userid(session, row))["li"].due_at == NOON + timedelta(hours=1)


class TestChasing:
    async def test_each_is_reminded_by_their_own_deadline(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await fires(session, told, service.CHASE, MONDAY_9AM + timedelta(minutes=20))
        await card_reaches(session, told, company.chen, now=TWO)
        assert (await timers_of(session, told.id))[service.CHASE].due_at == TWO + timedelta(minutes=20)

        await fires(session, told, service.CHASE, TWO + timedelta(minutes=20))

        chased = {one: row.chased_at for one, row in (await receipts_by_userid(session, told)).items()}
        assert chased == {
            "li": MONDAY_9AM + timedelta(minutes=20), "chen": TWO + timedelta(minutes=20), "han": None
        }  # fmt: skip
        assert "截止时间 03-02 14:30" in (await cards_to(session, company.chen))[-1]["main_title"]["desc"]
        assert [len(await cards_to(session, one)) for one in (company.li, company.chen, company.han)] == [2, 2, 1]


class TestTheList:
    async def test_who_was_not_reached_stands_in_a_column_of_their_own(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        for person, state in ((company.chen, DeliveryState.FAILED), (company.han, DeliveryState.UNKNOWN)):
            await session.execute(update(Delivery).where(col(Delivery.person_id) == person.id).values(state=state))
        await fires(session, told, service.DEADLINE, HALF_PAST)
        assert (await lists(session, company))[0] == [
            "通知“周五前完成验收”已到截止时间：3 人中 0 人已确认。",
            "未确认：李军",
            "未送达（不算未确认）：陈晨、韩梅",
        ]
        standing = await queries.standing(session, told.id)
        assert (standing.audience, standing.confirmed, standing.undelivered) == (3, 0, 2)
        unreached = await session.scalars(queries.receipts(told.id, state=ReceiptState.UNDELIVERED))
        assert {row.person_id for row in unreached} == {company.chen.id, company.han.id}

    async def test_a_clock_that_runs_on_is_not_unconfirmed_and_is_reported_when_it_has_run_out(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await card_reaches(session, told, company.chen, now=MONDAY_9AM + timedelta(minutes=25))
        await fires(session, told, service.DEADLINE, HALF_PAST)
        assert (await lists(session, company))[0][1:] == [
            "未确认：李军", "未送达（不算未确认）：韩梅", "另有 1 人送达较晚，期限另计。"
        ]  # fmt: skip
        assert told.closed_at is None

        own = MONDAY_9AM + timedelta(minutes=55)
        assert (await timers_of(session, told.id))[service.DEADLINE].due_at == own
        await fires(session, told, service.DEADLINE, own)
        assert (await lists(session, company))[1] == [
            "通知“周五前完成验收”送达较晚的 1 人期限已到：0 人已确认。", "未确认：陈晨"
        ]  # fmt: skip
        assert told.state is AnnouncementState.CLOSED

    async def test_clocks_that_run_out_together_make_one_list(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await card_reaches(session, told, company.chen, now=MONDAY_9AM + timedelta(seconds=40))
        await fires(session, told, service.DEADLINE, HALF_PAST)
        assert await texts_to(session, company.zhao) == []
        await fires(session, told, service.DEADLINE, HALF_PAST + timedelta(seconds=40))
        [text] = await texts_to(session, company.zhao)
        assert "未确认：李军、陈晨" in text

    async def test_a_card_that_arrives_after_the_end_opens_it_again(
        self, session: AsyncSession, company: Company, told: Announcement
    ) -> None:
        await fires(session, told, service.DEADLINE, HALF_PAST)
        assert told.state is AnnouncementState.CLOSED
        await card_reaches(session, told, company.chen, company.han, now=TWO)
        assert (told.state, told.closed_at) == (AnnouncementState.PUBLISHED, None)
        await service.confirm(session, announcement_id=AnnouncementId(told.id), person=company.han, via="rest", now=TWO)
        await fires(session, told, service.DEADLINE, HALF_PAST_2)
        assert (await lists(session, company))[1] == [
            "通知“周五前完成验收”送达较晚的 2 人期限已到：1 人已确认。", "未确认：陈晨"
        ]  # fmt: skip

    async def test_two_lists_that_wait_for_the_morning_are_one_message_and_say_what_is_true_then(
        self, session: AsyncSession, company: Company
    ) -> None:
        """Nobody gets the same words twice, and nothing is said twice or left out of them."""
        row = await announcement(
            session, company.wang, message_class="urgent", people=["li", "chen", "han"], now=MIDNIGHT
        )
        await card_reaches(session, row, company.li, company.han, now=MIDNIGHT)
        half_past, one = MIDNIGHT + timedelta(minutes=30), MIDNIGHT + timedelta(hours=1)
        await fires(session, row, service.DEADLINE, half_past)
        await card_reaches(session, row, company.chen, now=half_past)
        await fires(session, row, service.DEADLINE, one)
        assert await texts_to(session, company.wang) == []
        await service.confirm(session, announcement_id=AnnouncementId(row.id), person=company.han, via="rest", now=one)
        await tell_due(session, now=MIDNIGHT + timedelta(hours=8))
        [text] = await texts_to(session, company.wang)
        assert text.splitlines()[:3] == [
            "有 2 件事请您留意：",
            "· 通知“周五前完成验收”已到截止时间：3 人中 1 人已确认。未确认：李军。另有 1 人送达较晚，期限另计。",
            "· 通知“周五前完成验收”送达较晚的 1 人期限已到：0 人已确认。未确认：陈晨。",
        ]

    async def test_nobody_reached_at_all(self, session: AsyncSession, company: Company) -> None:
        row = await announcement(session, company.zhao, message_class="instruction", people=["li"])
        await fires(session, row, service.DEADLINE, HALF_PAST)
        [told] = await lists(session, company)
        assert told[1:] == ["未送达（不算未确认）：李军"]
