import pytest

from sandbox.rendering import in_a_list, show_description, show_markdown, show_text
from tests.sandbox.world import World, button_card, vote_card


class TestList:
    async def test_search_by_name_userid_and_department(self, world: World) -> None:
        await world.client.hire("xiaoyu", "欧阳小雨", [4])
        for wanted in ("小雨", "XIAO", "行政部"):
            page = (await world.http.get("/phones", params={"q": wanted})).text
            assert "欧阳小雨" in page
            assert "/phones/xiaoyu" in page
        assert "没有找到" in (await world.http.get("/phones", params={"q": "查无此人"})).text

    async def test_latest_messages_first(self, world: World) -> None:
        userid = (await world.userids(9))[8]
        await world.send(userid)
        page = (await world.http.get("/phones")).text
        assert page.index("/phones/") == page.index(f"/phones/{userid}")


class TestPhone:
    async def open(self, world: World, userid: str, conversation: str = "") -> str:
        answer = await world.http.get(f"/phones/{userid}", params={"c": conversation})
        assert answer.status_code == 200
        return answer.text

    async def test_conversations(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.app("appchat/create", {"userlist": [one, two], "chatid": "g1", "name": "项目<群>"})
        await world.send(one, text={"content": "第一条 <script>alert(1)</script>"})
        page = await self.open(world, one)
        assert "项目&lt;群&gt;" in page
        assert "企微管家" in page
        assert "<script>alert(1)" not in page

    async def test_cards_with_buttons_and_their_new_face(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        app = f"app-{world.config.agent_id}"
        sent = await world.send(userid, "template_card", template_card=button_card())
        await world.send(userid, "template_card", template_card=vote_card())
        page = await self.open(world, userid, app)
        assert 'data-key="confirm"' in page
        assert 'data-task="t1"' in page
        assert 'type="checkbox"' in page
        body = {"agentid": world.config.agent_id, "response_code": sent["response_code"], "atall": 1}
        await world.app("message/update_template_card", body | {"button": {"replace_name": "已确认"}})
        page = await self.open(world, userid, app)
        assert "<button disabled>已确认</button>" in page
        assert 'data-key="confirm"' not in page

    async def test_group_with_members(self, world: World) -> None:
        one, two = await world.client.people(limit=2)
        group = {"userlist": [one["userid"], two["userid"]], "chatid": "g1", "owner": two["userid"], "name": "群"}
        await world.app("appchat/create", group)
        await world.app("appchat/send", {"chatid": "g1", "msgtype": "text", "text": {"content": "欢迎"}})
        await world.client.say_in_group("g1", two["userid"], "大家好")
        page = await self.open(world, one["userid"], "group-g1")
        assert page.index("欢迎") < page.index("大家好")
        info = (await world.http.get(f"/phones/{one['userid']}", params={"c": "group-g1", "v": "info"})).text
        faces = info[info.index('class="faces"') :]
        owner, crown = faces.index(f"<span>{two['name']}</span>"), faces.index('aria-label="群主"')
        assert crown < owner < faces.index(f"<span>{one['name']}</span>")

    async def test_every_screen(self, world: World) -> None:
        userid, other = await world.userids(2)
        for screen in ("contacts", "new", "work", "me", "person"):
            answer = await world.http.get(f"/phones/{userid}", params={"v": screen, "u": other})
            assert answer.status_code == 200, screen

    async def test_whom_nobody_knows(self, world: World) -> None:
        answer = await world.http.get("/phones/nobody")
        assert answer.status_code == 404
        assert "nobody" in answer.text

    async def test_every_kind_of_message_is_drawn(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        card = {"title": "标题", "description": '<div class="gray">灰</div>', "url": "https://x.test"}
        await world.send(userid, "textcard", textcard=card)
        await world.send(userid, "markdown", markdown={"content": "**粗**"})
        await world.send(userid, "news", news={"articles": [{"title": "新闻", "url": "https://x.test"}]})
        page = await self.open(world, userid, f"app-{world.config.agent_id}")
        for text in ("标题", "灰", "新闻"):
            assert text in page


class TestRendering:
    """Only what the platform documents becomes markup."""

    def name_of(self, userid: str) -> str:
        return {"lijun": "李<军>"}.get(userid, userid)

    def test_text(self) -> None:
        shown = show_text('<a href="https://x.test/?a=1&b=2">看</a> <@lijun> <img src=x>', self.name_of)
        assert '<a href="https://x.test/?a=1&amp;b=2" target="_blank" rel="noopener">看</a>' in shown
        assert "@李&lt;军&gt;" in shown
        assert "<img" not in shown
        assert "<a" not in show_text('<a href="javascript:alert(1)">看</a>', self.name_of)

    def test_plain_addresses_are_links_as_in_the_client(self) -> None:
        shown = show_text("查看：https://x.test/me?a=1&b=2。(http://y.test) “https://z.test/”", self.name_of)
        assert '查看：<a href="https://x.test/me?a=1&amp;b=2" target' in shown
        assert '(<a href="http://y.test" target="_blank" rel="noopener">http://y.test</a>)' in shown
        assert '“<a href="https://z.test/" target' in shown
        quoted = show_text('见 "https://x.test/<b>"', self.name_of)
        assert 'href="https://x.test/" target' in quoted
        assert "<b>" not in quoted

    def test_an_address_inside_of_a_link_is_linked_once(self) -> None:
        shown = show_text('<a href="https://x.test/">https://x.test/</a>', self.name_of)
        assert shown.count("<a ") == 1

    def test_a_phone_opens_links_in_its_own_way(self) -> None:
        shown = show_text("https://x.test/?a=1&b=2", self.name_of, lambda url: f"/phones/li/open?url={len(url)}")
        assert '<a href="/phones/li/open?url=23"' in shown

    def test_in_a_list_a_link_is_its_words(self) -> None:
        assert in_a_list('已同意。\n<a href="https://x.test/7">查看详情</a> <b>') == "已同意。\n查看详情 <b>"

    def test_markdown(self) -> None:
        text = '# 大\n**粗** [看](https://x.test) `码`\n> 引\n<font color="warning">急</font> <b>x</b>'
        shown = show_markdown(text, self.name_of)
        for markup in ('<b class="h1">大</b>', "<b>粗</b>", 'href="https://x.test"', "<code>码</code>"):
            assert markup in shown
        assert '<span class="quoted">引</span>' in shown
        assert '<span class="warning">急</span>' in shown
        assert "&lt;b&gt;x" in shown

    def test_description(self) -> None:
        shown = show_description('<div class="gray">灰</div><br><script>x</script>')
        assert shown == '<div class="gray">灰</div><br>&lt;script&gt;x&lt;/script&gt;'


class TestDocumentation:
    async def test_every_act_is_in_the_openapi_document(self, world: World) -> None:
        paths = (await world.http.get("/sandbox/openapi.json")).json()["paths"]
        assert "/sandbox/people/{userid}/click" in paths
        assert "/sandbox/groups/{chatid}/leave" in paths
        assert not [path for path in paths if not path.startswith("/sandbox")]
        assert (await world.http.get("/sandbox/docs")).status_code == 200
        assert (await world.http.get("/", follow_redirects=True)).status_code == 200


class TestLinks:
    """A link on a phone is opened by whom the phone belongs to: the platform's login pages know who that is."""

    async def test_lead_through_an_address_that_says_whose_phone_it_is(self, world: World) -> None:
        first, second = await world.userids(2)
        await world.http.get(f"/phones/{second}")
        answer = await world.http.get(f"/phones/{first}/open", params={"url": "https://app.test/me?a=1#x"})
        assert (answer.status_code, answer.headers["location"]) == (303, "https://app.test/me?a=1#x")
        assert f"sandbox_userid={first}" in answer.headers["set-cookie"]

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "/phones", "https://", "file:///etc/passwd", ""])
    async def test_no_phone_opens_what_is_no_page(self, world: World, url: str) -> None:
        answer = await world.http.get(f"/phones/{(await world.userids(1))[0]}/open", params={"url": url})
        assert answer.status_code == 404

    async def test_nobodys_phone_opens_nothing(self, world: World) -> None:
        answer = await world.http.get("/phones/nobody/open", params={"url": "https://app.test/"})
        assert answer.status_code == 404

    async def test_cards_texts_and_the_menu_use_it(self, world: World) -> None:
        userid, url = (await world.userids(1))[0], "https://app.test/me"
        opened = f"/phones/{userid}/open?url=https%3A%2F%2Fapp.test%2Fme"
        agent = world.config.agent_id
        menu = {"button": [{"type": "view", "name": "今日", "url": url}]}
        assert (await world.app("menu/create", menu, agentid=agent))["errcode"] == 0
        await world.send(userid, "text", text={"content": f"查看：{url}"})
        await world.send(userid, "textcard", textcard={"title": "标题", "description": "文", "url": url})
        await world.send_card(userid, card_action={"type": 1, "url": url})
        page = (await world.http.get(f"/phones/{userid}", params={"c": f"app-{agent}"})).text
        assert page.count(f'href="{opened}"') == 3
        assert f'data-url="{opened}"' in page


class TestVoice:
    async def test_a_voice_message_reaches_the_service_with_its_file(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        said = await world.client.speak(userid)
        await world.client.wait_idle()
        (event,) = [one for one in world.receiver.received if one.text("MsgType") == "voice"]
        assert (event.text("FromUserName"), event.text("Format")) == (userid, "amr")
        assert event.text("MediaId") == said["media_id"]
        (message,) = await world.client.app_messages(userid)
        assert (message["msgtype"], message["mine"]) == ("voice", True)
        media = await world.http.get(f"/phones/media/{said['media_id']}")
        assert media.content.startswith(b"#!AMR")
