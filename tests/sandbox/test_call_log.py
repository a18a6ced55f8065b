from tests.sandbox.world import World


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
