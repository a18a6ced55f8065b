"""A phone in a real browser: what is pressed, and what changes before one's eyes."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree.ElementTree import Element

from playwright.async_api import Page, expect

from tests.browser.conftest import Stage
from tests.sandbox.world import button_card, vote_card


def grey_the_button(event: Element) -> str | None:
    """What a service answers to a click: the button shows the outcome (doc path/90241)."""
    if event.findtext("Event") != "template_card_event":
        return None
    return (
        f"<xml><ToUserName>{event.findtext('FromUserName')}</ToUserName><FromUserName>corp</FromUserName>"
        "<CreateTime>1</CreateTime><MsgType>update_button</MsgType><Button><ReplaceName>已确认</ReplaceName></Button></xml>"
    )


class TestCards:
    async def test_a_pressed_button_reaches_the_service_and_shows_its_answer(self, page: Page, stage: Stage) -> None:
        stage.receiver.reply = grey_the_button
        userid = (await stage.userids(1))[0]
        await stage.send(userid, "template_card", button_card())
        await page.goto(f"/phones/{userid}")
        await expect(page.locator(".tabs .badge")).to_have_text("1")
        await page.get_by_text("企微管家").first.click()
        card = page.locator(".card", has_text="安全生产通知")
        await card.get_by_role("button", name="确认").click()
        await expect(card.get_by_role("button", name="已确认")).to_be_disabled()
        clicked = stage.receiver.events("template_card_event")
        assert [(event.text("EventKey"), event.text("FromUserName")) for event in clicked] == [("confirm", userid)]
        await expect(page.locator(".backstage .push", has_text="template_card_event")).to_contain_text("update_button")

    async def test_a_card_replaced_later_changes_without_reloading(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        sent = await stage.send(userid, "template_card", vote_card())
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        await page.get_by_label("周四").check()
        await page.get_by_role("button", name="提交").click()
        await expect(page.locator(".backstage .push", has_text="template_card_event")).to_be_visible()
        (vote,) = stage.receiver.events("template_card_event")
        assert [option.text for option in vote.event.iter("OptionId")] == ["tue", "thu"]
        replaced = vote_card() | {"main_title": {"title": "投票已结束"}, "replace_text": "已提交"}
        update = {"agentid": stage.config.agent_id, "response_code": sent["response_code"], "userids": [userid]}
        await stage.call("message/update_template_card", update | {"template_card": replaced})
        await expect(page.locator(".card h3")).to_have_text("投票已结束")
        await expect(page.get_by_role("button", name="已提交")).to_be_disabled()

    async def test_the_menu_behind_three_dots(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        menu = {"desc": "更多", "action_list": [{"text": "不再接收", "key": "mute"}]}
        await stage.send(userid, "template_card", button_card() | {"action_menu": menu})
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        await page.locator(".more-menu summary").click()
        await page.get_by_role("button", name="不再接收").click()
        await expect(page.locator(".backstage .push", has_text="template_card_menu_event")).to_be_visible()


class TestLiveUpdate:
    async def test_what_is_being_typed_survives_a_new_message(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        entry = page.get_by_label("发消息")
        await entry.press_sequentially("我正在写")
        await stage.send(userid, "text", {"content": "新消息来了"})
        await expect(page.locator(".bubble", has_text="新消息来了")).to_be_visible()
        await expect(entry).to_have_value("我正在写")
        await expect(entry).to_be_focused()
        await entry.press("Enter")
        await expect(page.locator(".row.mine .bubble")).to_have_text("我正在写")
        await expect(entry).to_have_value("")

    async def test_a_long_conversation_stays_where_it_is_read(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        for number in range(25):
            await stage.send(userid, "text", {"content": f"第 {number} 条"})
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        chat = page.locator(".chat")
        await expect(page.locator(".bubble", has_text="第 24 条")).to_be_in_viewport()
        await chat.evaluate("chat => { chat.scrollTop = 0; }")
        await stage.send(userid, "text", {"content": "最新一条"})
        await expect(page.locator(".bubble", has_text="最新一条")).to_be_attached()
        assert await chat.evaluate("chat => chat.scrollTop") == 0


class TestGroups:
    async def test_the_owner_removes_somebody_and_then_leaves(self, page: Page, stage: Stage) -> None:
        owner, member, other = await stage.userids(3)
        group = {"userlist": [owner, member, other], "owner": owner, "chatid": "g1", "name": "项目群"}
        await stage.call("appchat/create", group)
        name = (await stage.client.person(member))["name"]
        await page.goto(f"/phones/{owner}?c=group-g1")
        await page.get_by_label("群聊设置").click()
        await page.locator(".faces li", has_text=name).hover()
        await page.get_by_label(f"移出 {name}").click()
        await page.get_by_role("button", name="确定").click()
        await expect(page.locator(".faces li")).to_have_count(2)
        assert (await stage.client.group("g1"))["userlist"] == [owner, other]
        await page.get_by_role("button", name="退出群").click()
        await page.get_by_role("button", name="确定").click()
        await expect(page.locator(".list")).not_to_contain_text("项目群")
        assert (await stage.client.group("g1"))["owner"] == other

    async def test_a_group_is_made_from_the_contacts(self, page: Page, stage: Stage) -> None:
        me, one, two = await stage.userids(3)
        await page.goto(f"/phones/{me}")
        await page.get_by_label("发起群聊").click()
        for userid in (one, two):
            await page.locator("#find").fill(userid)
            await page.locator(f"[data-choose][value='{userid}']").check()
        await page.get_by_label("群聊名称").fill("周末爬山")
        await page.get_by_role("button", name="建群").click()
        await expect(page.locator(".title b")).to_have_text("周末爬山(3)")


class TestWorkbench:
    async def test_an_application_is_handed_in_on_one_phone_and_agreed_on_another(
        self, page: Page, stage: Stage
    ) -> None:
        approver, applicant = await stage.userids(2)
        await page.goto(f"/phones/{applicant}?v=work")
        await page.get_by_role("link", name="审批").click()
        await page.get_by_role("link", name="用印申请").click()
        await expect(page.get_by_label("印章类型")).to_be_visible()
        for field in await page.locator(".stacked input:not([type=hidden]), .stacked textarea").all():
            when = await field.get_attribute("type") == "datetime-local"
            chooses = await field.get_attribute("list")
            await field.fill("2026-11-23T10:00" if when else approver if chooses else "1")
        await page.get_by_label("印章类型").select_option("公章")
        await page.get_by_role("button", name="提交").click()
        await expect(page.locator(".flow .now")).to_be_visible()
        await page.goto(f"/phones/{approver}?v=work")
        await expect(page.locator(".tiles .badge")).to_have_text("1")
        await page.get_by_role("link", name="审批").click()
        await page.locator(".application").click()
        await page.get_by_role("button", name="同意").click()
        await expect(page.locator(".profile .chip")).to_have_text("已通过")
        assert [event.text("ApprovalInfo/SpStatus") for event in stage.receiver.events("sys_approval_change")] == [
            "1",
            "2",
        ]


class TestSigningIn:
    async def test_a_link_opened_from_a_phone_knows_whose_it_is(self, page: Page, stage: Stage) -> None:
        _somebody, userid = await stage.userids(2)
        query = urlencode(
            {"appid": stage.config.corp_id, "redirect_uri": f"{stage.base_url}/phones", "scope": "snsapi_base"}
        )
        link = f'<a href="{stage.base_url}/connect/oauth2/authorize?{query}">我的任务</a>'
        await stage.send(userid, "text", {"content": link})
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        async with page.expect_popup() as opened:
            await page.get_by_role("link", name="我的任务").click()
        popup = await opened.value
        await popup.wait_for_url(f"{stage.base_url}/phones?code=*")
        code = parse_qs(urlsplit(popup.url).query)["code"][0]
        token_query = {"corpid": stage.config.corp_id, "corpsecret": stage.config.app_secret}
        token = (await stage.client.http.get("/cgi-bin/gettoken", params=token_query)).json()["access_token"]
        asked = {"access_token": token, "code": code}
        told = (await stage.client.http.get("/cgi-bin/auth/getuserinfo", params=asked)).json()
        assert told["userid"] == userid


class TestAllPhones:
    async def test_search_while_typing(self, page: Page, stage: Stage) -> None:
        await stage.client.hire("ouyang", "欧阳小雨", [4])
        await page.goto("/phones")
        await page.get_by_label("搜索姓名、账号或部门").press_sequentially("欧阳")
        await expect(page.locator(".people li")).to_have_count(1)
        await page.locator(".people a").click()
        await expect(page).to_have_url(f"{stage.base_url}/phones/ouyang")

    async def test_english_for_those_who_want_it(self, page: Page, stage: Stage) -> None:
        await page.goto("/phones")
        await page.get_by_text("English").click()
        await expect(page.get_by_role("link", name="Admin console")).to_be_visible()


class TestTheAppsMenu:
    """What the service has set stands below the conversation, and its entries do what they say."""

    MENU: ClassVar = {
        "button": [
            {"type": "view", "name": "今日", "url": "http://steward.test/me"},
            {
                "name": "我的",
                "sub_button": [
                    {"type": "view", "name": "我的申请", "url": "http://steward.test/me/requests"},
                    {"type": "click", "name": "帮助", "key": "say:帮助"},
                ],
            },
        ]
    }

    async def _opened(self, page: Page, stage: Stage) -> str:
        userid = (await stage.userids(1))[0]
        await stage.call(f"menu/create?agentid={stage.config.agent_id}", self.MENU)
        await page.context.route("http://steward.test/**", lambda route: route.fulfill(body="ours"))
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        return userid

    async def test_an_entry_opens_our_page_in_the_name_of_the_phones_owner(self, page: Page, stage: Stage) -> None:
        userid = await self._opened(page, stage)
        async with page.context.expect_page() as opening:
            await page.locator(".appmenu").get_by_role("button", name="今日").click()
        opened = await opening.value
        await opened.wait_for_url("http://steward.test/me")
        cookies = {one["name"]: one["value"] for one in await page.context.cookies(stage.base_url)}
        assert cookies["sandbox_userid"] == userid
        await expect(page.locator(".backstage .push", has_text="view")).to_be_visible()

    async def test_an_entry_below_another_tells_the_service(self, page: Page, stage: Stage) -> None:
        userid = await self._opened(page, stage)
        await page.locator(".appmenu summary", has_text="我的").click()
        await page.locator(".appmenu").get_by_role("button", name="帮助").click()
        await expect(page.locator(".backstage .push", has_text="say:帮助")).to_be_visible()
        (event,) = stage.receiver.events("click")
        assert (event.text("FromUserName"), event.text("EventKey")) == (userid, "say:帮助")


class TestLinks:
    async def test_cards_text_cards_and_addresses_in_texts_open_a_page(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        await stage.send(
            userid, "template_card", button_card() | {"card_action": {"type": 1, "url": "http://steward.test/c"}}
        )
        await stage.send(
            userid, "textcard", {"title": "整理验收单", "description": "逾期", "url": "http://steward.test/t"}
        )
        await stage.send(userid, "text", {"content": "已提交。\n查看：http://steward.test/x"})
        await page.context.route("http://steward.test/**", lambda route: route.fulfill(body="ours"))
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        for link, url in ((".card .jump", "c"), (".textcard", "t"), (".bubble a", "x")):
            async with page.context.expect_page() as opening:
                await page.locator(link).click()
            await (await opening.value).wait_for_url(f"http://steward.test/{url}")


class TestVoice:
    async def test_a_voice_message_is_sent_by_one_button(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        await page.goto(f"/phones/{userid}?c={stage.app_id}")
        await page.get_by_label("发一段语音").click()
        await expect(page.locator(".row.mine audio")).to_be_visible()
        (said,) = [one for one in stage.receiver.received if one.text("MsgType") == "voice"]
        assert said.text("FromUserName") == userid


class TestTheQrCode:
    async def test_whose_phone_is_open_scans_with_one_click(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        name = (await stage.client.person(userid))["name"]
        await page.goto(f"/phones/{userid}")
        query = {"login_type": "CorpApp", "appid": stage.config.corp_id, "agentid": stage.config.agent_id}
        await page.context.route("http://steward.test/**", lambda route: route.fulfill(body="ours"))
        asked = urlencode(query | {"redirect_uri": "http://steward.test/back", "state": "s1"})
        desktop = await page.context.new_page()
        await desktop.goto(f"/wwlogin/sso/login?{asked}")
        await desktop.get_by_role("link", name=f"用{name}的手机扫码").click()
        await desktop.wait_for_url("http://steward.test/back?code=*")
