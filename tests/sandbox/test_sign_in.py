import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import World

PAGE = "https://app.example.test/oa/index"


async def open_page(world: World, **query: Any) -> httpx.Response:
    """The link that a page inside the client leads to."""
    asked: Any = {"appid": world.config.corp_id, "redirect_uri": PAGE, "response_type": "code", "scope": "snsapi_base"}
    params: Any = asked | {"state": "s1"} | query
    return await world.http.get("/connect/oauth2/authorize", params=params)


async def scan(world: World, **query: Any) -> httpx.Response:
    asked = {"login_type": "CorpApp", "appid": world.config.corp_id, "agentid": world.config.agent_id}
    params: Any = asked | {"redirect_uri": PAGE, "state": "s1"} | query
    return await world.http.get("/wwlogin/sso/login", params=params)


def code_of(answer: httpx.Response) -> str:
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


class TestInTheClient:
    async def test_silently_with_a_code_that_names_the_member(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        answer = await open_page(world, sandbox_userid=userid, agentid=world.config.agent_id)
        assert answer.headers["location"].startswith(f"{PAGE}?code=")
        info = await world.app("auth/getuserinfo", code=code_of(answer))
        assert (info["errcode"], info["userid"]) == (0, userid)
        assert "user_ticket" not in info

    async def test_the_older_spelling(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        code = code_of(await open_page(world, sandbox_userid=userid))
        assert (await world.app("user/getuserinfo", code=code))["UserId"] == userid

    async def test_whose_client_it_is_can_be_chosen_on_the_page(self, world: World) -> None:
        person = (await world.client.people(limit=1))[0]
        answer = await open_page(world, q=person["userid"])
        assert answer.status_code == 200
        assert person["name"] in answer.text
        assert f"sandbox_userid={person['userid']}" in answer.text

    async def test_the_phone_opened_last_is_the_visitor(self, world: World) -> None:
        first, second = await world.userids(2)
        page = await world.http.get(f"/phones/{first}")
        await world.http.get(f"/phones/{second}")
        # A page that only keeps itself up to date changes nothing.
        await world.http.get(f"/phones/{first}", headers={"if-none-match": page.headers["etag"]})
        info = await world.app("auth/getuserinfo", code=code_of(await open_page(world)))
        assert info["userid"] == second

    async def test_a_visitor_who_has_left_is_asked_again(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.http.get(f"/phones/{userid}")
        await world.client.delete_person(userid)
        assert "请选择您是谁" in (await open_page(world)).text

    async def test_the_pages_have_their_english(self, world: World) -> None:
        await world.http.get("/language/en")
        userid = (await world.userids(1))[0]
        assert "Who are you?" in (await open_page(world)).text
        private = {"scope": "snsapi_privateinfo", "agentid": world.config.agent_id, "sandbox_userid": userid}
        assert "Mobile number" in (await open_page(world, **private)).text
        assert "Error code 84025" in (await open_page(world, state="!")).text

    async def test_a_code_serves_once_within_five_minutes(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        code = (await world.client.authorize(userid, PAGE))["code"]
        assert (await world.app("auth/getuserinfo", code=code))["errcode"] == 0
        assert (await world.app("auth/getuserinfo", code=code))["errcode"] == 40029
        late = (await world.client.authorize(userid, PAGE))["code"]
        await world.client.advance_clock(301)
        assert (await world.app("auth/getuserinfo", code=late))["errcode"] == 42003
        assert (await world.app("auth/getuserinfo", code="made-up"))["errcode"] == 40029
        assert (await world.app("auth/getuserinfo"))["errcode"] == 41008

    async def test_valid_codes_are_outside_the_limits(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.change_limits(api_per_minute=1, ip_per_minute=1)
        await world.token(world.config.app_secret)
        await world.client.configure(limits=False)
        codes = [(await world.client.authorize(userid, PAGE))["code"] for _ in range(3)]
        token = await world.token(world.config.app_secret)
        world._tokens[world.config.app_secret] = token
        await world.client.configure(limits=True)
        assert [(await world.app("auth/getuserinfo", code=code))["errcode"] for code in codes] == [0, 0, 0]
        assert [(await world.app("auth/getuserinfo", code="bad"))["errcode"] for _ in range(2)] == [40029, 45009]

    async def test_an_outsider_has_an_openid_alone(self, world: World) -> None:
        code = (await world.client.authorize_outsider("o-1", PAGE))["code"]
        info = await world.app("auth/getuserinfo", code=code)
        assert info["openid"] == "o-1"
        assert "userid" not in info
        customer = await world.client.authorize_outsider("o-2", PAGE, external_userid="wm-2")
        assert (await world.app("auth/getuserinfo", code=customer["code"]))["external_userid"] == "wm-2"

    async def test_the_contacts_credential_redeems_nothing(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        code = (await world.client.authorize(userid, PAGE))["code"]
        assert (await world.contacts("auth/getuserinfo", code=code))["errcode"] == 48002


class TestTrustedDomain:
    """The host with its port must be exactly the app's trusted domain."""

    @pytest.mark.parametrize(
        ("uri", "is_trusted"),
        [
            ("https://app.example.test/x?y=1#z", True),
            ("https://APP.example.test/", True),
            ("https://app.example.test:8443/", False),
            ("https://sub.app.example.test/", False),
            ("https://example.test/", False),
            ("javascript:alert(1)", False),
        ],
    )
    async def test_whole_host(self, uri: str, is_trusted: bool) -> None:
        world = await World(app_redirect_domain="app.example.test").start(listening=False)
        userid = (await world.userids(1))[0]
        answer = await open_page(world, sandbox_userid=userid, redirect_uri=uri)
        assert (answer.status_code == 302) is is_trusted
        assert ("50001" in answer.text) is not is_trusted
        await world.stop()

    async def test_the_code_comes_before_the_fragment(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        location = (await world.client.authorize(userid, f"{PAGE}?y=1#/tasks", state="s1"))["location"]
        assert location.startswith(f"{PAGE}?y=1&code=")
        assert location.endswith("&state=s1#/tasks")

    async def test_wrong_state_corp_and_app_get_a_page_with_the_code(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        for query, errcode in (({"state": "a b"}, 84025), ({"appid": "ww-other"}, 40013), ({"agentid": "9"}, 40056)):
            answer = await open_page(world, sandbox_userid=userid, **query)
            assert answer.status_code == 200
            assert str(errcode) in answer.text


class TestPrivateInformation:
    async def ticket(self, world: World, userid: str, **more: Any) -> str:
        asked: Any = {"scope": "snsapi_privateinfo", "agent_id": world.config.agent_id} | more
        code = (await world.client.authorize(userid, PAGE, **asked))["code"]
        return str((await world.app("auth/getuserinfo", code=code))["user_ticket"])

    async def test_what_the_member_agreed_to(self, world: World) -> None:
        person = (await world.client.people(limit=1))[0]
        ticket = await self.ticket(world, person["userid"], agreed=["mobile"])
        detail = await world.app("auth/getuserdetail", {"user_ticket": ticket})
        assert (detail["userid"], detail["mobile"]) == (person["userid"], person["mobile"])
        assert "email" not in detail

    async def test_what_the_administrator_enabled(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        ticket = await self.ticket(world, userid)
        await world.client.configure(private_fields=["email"])
        detail = await world.app("auth/getuserdetail", {"user_ticket": ticket})
        assert "email" in detail
        assert "mobile" not in detail
        await world.client.configure(private_fields=[])
        assert (await world.app("auth/getuserdetail", {"user_ticket": ticket}))["errcode"] == 92001

    async def test_a_ticket_lives_half_an_hour(self, world: World) -> None:
        ticket = await self.ticket(world, (await world.userids(1))[0])
        await world.client.advance_clock(1_801)
        assert (await world.app("auth/getuserdetail", {"user_ticket": ticket}))["errcode"] == 84014
        assert (await world.app("auth/getuserdetail", {"user_ticket": "x"}))["errcode"] == 84015
        assert (await world.app("auth/getuserdetail", {}))["errcode"] == 84090

    async def test_asks_on_a_page_field_by_field(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        query = {"scope": "snsapi_privateinfo", "agentid": world.config.agent_id, "sandbox_userid": userid}
        page = await open_page(world, **query)
        assert "手机号" in page.text
        agreed = await open_page(world, **query, consent="yes", agree=["mobile"])
        info = await world.app("auth/getuserinfo", code=code_of(agreed))
        detail = await world.app("auth/getuserdetail", {"user_ticket": info["user_ticket"]})
        assert set(detail) == {"errcode", "errmsg", "userid", "mobile"}

    async def test_without_agentid_the_scope_falls_back(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        answer = await open_page(world, scope="snsapi_privateinfo", sandbox_userid=userid)
        assert "user_ticket" not in await world.app("auth/getuserinfo", code=code_of(answer))

    async def test_outside_the_range_is_refused(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.set_visible_range(users=[one])
        with pytest.raises(SandboxRefused) as refused:
            await self.ticket(world, two)
        assert refused.value.errcode == 50002


class TestOnTheDesktop:
    async def test_who_scans_is_chosen_on_the_page(self, world: World) -> None:
        person = (await world.client.people(limit=1))[0]
        assert person["name"] in (await scan(world, q=person["userid"])).text
        code = code_of(await scan(world, sandbox_userid=person["userid"]))
        info = await world.app("auth/getuserinfo", code=code)
        assert info["userid"] == person["userid"]

    async def test_whose_phone_was_opened_last_scans_with_one_click(self, world: World) -> None:
        first, second = await world.userids(2)
        name = (await world.client.person(second))["name"]
        assert "的手机扫码" not in (await scan(world)).text
        await world.http.get(f"/phones/{first}")
        await world.http.get(f"/phones/{second}/open", params={"url": PAGE})
        page = (await scan(world)).text
        assert f"用{name}的手机扫码" in page
        assert f"sandbox_userid={second}" in page.partition("的手机扫码")[0]

    async def test_a_phone_whose_owner_has_left_is_not_offered(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.http.get(f"/phones/{userid}")
        await world.client.delete_person(userid)
        page = await scan(world)
        assert page.status_code == 200
        assert "的手机扫码" not in page.text

    async def test_who_refuses_comes_back_without_a_code(self, world: World) -> None:
        answer = await scan(world, refuse="1")
        assert answer.headers["location"] == f"{PAGE}?state=s1"

    async def test_outside_the_range_there_is_no_permission(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.set_visible_range(users=[one])
        assert "50002" in (await scan(world, sandbox_userid=two)).text

    async def test_the_login_s_own_domain_serves_too(self) -> None:
        world = await World(app_redirect_domain="other.test", login_domains=["app.example.test"]).start(listening=False)
        userid = (await world.userids(1))[0]
        assert (await scan(world, sandbox_userid=userid)).status_code == 302
        await world.stop()


class TestJsSdk:
    async def test_tickets_stay_the_same_until_they_expire(self, world: World) -> None:
        corp = (await world.app("get_jsapi_ticket"))["ticket"]
        app = (await world.app("ticket/get", type="agent_config"))["ticket"]
        assert corp != app
        assert (await world.app("get_jsapi_ticket"))["ticket"] == corp
        await world.client.advance_clock(7_201)
        world._tokens.clear()
        assert (await world.app("get_jsapi_ticket"))["ticket"] != corp
        assert (await world.app("ticket/get", type="wx_card"))["errcode"] == 91040

    async def test_a_hundred_an_hour_and_app(self, world: World) -> None:
        codes = [(await world.app("get_jsapi_ticket"))["errcode"] for _ in range(101)]
        assert codes == [0] * 100 + [45009]

    async def test_signatures_are_checked_as_the_client_would(self, world: World) -> None:
        ticket = (await world.app("get_jsapi_ticket"))["ticket"]
        joined = f"jsapi_ticket={ticket}&noncestr=abc123&timestamp=1700000000&url={PAGE}?tab=1"
        body = {"url": f"{PAGE}?tab=1#top", "noncestr": "abc123", "timestamp": 1_700_000_000}
        body["signature"] = hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - the platform's own scheme
        check = "/sandbox/jsapi/check"
        assert (await world.http.post(check, json=body)).json()["errcode"] == 0
        assert (await world.http.post(check, json=body | {"kind": "app"})).json()["errcode"] == 42012
        assert (await world.http.post(check, json=body | {"signature": "0" * 40})).json()["errcode"] == 40093
