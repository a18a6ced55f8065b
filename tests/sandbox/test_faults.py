import asyncio
from time import perf_counter
from typing import Any

import httpx
import pytest

from tests.sandbox.world import World


async def codes(world: World, endpoint: str, count: int) -> list[int]:
    return [(await world.app(endpoint))["errcode"] for _ in range(count)]


class TestWhatGoesWrong:
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


class TestBrokenAnswers:
    """The caller cannot know whether the effect happened; it can only ask again."""

    @pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1)])
    async def test_truncated(self, world: World, when: Any, arrived: int) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("message/send", truncated=True, when=when)
        with pytest.raises(httpx.RemoteProtocolError):
            await world.send(userid)
        assert len(await world.client.app_messages(userid)) == arrived

    @pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1)])
    async def test_no_json(self, world: World, when: Any, arrived: int) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("message/send", broken_json=True, when=when)
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            await world.send(userid)
        assert len(await world.client.app_messages(userid)) == arrived


class TestWhichCalls:
    async def test_after_some_that_pass(self, world: World) -> None:
        await world.client.fail("tag/list", errcode=-1, skip=2, times=1)
        assert await codes(world, "tag/list", 4) == [0, 0, -1, 0]

    async def test_a_share_of_them_the_same_for_the_same_seed(self, world: World) -> None:
        runs = []
        for _ in range(2):
            await world.client.clear_faults()
            await world.client.fail("tag/list", errcode=-1, times=None, chance=0.4, seed=7)
            runs.append(await codes(world, "tag/list", 30))
        assert runs[0] == runs[1]
        assert 5 < runs[0].count(-1) < 20

    async def test_by_the_body(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.fail("message/send", errcode=-1, times=None, match={"touser": one})
        assert (await world.send(one))["errcode"] == -1
        assert (await world.send(two))["errcode"] == 0
        await world.client.clear_faults()
        await world.client.fail("message/send", errcode=-1, times=None, contains="第七章")
        assert (await world.send(two, text={"content": "第七章 奖惩"}))["errcode"] == -1
        assert (await world.send(two))["errcode"] == 0

    async def test_by_the_caller(self, world: World) -> None:
        await world.client.fail("department/simplelist", errcode=-1, times=None, app="contacts")
        assert (await world.contacts("department/simplelist"))["errcode"] == -1
        assert (await world.app("department/simplelist"))["errcode"] == 0

    async def test_disarmed_one_by_one(self, world: World) -> None:
        kept = await world.client.fail("tag/list", errcode=-1, times=None)
        gone = await world.client.fail("agent/get", errcode=-1, times=None)
        assert (await world.http.delete(f"/sandbox/faults/{gone}")).status_code == 200
        assert (await world.http.delete(f"/sandbox/faults/{gone}")).status_code == 404
        assert await codes(world, "tag/list", 1) == [-1]
        assert kept


class TestTokenAndLimit:
    async def test_the_token_dies_under_the_call(self, world: World) -> None:
        await world.client.fail("tag/list", expire_token=True)
        assert await codes(world, "tag/list", 2) == [42001, 42001]
        world._tokens.clear()
        assert await codes(world, "tag/list", 1) == [0]

    @pytest.mark.parametrize(("window", "seconds"), [("minute", 60), ("hour", 3_600), ("month", 30 * 86_400)])
    async def test_blocked_as_long_as_the_platform_blocks(self, world: World, window: str, seconds: int) -> None:
        await world.client.configure(token_seconds=10**8)
        await world.client.fail("message/send", rate_limit=window)
        userid = (await world.userids(1))[0]
        assert (await world.send(userid))["errcode"] == 45009
        await world.client.advance_clock(seconds - 5)
        assert (await world.send(userid))["errcode"] == 45009
        await world.client.advance_clock(6)
        assert (await world.send(userid))["errcode"] == 0

    async def test_a_token_killed_by_hand_is_replaced_at_the_next_gettoken(self, world: World) -> None:
        first = await world.token(world.config.app_secret)
        await world.client.expire_tokens()
        assert await world.token(world.config.app_secret) != first


class TestPartialRecipients:
    async def test_some_are_taken_for_unknown(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.fail("message/send", invalid_users=[one])
        answer = await world.send(f"{one}|{two}")
        assert (answer["errcode"], answer["invaliduser"]) == (0, one)
        assert len(await world.client.app_messages(one)) == 0
        assert len(await world.client.app_messages(two)) == 1

    async def test_all_of_them_is_81013(self, world: World) -> None:
        one = (await world.userids(1))[0]
        await world.client.fail("message/send", invalid_users=[one])
        assert (await world.send(one))["errcode"] == 81013

    async def test_some_never_get_it_and_nobody_is_told(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.fail("message/send", lost_users=[one])
        assert (await world.send(f"{one}|{two}"))["invaliduser"] == ""
        assert len(await world.client.app_messages(one)) == 0
        assert len(await world.client.app_messages(two)) == 1


class TestDuplicates:
    """What a suppressed repeat answers is not documented: three ways to live with."""

    @pytest.mark.parametrize("way", ["full", "bare", "error"])
    async def test_the_same_body_is_sent_once(self, world: World, way: str) -> None:
        await world.client.configure(duplicate_answer=way)
        userid = (await world.userids(1))[0]
        first, second = [await world.send(userid, text={"content": "x"}, enable_duplicate_check=1) for _ in range(2)]
        assert len(await world.client.app_messages(userid)) == 1
        expected = {"full": first, "bare": {"errcode": 0, "errmsg": "ok"}}
        assert second == expected[way] if way in expected else second["errcode"] == 45009

    async def test_again_after_the_window(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        more: Any = {"enable_duplicate_check": 1, "duplicate_check_interval": 60, "text": {"content": "x"}}
        await world.send(userid, **more)
        await world.client.advance_clock(61)
        await world.send(userid, **more)
        assert len(await world.client.app_messages(userid)) == 2


class TestConcurrency:
    async def test_too_many_calls_at_once_are_refused_until_they_are_fewer(self, world: World) -> None:
        await world.token(world.config.app_secret)
        await world.app("tag/list")
        await world.client.configure(latency_seconds=0.05)
        await world.client.change_limits(concurrent_calls=3)
        answers = await asyncio.gather(*(world.app("tag/list") for _ in range(5)))
        assert sorted(answer["errcode"] for answer in answers).count(45033) >= 2
        assert (await world.app("tag/list"))["errcode"] == 0


class TestAddresses:
    async def test_an_edit_of_the_list_takes_a_minute(self, world: World) -> None:
        await world.client.configure(trusted_ips_delay_seconds=60)
        await world.client.configure(trusted_ips=["203.0.113.9"])
        assert (await world.app("tag/list"))["errcode"] == 0
        await world.client.advance_clock(61)
        assert (await world.app("tag/list"))["errcode"] == 60020
        await world.client.configure(trusted_ips=["127.0.0.1"])
        assert (await world.app("tag/list"))["errcode"] == 60020
        await world.client.advance_clock(61)
        assert (await world.app("tag/list"))["errcode"] == 0

    async def test_contacts_have_a_list_of_their_own(self, world: World) -> None:
        await world.client.configure(contacts_trusted_ips=["203.0.113.9"])
        assert (await world.contacts("department/simplelist"))["errcode"] == 60020
        assert (await world.app("department/simplelist"))["errcode"] == 0

    async def test_details_depend_on_the_age_of_the_caller_s_address(self, world: World) -> None:
        """Old and new nodes of one service get different answers."""
        await world.client.configure(legacy_contacts_ips=["203.0.113.9"])
        userid = (await world.userids(1))[0]
        assert (await world.contacts("user/get", userid=userid))["errcode"] == 48009
        token = await world.token(world.config.contacts_secret)
        answer = await world.http.get(
            "/cgi-bin/user/get",
            params={"access_token": token, "userid": userid},
            headers={"x-sandbox-from-ip": "203.0.113.9"},
        )
        assert answer.json()["errcode"] == 0

    async def test_bad_secrets_count_per_address(self, world: World) -> None:
        await world.client.change_limits(bad_secrets_per_hour=1)

        async def code(secret: str, ip: str) -> int:
            params = {"corpid": world.config.corp_id, "corpsecret": secret}
            answer = await world.http.get("/cgi-bin/gettoken", params=params, headers={"x-sandbox-from-ip": ip})
            return int(answer.json()["errcode"])

        assert [await code("wrong", "203.0.113.9") for _ in range(2)] == [40001, 45009]
        assert await code(world.config.app_secret, "203.0.113.9") == 45009
        assert await code(world.config.app_secret, "203.0.113.10") == 0
        await world.client.advance_clock(3_601)
        assert await code(world.config.app_secret, "203.0.113.9") == 0
