"""The pages as a browser without scripts sees them; what scripts add is tested in tests/browser."""

import html
import json
import re
from pathlib import Path

import pytest

import sandbox
from sandbox.pages.drawing import templates, when
from sandbox.pages.english import ENGLISH
from sandbox.pages.explain import BAD_ADDRESS, BAD_STATUS, NOT_PLAIN, SLOW, UNREACHABLE, explain_verification
from tests.sandbox.world import World, button_card

TEMPLATES = Path(next(iter(sandbox.__path__))) / "templates"
DRAWN = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
CONSOLE = ("", "/people", "/apps", "/tags", "/activity", "/limits", "/faults", "/callbacks", "/calls", "/clock")


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


class TestLanguages:
    """Chinese first, English second."""

    @pytest.mark.parametrize("name", DRAWN)
    def test_every_text_of_a_page_has_its_english(self, name: str) -> None:
        tokens = list(templates.env.lex((TEMPLATES / name).read_text(encoding="utf-8")))
        texts = {text[1:-1] for _line, kind, text in tokens if kind == "string" and is_chinese(text)}
        assert sorted(texts - set(ENGLISH) - {"中文"}) == []
        assert [text for _line, kind, text in tokens if kind == "data" and is_chinese(text)] == []

    async def test_the_browser_asks_and_the_switch_wins(self, world: World) -> None:
        assert 'lang="zh-CN"' in (await world.http.get("/phones")).text
        english = {"accept-language": "en-GB,en;q=0.9"}
        assert "Admin console" in (await world.http.get("/phones", headers=english)).text
        switched = await world.http.get("/language/zh", params={"back": "/admin"}, headers=english)
        assert switched.headers["location"] == "/admin"
        assert "管理后台" in (await world.http.get("/admin", headers=english)).text

    @pytest.mark.parametrize("back", ["https://evil.test", "//evil.test", "/\\evil.test"])
    async def test_the_switch_leads_to_no_foreign_address(self, world: World, back: str) -> None:
        answer = await world.http.get("/language/en", params={"back": back})
        assert answer.headers["location"] == "/"


