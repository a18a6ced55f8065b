import pytest

from tests.sandbox.world import World


class TestLookups:
    async def test_by_mobile_and_by_both_kinds_of_address(self, world: World) -> None:
        person = (await world.client.people(limit=1))[0]
        found = [
            await world.app("user/getuserid", {"mobile": person["mobile"]}),
            await world.app("user/get_userid_by_email", {"email": person["biz_mail"]}),
            await world.app("user/get_userid_by_email", {"email": person["email"], "email_type": 2}),
        ]
        assert [answer["userid"] for answer in found] == [person["userid"]] * 3

    async def test_too_many_misses_block_for_a_day(self, world: World) -> None:
        """A fifth of 40 people is 8."""
        known = (await world.client.people(limit=1))[0]["mobile"]
        codes = [(await world.app("user/getuserid", {"mobile": f"1{n}"}))["errcode"] for n in range(9)]
        assert codes == [46004] * 8 + [45009]
        assert (await world.app("user/getuserid", {"mobile": known}))["errcode"] == 45009
        assert (await world.contacts("user/getuserid", {"mobile": known}))["errcode"] == 0
        await world.client.advance_clock(86_401)
        world._tokens.clear()
        assert (await world.app("user/getuserid", {"mobile": known}))["errcode"] == 0

    async def test_openids_there_and_back(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        openid = (await world.app("user/convert_to_openid", {"userid": userid}))["openid"]
        assert (await world.app("user/convert_to_userid", {"openid": openid}))["userid"] == userid
        assert (await world.app("user/convert_to_userid", {"openid": "o-unknown"}))["errcode"] == 40073

    async def test_who_never_logged_in_has_no_openid(self, world: World) -> None:
        await world.client.hire("newone", "新同事", [3], active=False)
        assert (await world.app("user/convert_to_openid", {"userid": "newone"}))["errcode"] == 43004

    async def test_invitations_name_the_wrong_ones(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        answer = await world.app("batch/invite", {"user": [userid, "ghost"], "party": [1, 9_999]})
        assert (answer["invaliduser"], answer["invalidparty"]) == (["ghost"], [9_999])
        assert (await world.app("batch/invite", {"user": ["ghost"]}))["errcode"] == 81013


class TestApp:
    async def test_settings_are_changed_and_read(self, world: World) -> None:
        agent = world.config.agent_id
        change = {"agentid": agent, "name": "办公助手", "description": "通知与审批", "home_url": "https://x.test"}
        assert (await world.app("agent/set", change | {"redirect_domain": "app.example.test"}))["errcode"] == 0
        info = await world.app("agent/get", agentid=agent)
        assert (info["name"], info["home_url"]) == ("办公助手", "https://x.test")
        assert info["redirect_domain"] == "app.example.test"
        assert (await world.app("agent/list"))["agentlist"][0]["agentid"] == agent

    @pytest.mark.parametrize(
        ("field", "value", "errcode"),
        [("name", "长" * 33, 40058), ("description", "短", 40058), ("home_url", "x.test", 45034)],
    )
    async def test_bad_settings(self, world: World, field: str, value: str, errcode: int) -> None:
        answer = await world.app("agent/set", {"agentid": world.config.agent_id, field: value})
        assert answer["errcode"] == errcode

    async def test_twenty_domains_a_month(self, world: World) -> None:
        agent = world.config.agent_id
        codes = [
            (await world.app("agent/set", {"agentid": agent, "redirect_domain": f"d{n}.test"}))["errcode"]
            for n in range(21)
        ]
        assert codes == [0] * 20 + [85004]

    async def test_opening_the_app_is_reported_only_when_switched_on(self, world: World) -> None:
        await world.app("agent/set", {"agentid": world.config.agent_id, "isreportenter": 0})
        await world.client.open_app((await world.userids(1))[0])
        assert await world.client.callbacks() == []


class TestWorkbench:
    async def test_a_default_and_one_s_own(self, world: World) -> None:
        agent, (one, two) = world.config.agent_id, await world.userids(2)
        default = {"items": [{"key": "待办", "data": "0"}]}
        assert (
            await world.app("agent/set_workbench_template", {"agentid": agent, "type": "keydata", "keydata": default})
        )["errcode"] == 0
        mine = {"type": "keydata", "keydata": {"items": [{"key": "待办", "data": "4"}]}}
        assert (await world.app("agent/set_workbench_data", {"agentid": agent, "userid": one} | mine))["errcode"] == 0
        answers = [await world.app("agent/get_workbench_data", {"agentid": agent, "userid": u}) for u in (one, two)]
        assert [answer["keydata"]["items"][0]["data"] for answer in answers] == ["4", "0"]

    async def test_kinds_must_agree_and_numbers_be_kept(self, world: World) -> None:
        agent, (one,) = world.config.agent_id, await world.userids(1)
        await world.app("agent/set_workbench_template", {"agentid": agent, "type": "image"})
        data = {"agentid": agent, "userid": one, "type": "list", "list": {"items": [{"title": "x"}]}}
        assert (await world.app("agent/set_workbench_data", data))["errcode"] == 40058
        picture = {"agentid": agent, "userid": one, "type": "image", "image": {"url": "https://x.test/a.png"}}
        codes = [(await world.app("agent/set_workbench_data", picture))["errcode"] for _ in range(11)]
        assert codes == [0] * 10 + [45009]
        batch = {"agentid": agent, "userid_list": [one], "data": {"type": "image", "image": {"url": "https://x"}}}
        assert (await world.app("agent/batch_set_workbench_data", batch))["errcode"] == 0


class TestAddresses:
    async def test_where_callbacks_come_from_may_hold_wildcards(self, world: World) -> None:
        await world.client.configure(callback_ips=["203.0.113.8", "198.51.100.*"])
        assert (await world.app("getcallbackip"))["ip_list"] == ["203.0.113.8", "198.51.100.*"]
