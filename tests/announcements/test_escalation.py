"""Policy 3.6: 未按时回复的催办一次，仍未回复的告知其上级。"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import service
from app.announcements.escalation import LOOK_AGAIN
from app.announcements.rules import AnnouncementPurpose
from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.jobs.timers import sweep
from app.ladders.tell import tell_due
from models.announcements import Announcement
from models.delivery import Delivery, DeliveryState
from models.ids import AnnouncementId
from models.org import Person, PersonStatus
from tests.builders.announcements import announcement, audit_of, card_reaches, receipts_by_userid
from tests.builders.approvals import cards_to, texts_to
from tests.builders.org import person
from tests.company import Company, found
from tests.databases import register
from tests.fakes.clock import MONDAY_9AM, FakeClock

HALF_PAST_9 = MONDAY_9AM + timedelta(minutes=30)
"""When an instruction of nine o'clock is due."""
TEN = MONDAY_9AM + timedelta(hours=1)
"""When the superiors hear of it."""
SIX = MONDAY_9AM + timedelta(hours=9)
MIDNIGHT = MONDAY_9AM + timedelta(hours=15)
MORNING = MONDAY_9AM + timedelta(hours=22, minutes=30)
"""The end of the rest period. What has waited for it goes within ten minutes."""


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


async def told(
    sessions: Sessions,
    company: Company,
    people: Sequence[str],
    *,
    reached: Sequence[str] | None = None,
    author: str = "zhao",
    now: datetime = MONDAY_9AM,
    **said: Any,
) -> Announcement:
    """An instruction, whose card reaches all of these people, or those who are `reached`, at once."""
    async with transaction(sessions) as session:
        options = {"message_class": "instruction"} | said
        row = await announcement(session, company.people[author], people=people, now=now, **options)
        whom = [company.people[userid] for userid in (people if reached is None else reached)]
        if whom:
            await card_reaches(session, row, *whom, now=now)
        return row


async def pass_until(sessions: Sessions, at: datetime) -> None:
    """What falls due on the way fires when it is due, as a worker does it."""
    clock = FakeClock(MONDAY_9AM)
    while clock.now() < at:
        clock.advance(min(timedelta(minutes=5), at - clock.now()))
        while await sweep(sessions, clock, REGISTRY.timers):
            pass


async def comes_back(sessions: Sessions, at: datetime) -> None:
    """A worker that was away until now."""
    while await sweep(sessions, FakeClock(at), REGISTRY.timers):
        pass


async def confirm(sessions: Sessions, row: Announcement, person: Person, now: datetime) -> None:
    async with transaction(sessions) as session:
        await service.confirm(session, announcement_id=AnnouncementId(row.id), person=person, via="rest", now=now)


async def heard(sessions: Sessions, person: Person) -> list[str]:
    async with transaction(sessions) as session:
        return [text for text in await texts_to(session, person) if "位同事未确认" in text]


async def escalated(sessions: Sessions, row: Announcement) -> dict[str, datetime | None]:
    async with transaction(sessions) as session:
        return {one: receipt.escalated_at for one, receipt in (await receipts_by_userid(session, row)).items()}


