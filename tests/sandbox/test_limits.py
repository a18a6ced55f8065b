import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from sandbox.config import Limits
from sandbox.limits import RULES
from tests.sandbox.world import Json, World

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""09:00 in Beijing: no window ends in the middle of a test."""


@pytest.fixture
async def office() -> AsyncIterator[World]:
    world = await World().start()
    await world.client.set_time(NINE)
    yield world
    await world.stop()


async def rule(world: World, name: str) -> Json:
    return next(row for row in await world.client.limits() if row["rule"] == name)


class TestTable:
    def test_every_number_has_a_rule_and_every_rule_a_number(self) -> None:
        rules = {rule.name for rules in RULES.values() for rule in rules}
        assert rules - {"on_demand"} == set(Limits.model_fields) - {"concurrent_calls"}

    async def test_the_documented_numbers(self, office: World) -> None:
        rows = {row["rule"]: row for row in await office.client.limits()}
        assert (rows["api_per_minute"]["most"], rows["api_per_hour"]["most"]) == (10_000, 150_000)
        assert (rows["ip_per_minute"]["most"], rows["ip_per_hour"]["most"]) == (20_000, 600_000)
        assert rows["app_daily_factor"]["most"] == 200 * 40
        assert rows["member_per_minute"]["excess"] == "drop"
        assert rows["image_per_month"]["window_seconds"] == 30 * 86_400

    async def test_the_account_limit_is_the_base_of_some(self, office: World) -> None:
        await office.client.configure(account_limit=1_000)
        assert (await rule(office, "app_daily_factor"))["most"] == 200_000


class TestCounters:
    async def test_peak_is_the_most_in_any_window(self, office: World) -> None:
        """Fixed windows let twice the number through around their border; the peak tells."""
        userid = (await office.userids(1))[0]
        await office.client.change_limits(member_per_minute=3)
        await office.client.advance_clock(58)
        for _ in range(3):
            await office.send(userid)
        await office.client.advance_clock(4)
        for _ in range(3):
            await office.send(userid)
        row = await rule(office, "member_per_minute")
        assert (row["used"], row["peak"], row["dropped"]) == (3, 6, 0)
        assert len(await office.client.app_messages(userid)) == 6

    async def test_sliding_windows_on_request(self, office: World) -> None:
        userid = (await office.userids(1))[0]
        await office.client.configure(limit_windows="sliding")
        await office.client.change_limits(member_per_minute=3)
        await office.client.advance_clock(58)
        for _ in range(3):
            await office.send(userid)
        await office.client.advance_clock(4)
        await office.send(userid)
        row = await rule(office, "member_per_minute")
        assert (row["peak"], row["dropped"]) == (3, 1)

    async def test_uses_a_window_apart_do_not_add_up(self, office: World) -> None:
        userid = (await office.userids(1))[0]
        for _ in range(3):
            await office.send(userid)
            await office.client.advance_clock(61)
        assert (await rule(office, "member_per_minute"))["peak"] == 1
        assert (await rule(office, "member_per_hour"))["peak"] == 3

    async def test_per_subject(self, office: World) -> None:
        one, two = await office.userids(2)
        await office.send(f"{one}|{two}")
        await office.send(one)
        rows = await office.client.limit_counters("message member")
        used = sorted(row["used"] for row in rows if row["rule"] == "member_per_minute")
        assert used == [1, 2]

    async def test_refused_calls_are_counted_apart(self, office: World) -> None:
        await office.client.change_limits(api_per_minute=2)
        for _ in range(5):
            await office.app("tag/list")
        (row,) = [r for r in await office.client.limit_counters("api", "tag/list") if r["rule"] == "api_per_minute"]
        assert (row["used"], row["peak"], row["refused"]) == (2, 2, 3)
        assert row["blocked_until"] == pytest.approx(NINE.timestamp() + 60, abs=30)

    async def test_forgotten_on_request(self, office: World) -> None:
        await office.app("tag/list")
        await office.client.forget_limits()
        assert (await rule(office, "api_per_minute"))["subjects"] == 0

    async def test_unknown_number_is_refused(self, office: World) -> None:
        answer = await office.http.patch("/sandbox/limits", json={"api_per_second": 1})
        assert answer.status_code == 422


class TestBlocks:
    """A minute blocks 60 s, an hour 60 minutes, a day its rest, a month 30 days."""

    @pytest.mark.parametrize(
        ("number", "too_early", "late_enough"),
        [("api_per_minute", 58, 61), ("api_per_hour", 3_590, 3_601)],
    )
    async def test_minute_and_hour(self, office: World, number: str, too_early: int, late_enough: int) -> None:
        await office.client.configure(token_seconds=100_000)
        await office.client.change_limits(**{number: 1})
        await office.client.advance_clock(30)
        assert [(await office.app("tag/list"))["errcode"] for _ in range(2)] == [0, 45009]
        await office.client.advance_clock(too_early)
        assert (await office.app("tag/list"))["errcode"] == 45009
        await office.client.advance_clock(late_enough - too_early)
        assert (await office.app("tag/list"))["errcode"] == 0

    async def test_a_day_ends_at_midnight_in_beijing(self, office: World) -> None:
        await office.client.configure(token_seconds=1_000_000)
        await office.client.change_limits(group_create_per_day=1)
        body = {"userlist": await office.userids(2)}
        assert [(await office.app("appchat/create", body))["errcode"] for _ in range(2)] == [0, 45009]
        await office.client.set_time(datetime(2026, 3, 2, 15, 59, 50, tzinfo=UTC))
        assert (await office.app("appchat/create", body))["errcode"] == 45009
        await office.client.advance_clock(20)
        assert (await office.app("appchat/create", body))["errcode"] == 0

    async def test_an_address_has_its_own_numbers(self, office: World) -> None:
        await office.client.change_limits(ip_per_minute=1)
        assert [(await office.app("tag/list"))["errcode"] for _ in range(2)] == [0, 45009]

    async def test_debug_is_five_a_minute(self, office: World) -> None:
        codes = [(await office.app("tag/list", debug="1"))["errcode"] for _ in range(6)]
        assert codes == [0] * 5 + [45009]

    async def test_group_sends_count_their_members(self, office: World) -> None:
        people = await office.userids(3)
        await office.client.change_limits(group_send_per_minute=7)
        await office.app("appchat/create", {"userlist": people, "chatid": "g1"})
        body = {"chatid": "g1", "msgtype": "text", "text": {"content": "x"}}
        assert [(await office.app("appchat/send", body))["errcode"] for _ in range(3)] == [0, 0, 45009]
        assert (await rule(office, "group_send_per_minute"))["peak"] == 6

    async def test_nothing_counts_when_limits_are_off(self, office: World) -> None:
        await office.client.configure(limits=False)
        await office.client.change_limits(api_per_minute=1)
        for _ in range(3):
            assert (await office.app("tag/list"))["errcode"] == 0
        assert await office.client.limit_counters() == []


class TestBeyond:
    """The documented numbers, made small."""

    async def world_with(self, **numbers: int) -> World:
        """At the first second of an hour, so that no window ends in the middle of a test."""
        world = await World(limit_numbers=Limits(**numbers)).start()
        await world.client.set_time(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
        return world

    async def test_excess_to_one_member_vanishes_silently(self) -> None:
        world = await self.world_with(member_per_minute=3)
        one, two = await world.userids(2)
        for _ in range(5):
            assert (await world.send(one))["errcode"] == 0
        await world.send(two)
        assert len(await world.client.app_messages(one)) == 3
        assert len(await world.client.app_messages(two)) == 1
        await world.client.advance_clock(60)
        await world.send(one)
        assert len(await world.client.app_messages(one)) == 4
        await world.stop()

    async def test_calls_are_blocked_for_a_minute(self) -> None:
        world = await self.world_with(api_per_minute=2)
        await world.token(world.config.app_secret)
        codes = [(await world.app("tag/list"))["errcode"] for _ in range(4)]
        assert codes == [0, 0, 45009, 45009]
        assert (await world.app("department/list"))["errcode"] == 0
        await world.client.advance_clock(61)
        assert (await world.app("tag/list"))["errcode"] == 0
        await world.stop()

    async def test_group_creations_until_the_end_of_the_day(self) -> None:
        world = await self.world_with(group_create_per_day=1)
        people = await world.userids(2)
        codes = [(await world.app("appchat/create", {"userlist": people}))["errcode"] for _ in range(2)]
        assert codes == [0, 45009]
        await world.client.advance_clock(86_400)
        world._tokens.clear()
        assert (await world.app("appchat/create", {"userlist": people}))["errcode"] == 0
        await world.stop()

    async def test_group_changes_for_an_hour(self) -> None:
        world = await self.world_with(group_update_per_hour=1)
        await world.app("appchat/create", {"userlist": await world.userids(2), "chatid": "g1"})
        change = {"chatid": "g1", "name": "新名"}
        assert [(await world.app("appchat/update", change))["errcode"] for _ in range(2)] == [0, 45009]
        await world.client.advance_clock(3_601)
        assert (await world.app("appchat/update", change))["errcode"] == 0
        await world.stop()

    async def test_excess_in_groups_of_a_day_vanishes_over_all_groups(self) -> None:
        world = await self.world_with(group_member_per_day=2)
        one, two, three = await world.userids(3)
        for chatid, members in (("g1", [one, two]), ("g2", [one, three])):
            await world.app("appchat/create", {"userlist": members, "chatid": chatid})
        for chatid in ("g1", "g1", "g2"):
            body = {"chatid": chatid, "msgtype": "text", "text": {"content": "x"}}
            assert (await world.app("appchat/send", body))["errcode"] == 0

        async def received(userid: str) -> int:
            groups = (await world.client.phone(userid))["conversations"][1:]
            return sum(len(group["messages"]) for group in groups)

        assert [await received(userid) for userid in (one, two, three)] == [2, 2, 1]
        await world.stop()

    async def test_excess_in_groups_vanishes_for_the_member(self) -> None:
        world = await self.world_with(group_member_per_minute=2)
        one, two = await world.userids(2)
        await world.app("appchat/create", {"userlist": [one, two], "chatid": "g1"})
        for _ in range(3):
            body = {"chatid": "g1", "msgtype": "text", "text": {"content": "x"}}
            assert (await world.app("appchat/send", body))["errcode"] == 0
        assert len((await world.client.phone(one))["conversations"][1]["messages"]) == 2
        await world.stop()

    async def test_bad_secrets_block_the_address(self) -> None:
        world = await self.world_with(bad_secrets_per_hour=2)

        async def code(secret: str) -> int:
            params = {"corpid": world.config.corp_id, "corpsecret": secret}
            return int((await world.http.get("/cgi-bin/gettoken", params=params)).json()["errcode"])

        assert [await code("wrong") for _ in range(3)] == [40001, 40001, 45009]
        assert await code(world.config.app_secret) == 45009
        await world.stop()

    async def test_off(self) -> None:
        world = await World(limits=False, limit_numbers=Limits(member_per_minute=1, api_per_minute=1)).start()
        userid = (await world.userids(1))[0]
        await asyncio.gather(*(world.send(userid) for _ in range(5)))
        assert len(await world.client.app_messages(userid)) == 5
        await world.stop()
