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
