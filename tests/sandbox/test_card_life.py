from xml.etree.ElementTree import Element

import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World, button_card, vote_card


async def update(world: World, code: str, **body: object) -> Json:
    fields = {"agentid": world.config.agent_id, "response_code": code}
    return await world.app("message/update_template_card", fields | body)


def grey(text: str = "已确认") -> Json:
    return {"button": {"replace_name": text}}


class TestClick:
    async def test_event_carries_who_what_and_a_code(self, world: World) -> None:
        one, two = await world.userids(2)
        sent = await world.send_card(f"{one}|{two}")
        clicked = await world.client.click(one, "t1", "confirm")
        await world.client.wait_idle()
        (event,) = world.receiver.events("template_card_event")
        assert event.path == "/app"
        assert event.text("FromUserName") == one
        assert event.text("EventKey") == "confirm"
        assert event.text("TaskId") == "t1"
        assert event.text("CardType") == "button_interaction"
        assert event.text("AgentID") == str(world.config.agent_id)
        assert event.text("ResponseCode") == clicked["response_code"] != sent["response_code"]
        assert event.event.find("SelectedItems") is None

    async def test_vote_sends_the_selection(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send(userid, "template_card", template_card=vote_card())
        await world.client.click(userid, "v1", "vote", {"slot": ["tue", "thu"]})
        await world.client.wait_idle()
        (event,) = world.receiver.events("template_card_event")
        assert event.text("SelectedItems/SelectedItem/QuestionKey") == "slot"
        ids = event.event.findall("SelectedItems/SelectedItem/OptionIds/OptionId")
        assert [option.text for option in ids] == ["tue", "thu"]
        assert (await world.last_message(userid))["selections"] == {"slot": ["tue", "thu"]}

    async def test_menu_entry_has_its_own_event(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        menu = {"desc": "更多", "action_list": [{"text": "不再提醒", "key": "mute"}]}
        await world.send_card(userid, action_menu=menu)
        await world.client.click(userid, "t1", "mute")
        await world.client.wait_idle()
        (event,) = world.receiver.events("template_card_menu_event")
        assert event.text("EventKey") == "mute"

    async def test_what_the_phone_does_not_offer(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.send_card(one)
        for userid, task_id, key in ((two, "t1", "confirm"), (one, "t2", "confirm"), (one, "t1", "other")):
            with pytest.raises(SandboxRefused):
                await world.client.click(userid, task_id, key)

    async def test_again_and_again_until_the_card_changes(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send_card(userid)
        for _ in range(3):
            await world.client.click(userid, "t1", "confirm")
        await world.client.wait_idle()
        assert len(world.receiver.events("template_card_event")) == 3


class TestPassiveReply:
    """The answer to the event changes the clicker's view, and only theirs (doc path/90241)."""

    def replying(self, world: World, rest: str) -> None:
        def reply(event: Element) -> str:
            return (
                f"<xml><ToUserName><![CDATA[{event.findtext('FromUserName')}]]></ToUserName>"
                f"<FromUserName><![CDATA[{world.config.corp_id}]]></FromUserName>"
                f"<CreateTime>1700000003</CreateTime>{rest}</xml>"
            )

        world.receiver.reply = reply

    async def test_update_button(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.send_card(f"{one}|{two}")
        self.replying(world, "<MsgType>update_button</MsgType><Button><ReplaceName>已确认</ReplaceName></Button>")
        await world.client.click(one, "t1", "confirm")
        await world.client.wait_idle()
        assert (await world.last_message(one))["greyed"] == "已确认"
        assert (await world.last_message(two))["greyed"] is None
        with pytest.raises(SandboxRefused, match="grey"):
            await world.client.click(one, "t1", "confirm")

    async def test_update_template_card(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.send_card(f"{one}|{two}")
        card = (
            "<CardType>button_interaction</CardType><MainTitle><Title>已处理</Title></MainTitle>"
            "<HorizontalContentList><KeyName>人</KeyName><Value>李</Value></HorizontalContentList>"
            "<HorizontalContentList><KeyName>时</KeyName><Value>今</Value></HorizontalContentList>"
            "<ButtonList><Text>撤销</Text><Style>2</Style><Key>undo</Key></ButtonList>"
        )
        self.replying(world, f"<MsgType>update_template_card</MsgType><TemplateCard>{card}</TemplateCard>")
        await world.client.click(one, "t1", "confirm")
        await world.client.wait_idle()
        face = (await world.last_message(one))["card"]
        assert face["main_title"] == {"title": "已处理"}
        assert [row["keyname"] for row in face["horizontal_content_list"]] == ["人", "时"]
        assert face["button_list"] == [{"text": "撤销", "style": 2, "key": "undo"}]
        assert (await world.last_message(two))["card"]["main_title"]["title"] == "安全生产通知"
        world.receiver.reply = lambda _event: None
        await world.client.click(one, "t1", "undo")

    async def test_a_replacement_that_may_not_be_sent_is_ignored(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send_card(userid)
        card = "<CardType>button_interaction</CardType><MainTitle><Title>x</Title></MainTitle>"
        buttons = "<ButtonList><Text>撤销</Text></ButtonList>"
        self.replying(world, f"<MsgType>update_template_card</MsgType><TemplateCard>{card}{buttons}</TemplateCard>")
        await world.client.click(userid, "t1", "confirm")
        await world.client.wait_idle()
        assert "42039" in (await world.client.callbacks())[-1]["reply_error"]
        assert (await world.last_message(userid))["card"]["main_title"]["title"] == "安全生产通知"

    async def test_text_stays_in_the_conversation(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        self.replying(world, "<MsgType>text</MsgType><Content>收到</Content>")
        await world.client.say(userid, "余额？")
        await world.client.wait_idle()
        assert [(m["mine"], m["text"]) for m in await world.client.app_messages(userid)] == [
            (True, "余额？"),
            (False, "收到"),
        ]

    async def test_bad_signature_is_noted_and_ignored(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send_card(userid)
        world.receiver.reply_token = "AnotherToken"
        self.replying(world, "<MsgType>update_button</MsgType><Button><ReplaceName>x</ReplaceName></Button>")
        await world.client.click(userid, "t1", "confirm")
        await world.client.wait_idle()
        assert "signature" in (await world.client.callbacks())[-1]["reply_error"]
        assert (await world.last_message(userid))["greyed"] is None

    async def test_unknown_reply_type_is_noted(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        self.replying(world, "<MsgType>mystery</MsgType>")
        await world.client.say(userid, "x")
        await world.client.wait_idle()
        assert "unknown reply type" in (await world.client.callbacks())[-1]["reply_error"]


class TestUpdate:
    """message/update_template_card (doc path/94888)."""

    async def test_grey_button_for_those_named(self, world: World) -> None:
        one, two, three = await world.userids(3)
        code = (await world.send_card(f"{one}|{two}"))["response_code"]
        answer = await update(world, code, userids=[one, three, "ghost"], **grey())
        assert answer["errcode"] == 0
        assert sorted(answer["invaliduser"]) == sorted(["ghost", three])
        assert (await world.last_message(one))["greyed"] == "已确认"
        assert (await world.last_message(two))["greyed"] is None

    async def test_full_card_for_all(self, world: World) -> None:
        one, two = await world.userids(2)
        code = (await world.send_card(f"{one}|{two}"))["response_code"]
        card = button_card() | {"main_title": {"title": "已结束"}, "replace_text": "已截止"}
        del card["task_id"]
        assert (await update(world, code, atall=1, template_card=card))["invaliduser"] == []
        for userid in (one, two):
            shown = await world.last_message(userid)
            assert (shown["card"]["main_title"]["title"], shown["greyed"]) == ("已结束", "已截止")

    async def test_another_type_of_card_can_be_clicked_under_the_same_task(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        code = (await world.send_card(userid))["response_code"]
        await update(world, code, atall=1, template_card=vote_card())
        await world.client.click(userid, "t1", "vote", {"slot": ["thu"]})
        await world.client.wait_idle()
        (event,) = world.receiver.events("template_card_event")
        assert (event.text("TaskId"), event.text("CardType")) == ("t1", "vote_interaction")

    async def test_one_use(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        code = (await world.send_card(userid))["response_code"]
        assert (await update(world, code, userids=[userid]))["errcode"] == 42020
        assert (await update(world, code, userids=[userid], **grey()))["errcode"] == 0
        assert (await update(world, code, userids=[userid], **grey()))["errcode"] == 42022

    async def test_a_click_gives_a_fresh_code(self, world: World) -> None:
        one, two = await world.userids(2)
        code = (await world.send_card(f"{one}|{two}"))["response_code"]
        await update(world, code, userids=[one], **grey())
        fresh = (await world.client.click(two, "t1", "confirm"))["response_code"]
        assert (await update(world, fresh, atall=1, **grey()))["errcode"] == 0

    async def test_72_hours(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        code = (await world.send_card(userid))["response_code"]
        await world.client.advance_clock(72 * 3_600 + 1)
        world._tokens.clear()
        assert (await update(world, code, userids=[userid], **grey()))["errcode"] == 60140
        assert (await update(world, "made-up", userids=[userid], **grey()))["errcode"] == 60140

    async def test_another_app_may_not(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start()
        userid = (await world.userids(1))[0]
        code = (await world.send_card(userid))["response_code"]
        body = {"agentid": 1_000_003, "response_code": code, "userids": [userid]} | grey()
        assert (await world.call("other", "message/update_template_card", body))["errcode"] == 42015
        body["agentid"] = world.config.agent_id
        assert (await world.call("other", "message/update_template_card", body))["errcode"] == 301002
        await world.stop()
