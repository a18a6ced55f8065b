import asyncio
from datetime import UTC, datetime
from time import perf_counter

import httpx
import pytest

from sandbox.config import Limits
from tests.sandbox.world import World


class TestFaults:
    async def test_errcode_before_the_effect(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("message/send", errcode=-1, times=2)
        assert [(await world.send(userid))["errcode"] for _ in range(3)] == [-1, -1, 0]
        assert len(await world.client.app_messages(userid)) == 1

    async def test_time_out_after_the_effect(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("message/send", timeout=True, when="after")
        with pytest.raises(httpx.ReadTimeout):
            await world.send(userid)
        assert len(await world.client.app_messages(userid)) == 1

    async def test_dropped_before_the_effect(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("message/send", drop=True)
        with pytest.raises(httpx.RemoteProtocolError):
            await world.send(userid)
        assert await world.client.app_messages(userid) == []

    async def test_http_error_on_everything_until_cleared(self, world: World) -> None:
        token = await world.token(world.config.app_secret)
        await world.client.fail("*", http_status=502, times=None)
        for _ in range(3):
            answer = await world.http.get("/cgi-bin/department/list", params={"access_token": token})
            assert answer.status_code == 502
        await world.client.clear_faults()
        assert (await world.app("department/list"))["errcode"] == 0

    async def test_partial_failure_in_the_answer_alone(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("message/send", answer={"invaliduser": userid})
        assert (await world.send(userid))["invaliduser"] == userid
        assert (await world.send(userid))["invaliduser"] == ""

    async def test_slow(self, world: World) -> None:
        await world.client.fail("tag/list", delay=0.05)
        started = perf_counter()
        assert (await world.app("tag/list"))["errcode"] == 0
        assert perf_counter() - started >= 0.05


class TestCallLog:
    async def test_calls_are_remembered_without_secrets(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send(userid)
        (call,) = await world.client.calls("message/send")
        assert call["body"]["touser"] == userid
        assert (call["app"], call["errcode"]) == (str(world.config.agent_id), 0)
        tokens = await world.client.calls("gettoken")
        assert "corpsecret" not in tokens[0]["query"]

    async def test_a_call_stopped_before_its_effect_is_logged_under_its_caller(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("user/get", errcode=-1)
        await world.app("user/get", userid=userid)
        await world.contacts("user/get", userid=userid)
        unknown = await world.http.get("/cgi-bin/user/get", params={"access_token": "never-issued", "userid": userid})
        assert unknown.json()["errcode"] == 40014
        callers = [call["app"] for call in await world.client.calls("user/get")]
        assert callers == [str(world.config.agent_id), "contacts", None]


class TestLimits:
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