class TestLiveUpdate:
    async def test_a_page_that_has_not_changed_is_not_sent_again(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        first = await world.http.get(f"/phones/{userid}")
        same = await world.http.get(f"/phones/{userid}", headers={"if-none-match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        await world.send(userid)
        changed = await world.http.get(f"/phones/{userid}", headers={"if-none-match": first.headers["etag"]})
        assert changed.status_code == 200

    def test_times_read_as_in_a_list_of_conversations(self) -> None:
        now = 1_795_248_000.0  # Saturday, 21 November 2026, 16:00 in Beijing
        day = 86_400
        assert when(now - 60, now) == "15:59"
        assert when(now - day, now) == "昨天"
        assert when(now - 3 * day, now) == "周三"
        assert when(now - 30 * day, now) == "10-22"


class TestUnread:
    async def test_counts_until_the_conversation_is_opened(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        for _ in range(3):
            await world.send(userid)
        await world.client.say(userid, "我自己写的")
        assert '<span class="badge">3</span>' in (await world.http.get("/phones")).text
        await world.http.get(f"/phones/{userid}", params={"c": f"app-{world.config.agent_id}"})
        assert '<span class="badge">' not in (await world.http.get("/phones")).text
        await world.send(userid)
        assert '<span class="badge">1</span>' in (await world.http.get(f"/phones/{userid}")).text


class TestGroupsByRole:
    """The owner removes, transfers and dissolves; everybody invites, renames and leaves."""

    async def info(self, world: World, userid: str) -> str:
        page = await world.http.get(f"/phones/{userid}", params={"c": "group-g1", "v": "info"})
        return page.text

    async def test_what_each_may_do(self, world: World) -> None:
        owner, member, other = await world.userids(3)
        await world.app("appchat/create", {"userlist": [owner, member, other], "owner": owner, "chatid": "g1"})
        mine, theirs = await self.info(world, owner), await self.info(world, member)
        for act in ("remove", "transfer", "dismiss"):
            assert f"/sandbox/groups/g1/{act}" in mine
            assert f"/sandbox/groups/g1/{act}" not in theirs
        for act in ("add", "rename", "leave"):
            assert f"/sandbox/groups/g1/{act}" in theirs

    async def test_a_robot_of_the_group_speaks_under_its_own_name(self, world: World) -> None:
        owner, member = await world.userids(2)
        await world.app("appchat/create", {"userlist": [owner, member], "owner": owner, "chatid": "g1"})
        robot = (await world.http.post("/sandbox/groups/g1/robots", json={"name": "构建播报"})).json()
        assert robot["url"] in await self.info(world, member)
        await world.http.post(robot["url"], json={"msgtype": "markdown", "markdown": {"content": "**构建通过**"}})
        chat = (await world.http.get(f"/phones/{member}", params={"c": "group-g1"})).text
        assert "<b>构建通过</b>" in chat
        assert "<small>构建播报</small>" in chat
        assert "构建播报: **构建通过**" in (await world.http.get(f"/phones/{member}")).text


class TestWorkbench:
    async def test_customers_and_calendar(self, world: World) -> None:
        userid, other = await world.userids(2)
        customer = (
            await world.http.post("/sandbox/customers", json={"name": "外部客户", "followed_by": [userid]})
        ).json()
        group = {
            "owner": userid,
            "userids": [other],
            "external_userids": [customer["external_userid"]],
            "name": "客户甲",
        }
        chat_id = (await world.http.post("/sandbox/customer-groups", json=group)).json()["chat_id"]
        line = {"id": customer["external_userid"], "text": "请问几点到货"}
        await world.http.post(f"/sandbox/customer-groups/{chat_id}/say", json=line)
        assert "客户甲" in (await world.http.get(f"/phones/{other}", params={"v": "customers"})).text
        chat = (await world.http.get(f"/phones/{other}", params={"v": "customer", "u": chat_id})).text
        assert "请问几点到货" in chat
        assert "外部客户" in chat
        stranger = (await world.userids(3))[2]
        assert "请问" not in (await world.http.get(f"/phones/{stranger}", params={"v": "customer", "u": chat_id})).text
        event = {"start": 1_795_400_000, "end": 1_795_403_600, "summary": "周例会", "attendees": [other]}
        await world.http.post(f"/sandbox/people/{userid}/schedules", json=event)
        await world.http.post(f"/sandbox/people/{userid}/todos", json={"content": "写周报", "participants": [other]})
        day = (await world.http.get(f"/phones/{other}", params={"v": "schedule"})).text
        assert "周例会" in day
        assert "写周报" in day

    async def test_the_form_of_every_template_is_drawn_and_a_leave_is_filled_in_ready_to_send(
        self, world: World
    ) -> None:
        userid = (await world.userids(2))[1]
        for template in (await world.http.get("/sandbox/approvals/templates")).json():
            query = {"v": "form", "u": template["template_id"]}
            form = (await world.http.get(f"/phones/{userid}", params=query)).text
            assert template["name"] in form
            if "values.Vacation-1" in form:
                (written,) = re.findall(r'name="values.Vacation-1"[^>]*>(.*?)</textarea>', form, re.DOTALL)
                values = {"Vacation-1": json.loads(html.unescape(written)), "Textarea-2": "探亲"}
                body = {"template_id": template["template_id"], "values": values}
                sent = await world.http.post(f"/sandbox/people/{userid}/approvals", json=body)
                assert sent.status_code == 200, sent.text


class TestFiles:
    async def test_a_picture_is_shown_and_never_runs_as_a_page(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        picture = {"media": ("a.png", b"\x89PNG rest of it", "image/png")}
        page = {"media": ("a.html", b"<script>alert(1)</script>", "text/html")}
        token = await world.token(world.config.app_secret)
        for kind, files in (("image", picture), ("file", page)):
            query = {"access_token": token, "type": kind}
            media_id = (await world.http.post("/cgi-bin/media/upload", params=query, files=files)).json()["media_id"]
            await world.send(userid, kind, **{kind: {"media_id": media_id}})
            drawn = await world.http.get(f"/phones/{userid}", params={"c": f"app-{world.config.agent_id}"})
            assert f"/phones/media/{media_id}" in drawn.text
            shown = await world.http.get(f"/phones/media/{media_id}")
            assert shown.headers["content-security-policy"] == "sandbox"
        assert shown.headers["content-type"] == "application/octet-stream"
        assert shown.headers["content-disposition"].startswith("attachment")


class TestConsole:
    @pytest.mark.parametrize("path", CONSOLE)
    async def test_every_page_is_drawn_in_both_languages(self, world: World, path: str) -> None:
        userid = (await world.userids(1))[0]
        await world.send_card(userid)
        await world.client.click(userid, "t1", "confirm")
        await world.client.fail("message/send", errcode=45009)
        for language in ("zh", "en"):
            page = await world.http.get(f"/admin{path}", headers={"accept-language": language})
            assert page.status_code == 200, page.text
            assert 'aria-current="page"' in page.text

    async def test_an_address_is_verified_and_its_refusal_explained(self, world: World) -> None:
        body = {"channel": "app", "url": "http://service/app"}
        assert (await world.http.post("/admin/callback-url", json=body)).json()["ok"]
        world.receiver.echo_suffix = "\n"
        refused = (await world.http.post("/admin/callback-url", json=body)).json()
        assert (refused["ok"], refused["why"]) == (False, NOT_PLAIN)
        english = await world.http.post("/admin/callback-url", json=body, headers={"accept-language": "en"})
        assert english.json()["why"] == ENGLISH[NOT_PLAIN]

    @pytest.mark.parametrize(
        ("error", "why"),
        [
            ("TimeoutError()", SLOW),
            ("ConnectError('All connection attempts failed')", UNREACHABLE),
            ("UnsupportedProtocol(\"missing 'http://'\")", BAD_ADDRESS),
            ("HTTP 403", BAD_STATUS),
        ],
    )
    def test_reasons(self, error: str, why: str) -> None:
        assert explain_verification(error) == why

    async def test_call_log_shows_body_answer_and_fault(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send(userid, text={"content": "记录在案"})
        await world.client.fail("appchat/get", errcode=45009)
        await world.app("appchat/get", chatid="nothing")
        page = (await world.http.get("/admin/calls")).text
        assert "记录在案" in page
        assert "invaliduser" in page
        assert "45009" in page
        only = (await world.http.get("/admin/calls", params={"only": "bad"})).text
        assert "记录在案" not in only
        assert "appchat/get" in only

    async def test_secrets_and_tokens_are_not_in_the_call_log(self, world: World) -> None:
        await world.send((await world.userids(1))[0])
        page = (await world.http.get("/admin/calls")).text
        assert world.config.app_secret not in page
        assert "access_token=" not in page

    async def test_a_push_is_sent_again(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        first = await world.client.say(userid, "再说一遍")
        await world.client.wait_idle()
        again = (await world.http.post(f"/sandbox/callbacks/{first['push']}/again")).json()
        assert (again["delivered"], again["attempts"]) == (True, 1)
        assert [r.text("Content") for r in world.receiver.received].count("再说一遍") == 2
        assert (await world.http.post("/sandbox/callbacks/999/again")).status_code == 404

    async def test_tree_opens_the_way_to_a_department(self, world: World) -> None:
        below = await world.client.create_department("南京分部", 4)
        closed = (await world.http.get("/admin/people")).text
        opened = (await world.http.get("/admin/people", params={"d": below["id"]})).text
        assert "南京分部" not in closed
        assert opened.count("南京分部") >= 2
        assert (await world.http.get("/admin/people/nobody")).status_code == 404


class TestBackstage:
    async def test_a_phone_shows_what_the_service_was_told(self, world: World) -> None:
        userid, other = await world.userids(2)
        await world.send(userid, "template_card", template_card=button_card())
        await world.client.click(userid, "t1", "confirm")
        await world.client.wait_idle()
        assert "template_card_event · confirm" in (await world.http.get(f"/phones/{userid}")).text
        assert "template_card_event · confirm" not in (await world.http.get(f"/phones/{other}")).text


class TestEndpoints:
    async def test_the_page_lists_every_endpoint_with_its_calls(self, world: World) -> None:
        await world.app("department/simplelist")
        page = (await world.http.get("/endpoints")).text
        for text in ("/cgi-bin/message/send", "与文档一致", "path/90236", "1 次"):
            assert text in page
        english = (await world.http.get("/endpoints", headers={"accept-language": "en"})).text
        assert "invites nobody" in english