class TestWhoIsTold:
    async def test_the_head_of_the_department_gets_one_message_with_all_their_names(
        self, sessions: Sessions, company: Company
    ) -> None:
        row = await told(sessions, company, ["li", "chen"], author="zhao")
        await pass_until(sessions, TEN - timedelta(minutes=5))
        assert await heard(sessions, company.wang) == []
        await pass_until(sessions, TEN)
        [text] = await heard(sessions, company.wang)
        assert text.splitlines()[:3] == [
            "您的 2 位同事未确认通知“周五前完成验收”：",
            "截止 03-02 09:30：李军、陈晨",
            "请督促他们在卡片上点“收到”。",
        ]
        assert "依据制度第 3.6 条：" in text
        assert [await heard(sessions, one) for one in (company.zhao, company.han, company.li)] == [[], [], []]
        assert await escalated(sessions, row) == {"li": TEN, "chen": TEN}

    async def test_the_direct_leader_comes_before_the_head(self, sessions: Sessions, company: Company) -> None:
        async with transaction(sessions) as session:
            li = await session.get_one(Person, company.li.id)
            li.direct_leader_userids = ["chen"]
        await told(sessions, company, ["li"])
        await pass_until(sessions, TEN)
        assert len(await heard(sessions, company.chen)) == 1
        assert await heard(sessions, company.wang) == []

    @pytest.mark.parametrize("status", [PersonStatus.DISABLED, PersonStatus.LEFT, PersonStatus.NOT_ACTIVATED])
    async def test_who_may_not_act_is_passed_over_upwards(
        self, sessions: Sessions, company: Company, status: PersonStatus
    ) -> None:
        async with transaction(sessions) as session:
            await session.execute(update(Person).where(col(Person.id) == company.wang.id).values(status=status))
        await told(sessions, company, ["li"])
        await pass_until(sessions, TEN)
        assert "李军" in (await heard(sessions, company.zhao))[0]

    async def test_a_head_who_is_late_themselves_is_brought_before_the_next_one_up(
        self, sessions: Sessions, company: Company
    ) -> None:
        await told(sessions, company, ["wang", "li"])
        await pass_until(sessions, TEN)
        assert "截止 03-02 09:30：王芳\n" in (await heard(sessions, company.zhao))[0]
        assert "截止 03-02 09:30：李军\n" in (await heard(sessions, company.wang))[0]

    async def test_above_the_president_is_nobody_and_that_is_entered(
        self, sessions: Sessions, company: Company
    ) -> None:
        row = await told(sessions, company, ["zhao"], author="wang", message_class="urgent")
        await pass_until(sessions, TEN)
        assert await escalated(sessions, row) == {"zhao": TEN}
        async with transaction(sessions) as session:
            [entry] = [one for one in await audit_of(session, row.id) if one.action == "announcement.escalated"]
            assert entry.rule_key == "announcement.receipt"

    async def test_each_has_a_time_of_their_own(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li", "chen"], reached=["li"])
        async with transaction(sessions) as session:
            await card_reaches(session, row, company.chen, now=TEN)
        await pass_until(sessions, TEN + timedelta(hours=1))
        first, second = await heard(sessions, company.wang)
        assert ("李军" in first, "陈晨" in first) == (True, False)
        assert "您的 1 位同事" in second
        assert "截止 03-02 10:30：陈晨\n" in second


class TestWhoIsNotNamed:
    async def test_whoever_confirms_before_and_whoever_was_not_reached(
        self, sessions: Sessions, company: Company
    ) -> None:
        """3.6: undelivered, held and failed people are not 未确认."""
        row = await told(sessions, company, ["li", "chen", "han", "sun"], reached=["li", "chen"])
        async with transaction(sessions) as session:
            failed = update(Delivery).where(col(Delivery.person_id) == company.han.id)
            await session.execute(failed.values(state=DeliveryState.FAILED))
        await confirm(sessions, row, company.chen, HALF_PAST_9 + timedelta(minutes=5))
        await pass_until(sessions, TEN)
        assert "截止 03-02 09:30：李军\n" in (await heard(sessions, company.wang))[0]
        assert await heard(sessions, company.han) == await heard(sessions, company.zhao) == []
        assert await escalated(sessions, row) == {"li": TEN, "chen": None, "han": None, "sun": None}

    async def test_whoever_confirms_between_the_timer_and_the_words(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li", "chen"])
        await pass_until(sessions, HALF_PAST_9)
        await fire_without_words(sessions, row, TEN)
        await confirm(sessions, row, company.li, TEN)
        await comes_back(sessions, TEN)
        assert "截止 03-02 09:30：陈晨\n" in (await heard(sessions, company.wang))[0]
        assert await escalated(sessions, row) == {"li": None, "chen": TEN}

    async def test_whoever_is_confirming_at_this_moment_is_not_waited_for(
        self, sessions: Sessions, company: Company
    ) -> None:
        row = await told(sessions, company, ["li", "chen"])
        await pass_until(sessions, TEN - timedelta(minutes=5))
        async with sessions() as confirming:  # and gives up: never committed
            await service.confirm(
                confirming, announcement_id=AnnouncementId(row.id), person=company.li, via="rest", now=TEN
            )
            await comes_back(sessions, TEN)
        [text] = await heard(sessions, company.wang)
        assert "截止 03-02 09:30：陈晨\n" in text
        await comes_back(sessions, TEN + LOOK_AGAIN)
        assert "截止 03-02 09:30：李军\n" in (await heard(sessions, company.wang))[1]

    async def test_whoever_has_left_the_company(self, sessions: Sessions, company: Company) -> None:
        await told(sessions, company, ["li", "chen"])
        async with transaction(sessions) as session:
            gone = update(Person).where(col(Person.id) == company.li.id)
            await session.execute(gone.values(status=PersonStatus.LEFT))
        await pass_until(sessions, TEN)
        assert "截止 03-02 09:30：陈晨\n" in (await heard(sessions, company.wang))[0]

    async def test_a_class_that_does_not_say_so_brings_nobody_before_anybody(self, sessions: Sessions) -> None:
        """A document of the company's own stays as it is."""
        async with transaction(sessions) as session:
            company = await found(session, announcements__classes__instruction__escalate_after=None)
        row = await told(sessions, company, ["li"])
        await pass_until(sessions, SIX)
        assert await heard(sessions, company.wang) == []
        async with transaction(sessions) as session:
            assert (await receipts_by_userid(session, row))["li"].escalate_at is None


class TestOnce:
    async def test_a_second_sweep_tells_nobody_twice(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li", "chen"])
        await pass_until(sessions, HALF_PAST_9)
        for _ in range(2):
            await fire_without_words(sessions, row, TEN)
        for _ in range(2):
            await comes_back(sessions, TEN)
            await fire_without_words(sessions, row, TEN)
        await comes_back(sessions, SIX)
        assert len(await heard(sessions, company.wang)) == 1
        async with transaction(sessions) as session:
            entries = [one for one in await audit_of(session, row.id) if one.action == "announcement.escalated"]
        assert len(entries) == 2

    async def test_after_a_time_down_the_reminder_comes_first_and_the_term_is_counted_from_it(
        self, sessions: Sessions, company: Company
    ) -> None:
        """3.6: 催办一次，仍未回复的告知其上级。"""
        row = await told(sessions, company, ["li", "chen"])
        await comes_back(sessions, TEN + timedelta(hours=1))
        assert await heard(sessions, company.wang) == []
        async with transaction(sessions) as session:
            assert len(await cards_to(session, company.li)) == 2
        await comes_back(sessions, TEN + timedelta(hours=1, minutes=29))
        assert await heard(sessions, company.wang) == []
        await comes_back(sessions, TEN + timedelta(hours=1, minutes=30))
        assert len(await heard(sessions, company.wang)) == 1
        assert set(await escalated(sessions, row)) == {"li", "chen"}

    async def test_killed_while_telling(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li"])
        await pass_until(sessions, HALF_PAST_9)
        await fire_without_words(sessions, row, TEN)
        async with sessions() as session:  # never committed
            await tell_due(session, now=TEN)
            assert [text for text in await texts_to(session, company.wang) if "位同事" in text]
        assert await escalated(sessions, row) == {"li": None}
        await comes_back(sessions, TEN)
        assert len(await heard(sessions, company.wang)) == 1

    async def test_several_announcements_are_one_message(self, sessions: Sessions, company: Company) -> None:
        for title in ("周五前完成验收", "下午盘点"):
            await told(sessions, company, ["li", "chen"], title=title)
        await pass_until(sessions, TEN)
        [text] = await heard(sessions, company.wang)
        assert text.splitlines()[:3] == [
            "有 2 件事请您留意：",
            "· 您的 2 位同事未确认通知“周五前完成验收”：李军、陈晨（截止 03-02 09:30）。请督促（制度第 3.6 条）。",
            "· 您的 2 位同事未确认通知“下午盘点”：李军、陈晨（截止 03-02 09:30）。请督促（制度第 3.6 条）。",
        ]

    async def test_after_a_night_the_reminder_comes_first_and_the_superior_hears_of_who_ignores_it(
        self, sessions: Sessions, company: Company
    ) -> None:
        """3.6, as after a time down: the rest period holds the reminder."""
        row = await told(sessions, company, ["li", "chen"], message_class="urgent", now=MIDNIGHT)
        await pass_until(sessions, MORNING + timedelta(minutes=15))
        assert await heard(sessions, company.wang) == []
        async with transaction(sessions) as session:
            assert len(await cards_to(session, company.li)) == 2, "the reminder"
        await confirm(sessions, row, company.chen, MORNING + timedelta(minutes=16))
        await pass_until(sessions, MORNING + timedelta(minutes=45))
        [text] = await heard(sessions, company.wang)
        assert "截止 03-03 00:30：李军\n" in text


class TestAnAuthorWhoIsTheSuperior:
    """P5: they read each name once, and no name is lost."""

    async def test_a_list_of_others_silences_nothing(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li", "chen"], author="wang", reached=["li"])
        await pass_until(sessions, HALF_PAST_9)
        async with transaction(sessions) as session:
            await card_reaches(session, row, company.chen, now=HALF_PAST_9)
        await pass_until(sessions, TEN)
        [text] = await heard(sessions, company.wang)
        assert set(text.splitlines()[:3]) == {
            "有 2 件事请您留意：",
            "· 通知“周五前完成验收”送达较晚的 1 人期限已到：0 人已确认。未确认：陈晨。",
            "· 您的 1 位同事未确认通知“周五前完成验收”：李军（截止 03-02 09:30）。请督促（制度第 3.6 条）。",
        }

    async def test_who_stands_in_the_list_is_not_named_again(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li", "chen"], author="wang")
        await pass_until(sessions, HALF_PAST_9 - timedelta(minutes=5))
        await fire_at_once(sessions, row, service.CHASE, service.DEADLINE, service.ESCALATE, now=TEN)
        await comes_back(sessions, TEN)
        async with transaction(sessions) as session:
            [text] = [one for one in await texts_to(session, company.wang) if "周五前完成验收" in one]
        assert "未确认：陈晨、李军" in text or "未确认：李军、陈晨" in text
        assert await heard(sessions, company.wang) == []
        assert set((await escalated(sessions, row)).values()) == {TEN}


class TestWhenItRings:
    """3.4, policy 13: when it falls due, also at the end of work; never in the rest period."""

    async def test_at_six_it_is_said_at_six(self, sessions: Sessions, company: Company) -> None:
        await told(sessions, company, ["li"], now=SIX - timedelta(hours=1))
        await pass_until(sessions, SIX)
        assert len(await heard(sessions, company.wang)) == 1

    async def test_in_working_time_the_night_does_not_count(self, sessions: Sessions, company: Company) -> None:
        row = await told(sessions, company, ["li"], now=SIX - timedelta(minutes=30))
        async with transaction(sessions) as session:
            receipt = (await receipts_by_userid(session, row))["li"]
            assert (receipt.due_at, receipt.escalate_at) == (SIX, MONDAY_9AM + timedelta(days=1, minutes=30))

    async def test_two_that_fall_due_in_one_night_are_one_message_in_the_morning(
        self, sessions: Sessions, company: Company
    ) -> None:
        row = await told(sessions, company, ["li", "chen"], reached=["li"], message_class="urgent", now=MIDNIGHT)
        async with transaction(sessions) as session:
            await card_reaches(session, row, company.chen, now=MIDNIGHT + timedelta(minutes=30))
        await pass_until(sessions, MORNING + timedelta(minutes=25))
        assert await heard(sessions, company.wang) == []
        await pass_until(sessions, MORNING + timedelta(minutes=45))
        [text] = await heard(sessions, company.wang)
        assert text.splitlines()[1:3] == ["截止 03-03 00:30：李军", "截止 03-03 01:00：陈晨"]
        [at] = set((await escalated(sessions, row)).values())
        assert at is not None
        assert at > MORNING


class TestMany:
    """An announcement may reach everybody in the company."""

    @pytest.mark.parametrize("number", [3, 30])
    async def test_leaders_are_read_together_and_receipts_are_held_last(
        self, sessions: Sessions, company: Company, number: int
    ) -> None:
        row = await with_leaders(sessions, company, number)
        await fire_without_words(sessions, row, TEN)
        async with transaction(sessions) as session:
            said = await statements(session)
            await tell_due(session, now=TEN)
        by_userid = "SELECT person_userids.userid"
        assert len([one for one in said if one.startswith(by_userid)]) == 1
        [holds] = [place for place, one in enumerate(said) if "FROM receipts" in one and "FOR NO KEY UPDATE" in one]
        assert not [one for one in said[holds:] if one.startswith(by_userid)]
        assert all((await escalated(sessions, row)).values())

    async def test_no_more_than_some_at_once_and_each_superior_hears_all_names_once(
        self, sessions: Sessions, company: Company
    ) -> None:
        tell_at_once(sessions, 4)
        row = await with_leaders(sessions, company, 9)
        await fire_without_words(sessions, row, TEN)
        marked, at = [], TEN
        while None in (await escalated(sessions, row)).values():
            await comes_back(sessions, at)
            marked.append(len([one for one in (await escalated(sessions, row)).values() if one == at]))
            at += LOOK_AGAIN
        assert marked == [3, 3, 3]
        for leader in ("li", "chen", "sun"):
            [text] = await heard(sessions, company.people[leader])
            assert text.startswith("您的 3 位同事")

    async def test_who_alone_has_more_people_than_that_hears_of_them_in_turn(
        self, sessions: Sessions, company: Company
    ) -> None:
        tell_at_once(sessions, 2)
        async with transaction(sessions) as session:
            company.people["third"] = await person(session, "third", departments=[2])
        await told(sessions, company, ["li", "chen", "third"])
        await pass_until(sessions, HALF_PAST_9)
        await comes_back(sessions, TEN)
        assert len(await heard(sessions, company.wang)) == 1
        await comes_back(sessions, TEN + LOOK_AGAIN)
        assert [text.split("位")[0] for text in await heard(sessions, company.wang)] == ["您的 2 ", "您的 1 "]


async def test_a_superior_who_changes_meanwhile_is_told_in_the_place_of_the_former(
    sessions: Sessions, company: Company
) -> None:
    row = await told(sessions, company, ["li"])
    await pass_until(sessions, HALF_PAST_9)
    await fire_without_words(sessions, row, TEN)
    async with transaction(sessions) as session:
        (await session.get_one(Person, company.li.id)).direct_leader_userids = ["sun"]
    await comes_back(sessions, TEN)
    assert await heard(sessions, company.wang) == []
    await comes_back(sessions, TEN + LOOK_AGAIN)
    assert len(await heard(sessions, company.sun)) == 1


async def fire_without_words(sessions: Sessions, row: Announcement, now: datetime) -> None:
    async with transaction(sessions) as session:
        await REGISTRY.timers[service.ESCALATE](session, str(row.id), now)


async def fire_at_once(sessions: Sessions, row: Announcement, *kinds: str, now: datetime) -> None:
    async with transaction(sessions) as session:
        receipts = await receipts_by_userid(session, row)
        for kind in kinds:
            await REGISTRY.timers[kind](session, str(row.id), now)
            for receipt in receipts.values():
                receipt.escalate_at = now  # as if the whole night lay between


async def with_leaders(sessions: Sessions, company: Company, number: int) -> Announcement:
    """So many people, who have li, chen and sun in turn for their direct leader, and are late."""
    leaders = ["li", "chen", "sun"]
    async with transaction(sessions) as session:
        for place in range(number):
            one = f"late{place}"
            company.people[one] = await person(session, one, departments=[2], leaders=[leaders[place % 3]])
    row = await told(sessions, company, [f"late{place}" for place in range(number)])
    await pass_until(sessions, HALF_PAST_9)
    return row


def tell_at_once(sessions: Sessions, number: int) -> None:
    """The superiors hear of so many people in one transaction."""
    words = partial(service.escalation_words, at_once=number)
    register(sessions, rungs={**REGISTRY.rungs, AnnouncementPurpose.ESCALATION: words})


async def statements(session: AsyncSession) -> list[str]:
    """What the database is sent from now on."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen((await session.connection()).sync_connection, "before_cursor_execute", note)
    return said
