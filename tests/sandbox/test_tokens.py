import re
from typing import Any

import pytest

from sandbox.api.gateway import ENDPOINTS
from tests.sandbox.world import World


class TestToken:
    """One token per credential, the same until it expires (doc path/91039)."""

    async def test_same_until_expiry_then_another(self, world: World) -> None:
        first = await world.token(world.config.app_secret)
        assert await world.token(world.config.app_secret) == first
        await world.client.advance_clock(7_201)
        assert await world.token(world.config.app_secret) != first

    async def test_another_for_each_credential(self, world: World) -> None:
        assert await world.token(world.config.app_secret) != await world.token(world.config.contacts_secret)

    async def test_expired_early(self, world: World) -> None:
        assert (await world.app("getcallbackip"))["errcode"] == 0
        assert await world.client.expire_tokens() == 1
        assert (await world.app("getcallbackip"))["errcode"] == 42001

    async def test_unknown_and_missing_token(self, world: World) -> None:
        answer = await world.http.get("/cgi-bin/user/get", params={"userid": "x", "access_token": "made-up"})
        assert answer.json()["errcode"] == 40014
        assert (await world.http.get("/cgi-bin/user/get")).json()["errcode"] == 41001

    async def test_bad_identity(self, world: World) -> None:
        async def code(**params: str) -> int:
            answer = (await world.http.get("/cgi-bin/gettoken", params=params)).json()
            return int(answer["errcode"])

        good = {"corpid": world.config.corp_id, "corpsecret": world.config.app_secret}
        assert await code(**good | {"corpsecret": "wrong"}) == 40001
        assert await code(**good | {"corpid": "ww-other"}) == 40013
        assert await code(corpid=good["corpid"]) == 41004
        assert await code(corpsecret=good["corpsecret"]) == 41002


class TestTrustedAddress:
    """60020 hits the business call, never gettoken, and tells the caller's address."""

    async def test_refused_with_the_address(self, world: World) -> None:
        await world.client.configure(trusted_ips=["203.0.113.*"])
        answer = await world.app("department/simplelist")
        assert answer["errcode"] == 60020
        assert "from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com" in answer["errmsg"]
        assert answer["errmsg"].endswith("e=60020")
        assert re.search(r"hint: \[\d{10}_\d+_[0-9a-f]{32}\]", answer["errmsg"])

    async def test_the_list_does_not_matter_for_tokens_and_robots(self, world: World) -> None:
        await world.client.configure(trusted_ips=["203.0.113.9"])
        assert await world.token(world.config.app_secret)
        group = await world.client.create_group((await world.userids(1))[0], name="群")
        key = (await world.client.add_robot(group["chatid"]))["key"]
        body = {"msgtype": "text", "text": {"content": "x"}}
        answer = await world.http.post("/cgi-bin/webhook/send", params={"key": key}, json=body)
        assert answer.json()["errcode"] == 0

    async def test_trusted(self, world: World) -> None:
        await world.client.configure(trusted_ips=["127.0.0.*"])
        assert (await world.app("department/simplelist"))["errcode"] == 0


class TestShapeOfAnswers:
    async def test_bad_json_is_40058_with_the_warning(self, world: World) -> None:
        token = await world.token(world.config.app_secret)
        answer = await world.http.post("/cgi-bin/message/send", params={"access_token": token}, content=b"{not json")
        assert answer.status_code == 200
        assert answer.json()["errcode"] == 40058
        assert "Warning: wrong json format." in answer.json()["errmsg"]

    @pytest.mark.parametrize("endpoint", [name for name, e in ENDPOINTS.items() if e.method == "POST"])
    async def test_wrong_types_are_a_wrong_format_and_never_a_500(self, world: World, endpoint: str) -> None:
        names = ["touser", "agentid", "msgtype", "text", "template_card", "userlist", "tagid", "department", "safe"]
        junks: list[Any] = [[], {}, [[]], [{}], "x", 1.5, True]
        for junk in junks:
            body = dict.fromkeys(names, junk) | {"msgtype": "text", "agentid": world.config.agent_id}
            for secret in (world.config.app_secret, world.config.contacts_secret):
                assert isinstance((await world.call(secret, endpoint, body))["errcode"], int)

    async def test_get_instead_of_post_is_not_405(self, world: World) -> None:
        assert (await world.app("message/send"))["errcode"] == 40058

    async def test_escaped_characters_can_be_refused(self, world: World) -> None:
        await world.client.configure(reject_unicode_escapes=True)
        token = await world.token(world.config.app_secret)
        body = b'{"touser": "x", "text": {"content": "\\u4f60"}}'
        answer = await world.http.post("/cgi-bin/message/send", params={"access_token": token}, content=body)
        assert answer.json()["errcode"] == 40033

    async def test_addresses_of_the_platform(self, world: World) -> None:
        assert (await world.app("getcallbackip"))["ip_list"]
        assert (await world.app("get_api_domain_ip"))["ip_list"]
