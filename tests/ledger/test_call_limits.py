"""P7 in the ledger: few at their limit hold up nobody else, and what is held says until when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from app.audit.actor import SYSTEM
from app.database import transaction
from app.ledger.claiming.platform_limits import shares_of
from app.ledger.jobs import limit_changed
from app.ledger.rules import Hold
from app.limits import numbers
from app.limits.breaker import KNOWN_FOR_SECONDS
from app.limits.catalogue import COUNTERS
from app.limits.usage.reservations import Shortage
from app.quota.jobs import LimitChanged
from app.quota.service import change_limit, unblock_path
from models.delivery import CallKind, CallState, DeliveryState
from models.groups import Group, GroupMember, GroupState
from models.ids import PersonId, new_id
from tests.delivery.conftest import Desk
from tests.fakes.clock import MONDAY_9AM


async def limit_to(desk: Desk, key: str, most: int) -> None:
    async with transaction(desk.sessions) as session:
        await numbers.change(session, key, now=desk.clock.now(), most=most)


async def register(desk: Desk, chatid: str, people: list[PersonId]) -> None:
    """The group as the registry knows it, with its roster."""
    now = desk.clock.now()
    group = Group(
        app_id="app",
        chatid=chatid,
        group_type="project",
        purpose="测试",
        desired_name="项目群",
        desired_owner_id=people[0],
        charter="",
        state=GroupState.ACTIVE,
        policy_version_id=desk.company.policy.id,
        rule_key="group.create",
        correlation_id="c",
        registered_at=now,
        updated_at=now,
    )
    async with transaction(desk.sessions) as session:
        session.add(group)
        await session.flush()
        session.add_all(
            GroupMember(group_id=group.id, person_id=key, observed=True, desired_since=now) for key in people
        )


class TestFewAtTheirLimit:
    async def test_hold_up_nobody_else(self, desk: Desk) -> None:
        await limit_to(desk, "message.member.minute", 1)
        people = await desk.colleagues(5)
        await desk.text(people[:2], "先发给两个人")
        await desk.work()
        message = await desk.text(people, "再发给所有人")
        await desk.work()

        assert await desk.account(message) == {"sent": 3, "held": 2}
        held = [row for row in await desk.deliveries(message) if row.state is DeliveryState.HELD]
        assert {row.person_id for row in held} == set(people[:2])
        assert {row.reason for row in held} == {"member_limit"}
        assert {row.until for row in held} == {desk.clock.now() + timedelta(seconds=62)}
        await desk.pass_time(seconds=61)
        assert await desk.account(message) == {"sent": 3, "held": 2}
        await desk.pass_time(seconds=1)
        assert await desk.account(message) == {"sent": 5}
        names = [set(body["touser"].split("|")) for body in await desk.sent_bodies()]
        assert [len(name) for name in names] == [2, 3, 2]
        assert not names[1] & names[2], "nobody gets it twice"

    async def test_later_parts_follow_each_group_of_people_by_itself(self, desk: Desk) -> None:
        await limit_to(desk, "message.member.minute", 2)
        people = await desk.colleagues(3)
        for number in range(2):
            await desk.text(people[:1], f"第 {number} 条")
        await desk.work()
        message = await desk.text(people, "长" * 1200)
        parts = message.audience // 3
        assert parts == 2
        await desk.work()

        sent = {(row.person_id, row.part) for row in await desk.deliveries(message) if row.state is DeliveryState.SENT}
        assert sent == {(person, part) for person in people[1:] for part in (1, 2)}
        await desk.pass_time(seconds=62)
        assert await desk.account(message) == {"sent": 6}

    async def test_the_call_that_was_split_stands_replaced_with_its_bytes(self, desk: Desk) -> None:
        await limit_to(desk, "message.member.minute", 1)
        people = await desk.colleagues(2)
        await desk.text(people[:1], "一")
        await desk.work()
        await desk.text(people, "二")
        await desk.work()
        calls = await desk.calls(CallKind.MESSAGE_SEND)
        [former] = [call for call in calls if call.state is CallState.REPLACED]
        later = [call for call in calls if call.previous_id == former.id]
        assert sorted(call.state for call in later) == [CallState.DONE, CallState.HELD]
        assert [call.limit_key for call in later if call.state is CallState.HELD] == ["message.member.minute"]

    async def test_an_uncertain_resend_keeps_its_bytes_and_waits_as_a_whole(self, desk: Desk) -> None:
        await limit_to(desk, "message.member.minute", 1)
        message = await desk.text(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", drop=True, when="before")
        await desk.work()
        assert await desk.account(message) == {"unknown": 2}
        await desk.pass_time(seconds=3)
        # The first attempt may have arrived: a second one now could be the one too many.
        assert await desk.account(message) == {"unknown": 2}
        await desk.pass_time(seconds=62)
        assert await desk.account(message) == {"sent": 2}
        first, second = await desk.sandbox.calls("message/send")
        assert first["body"] == second["body"]


class TestTheDayOfTheApp:
    """Account cap × 200 person-times a day; the cap is not told, the members we know are (messaging §0.1)."""

    async def test_grows_with_the_company(self, desk: Desk) -> None:
        people = await desk.colleagues(3)
        await desk.text(people, "一")
        await desk.work()
        async with transaction(desk.sessions) as session:
            number = (await numbers.in_force(session, [COUNTERS["message.app"]]))["message.app.day"]
        assert number.most == 200 * len(desk.people)

    async def test_what_fits_goes_today_and_the_rest_tomorrow(self, desk: Desk) -> None:
        await limit_to(desk, "message.app.day", 5)
        people = await desk.colleagues(8)
        message = await desk.text(people)
        await desk.work()
        assert await desk.account(message) == {"sent": 5, "held": 3}
        assert await desk.reasons(message) == {"", "platform_limit"}
        [until] = {row.until for row in await desk.deliveries(message) if row.state is DeliveryState.HELD}
        assert until == MONDAY_9AM + timedelta(hours=24, minutes=30)
        await desk.pass_time(hours=24, minutes=30)
        assert await desk.account(message) == {"sent": 8}


class TestAChange:
    """What an operator changes holds at once, also for what waits already."""

    async def test_of_a_limit_lets_go_what_waits_for_it(self, desk: Desk) -> None:
        await limit_to(desk, "message.app.day", 2)
        message = await desk.text(await desk.colleagues(5))
        await desk.work()
        assert await desk.account(message) == {"sent": 2, "held": 3}
        async with transaction(desk.sessions) as session:
            await change_limit(session, key="message.app.day", changes={"most": 4}, actor=SYSTEM, now=desk.clock.now())
        await limit_changed(desk.ctx, LimitChanged(key="message.app.day"))
        await desk.work()
        assert await desk.account(message) == {"sent": 4, "held": 1}

    async def test_of_a_block_lets_go_what_waits_for_its_path_alone(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", errcode=45009)
        await desk.work()
        assert await desk.reasons(message) == {"platform_limit"}
        await limit_changed(desk.ctx, LimitChanged(path="appchat/send"))
        await desk.work()
        assert await desk.account(message) == {"held": 2}
        async with transaction(desk.sessions) as session:
            await unblock_path(session, path="message/send", actor=SYSTEM, now=desk.clock.now())
        await asyncio.sleep(KNOWN_FOR_SECONDS + 0.1)  # what a process knows of blocks is real time
        await limit_changed(desk.ctx, LimitChanged(path="message/send"))
        await desk.work()
        assert await desk.account(message) == {"sent": 2}


class TestGroups:
    async def test_larger_than_a_whole_limit_are_told_so_instead_of_waiting_for_ever(self, desk: Desk) -> None:
        """P8: nothing is `held until` a moment that never comes."""
        await limit_to(desk, "appchat.people.minute", 2)
        chatid = await desk.group()
        await register(desk, chatid, list(desk.people.values()))
        await desk.to_group(chatid, "到不了的消息", new_id())
        await desk.work()
        [call] = await desk.calls(CallKind.APPCHAT_SEND)
        assert call.state is CallState.FAILED
        assert "等多久都发不出" in str(call.error)
        assert "appchat.people.minute" in str(call.error)

    async def test_person_times_count_the_roster(self, desk: Desk) -> None:
        await limit_to(desk, "appchat.people.minute", 7)
        chatid = await desk.group()
        await register(desk, chatid, list(desk.people.values()))
        for number in range(3):
            await desk.to_group(chatid, f"第 {number} 条", new_id())
        await desk.work()
        states = [call.state for call in await desk.calls(CallKind.APPCHAT_SEND)]
        assert states == [CallState.DONE, CallState.DONE, CallState.HELD]
        await desk.pass_time(seconds=62)
        assert [call.state for call in await desk.calls(CallKind.APPCHAT_SEND)] == [CallState.DONE] * 3

    async def test_a_member_is_counted_over_all_groups(self, desk: Desk) -> None:
        await limit_to(desk, "appchat.member.minute", 1)
        one = await desk.group("one")
        members = list(desk.people.values())
        await register(desk, one, members)
        two = await desk.group("two")
        await register(desk, two, [*(person for person in desk.people.values() if person not in members), members[0]])
        await desk.to_group(one, "一", new_id())
        await desk.to_group(two, "二", new_id())
        await desk.work()
        first, second = await desk.calls(CallKind.APPCHAT_SEND)
        assert (first.state, second.state) == (CallState.DONE, CallState.HELD)
        assert (second.hold_reason, second.limit_key) == ("member_limit", "appchat.member.minute")

    async def test_creations_and_changes(self, desk: Desk) -> None:
        await limit_to(desk, "appchat.create.day", 1)
        await limit_to(desk, "appchat.update.hour", 1)
        chatid = await desk.group()
        for number in range(2):
            await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": f"群名 {number}"})
        await desk.request(CallKind.APPCHAT_CREATE, {"chatid": "another", "name": "群"})
        await desk.work()
        held = {call.kind: call for call in await desk.calls() if call.state is CallState.HELD}
        assert {kind: call.limit_key for kind, call in held.items()} == {
            CallKind.APPCHAT_UPDATE: "appchat.update.hour",
            CallKind.APPCHAT_CREATE: "appchat.create.day",
        }
        assert held[CallKind.APPCHAT_UPDATE].not_before == MONDAY_9AM + timedelta(minutes=61)


class TestWhatIsCounted:
    async def test_a_call_that_never_left_is_given_back(self, desk: Desk) -> None:
        await limit_to(desk, "message.member.minute", 1)
        desk.line.is_cut = True
        message = await desk.text(await desk.colleagues(1))
        await desk.work()
        assert await desk.account(message) == {"held": 1}
        desk.line.is_cut = False
        await desk.pass_time(seconds=3)
        assert await desk.account(message) == {"sent": 1}

    async def test_a_change_waits_for_the_basic_rate_without_effect(self, desk: Desk) -> None:
        chatid = await desk.group()
        await limit_to(desk, "api.corp.minute", 0)
        call = await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": "新群名"})
        await desk.work()
        held = await desk.call(call.id)
        assert (held.state, held.hold_reason, held.limit_key) == (
            CallState.HELD,
            "platform_limit",
            "api.corp.minute",
        )
        assert await desk.sandbox.calls("appchat/update") == []
        assert held.sent_at is None


class TestHowRecipientsArePutTogether:
    def test_people_who_may_go_at_about_the_same_time_go_together(self) -> None:
        people = [UUID(int=number) for number in range(6)]
        soon, late = MONDAY_9AM + timedelta(minutes=2), MONDAY_9AM + timedelta(minutes=50)
        short = [
            Shortage("message.member.hour", f"app:{people[0]}", 0, 1000, soon),
            Shortage("message.member.hour", f"app:{people[1]}", 0, 1000, soon + timedelta(seconds=60)),
            Shortage("message.member.hour", f"app:{people[2]}", 0, 1000, late),
        ]
        going, first, second = shares_of("app", people, short)
        assert (going.people, going.verdict) == (tuple(people[3:]), None)
        assert first.people == tuple(people[:2])
        assert isinstance(first.verdict, Hold)
        assert first.verdict.until == soon + timedelta(seconds=60)
        assert second.people == (people[2],)

    def test_a_crumb_of_the_common_limit_splits_nothing(self) -> None:
        people = [UUID(int=number) for number in range(100)]
        [part] = shares_of("app", people, [Shortage("message.app.day", "app", 4, 100, MONDAY_9AM)])
        assert part.people == tuple(people)
        assert part.verdict is not None
