import base64
import hashlib
from typing import Any

import pytest

from tests.sandbox.world import Json, World

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


class Room:
    """A group that people made themselves, with a robot in it."""

    def __init__(self, world: World, key: str, member: str) -> None:
        self.world = world
        self.key = key
        self.member = member

    async def post(self, msgtype: str, body: Any, **top: Any) -> Json:
        fields = {"msgtype": msgtype, msgtype: body} | top
        answer = await self.world.http.post("/cgi-bin/webhook/send", params={"key": self.key}, json=fields)
        result: Json = answer.json()
        return result

    async def upload(self, content: bytes, kind: str = "file", key: str = "") -> Json:
        params = {"key": key or self.key, "type": kind}
        files = {"media": ("a.txt", content, "text/plain")}
        answer = await self.world.http.post("/cgi-bin/webhook/upload_media", params=params, files=files)
        result: Json = answer.json()
        return result

    async def messages(self) -> list[Json]:
        phone = await self.world.client.phone(self.member)
        room = next(c for c in phone["conversations"] if c.get("chatid") == "g1")
        messages: list[Json] = room["messages"]
        return messages


@pytest.fixture
async def room(world: World) -> Room:
    one, two = await world.userids(2)
    await world.client.create_group(one, [two], "项目群", chatid="g1")
    robot = await world.client.add_robot("g1", "进度播报")
    assert robot["url"].endswith(f"/cgi-bin/webhook/send?key={robot['key']}")
    return Room(world, robot["key"], two)


class TestPosting:
    async def test_text_with_mentions_appears_on_the_members_phones(self, room: Room, world: World) -> None:
        person = (await world.client.people(limit=1))[0]
        body = {"content": "请看", "mentioned_list": ["@all"], "mentioned_mobile_list": [person["mobile"]]}
        assert (await room.post("text", body)) == {"errcode": 0, "errmsg": "ok"}
        (message,) = await room.messages()
        assert (message["from"], message["from_name"], message["text"]) == ("robot", "进度播报", "请看")
        assert message["mentioned"] == ["@all", person["userid"]]

    @pytest.mark.parametrize(
        ("msgtype", "body"),
        [
            ("markdown", {"content": "# 周报"}),
            ("markdown_v2", {"content": "| a | b |"}),
            ("news", {"articles": [{"title": "周报", "url": "https://x.test"}]}),
            (
                "template_card",
                {
                    "card_type": "text_notice",
                    "main_title": {"title": "通知"},
                    "card_action": {"type": 1, "url": "https://x.test"},
                },
            ),
        ],
    )
    async def test_documented_types(self, room: Room, msgtype: str, body: Json) -> None:
        assert (await room.post(msgtype, body))["errcode"] == 0
        assert [m["msgtype"] for m in await room.messages()] == [msgtype]

    async def test_picture_with_its_checksum(self, room: Room) -> None:
        body = {"base64": base64.b64encode(PNG).decode(), "md5": hashlib.md5(PNG).hexdigest()}  # noqa: S324
        assert (await room.post("image", body))["errcode"] == 0
        assert (await room.post("image", body | {"md5": "0" * 32}))["errcode"] == 301019

    async def test_its_own_uploads_alone(self, room: Room, world: World) -> None:
        media = (await room.upload(b"some content"))["media_id"]
        assert (await room.post("file", {"media_id": media}))["errcode"] == 0
        other = await world.client.add_robot("g1", "另一个")
        foreign = (await room.upload(b"some content", key=other["key"]))["media_id"]
        assert (await room.post("file", {"media_id": foreign}))["errcode"] == 40007
        await world.client.advance_clock(3 * 86_400 + 1)
        assert (await room.post("file", {"media_id": media}))["errcode"] == 40007

    @pytest.mark.parametrize(
        ("msgtype", "body", "errcode"),
        [
            ("text", {"content": ""}, 44004),
            ("text", {"content": "字" * 700}, 45002),
            ("markdown", {"content": "字" * 1_366}, 45002),
            ("news", {"articles": []}, 45008),
            ("template_card", {"card_type": "button_interaction"}, 42031),
            ("video", {"media_id": "x"}, 40008),
            ("text", "not an object", 44004),
        ],
    )
    async def test_refusals(self, room: Room, msgtype: str, body: Any, errcode: int) -> None:
        assert (await room.post(msgtype, body))["errcode"] == errcode

    async def test_voice_must_be_amr(self, room: Room) -> None:
        assert (await room.upload(b"RIFF....", "voice"))["errcode"] == 301017
        assert (await room.upload(b"#!AMR\n1234", "voice"))["errcode"] == 0


class TestTheRobotItself:
    async def test_twenty_a_minute(self, room: Room, world: World) -> None:
        codes = [(await room.post("text", {"content": "x"}))["errcode"] for _ in range(21)]
        assert codes == [0] * 20 + [45009]
        await world.client.advance_clock(61)
        assert (await room.post("text", {"content": "x"}))["errcode"] == 0

    async def test_stopped_started_and_removed(self, room: Room, world: World) -> None:
        await world.client.disable_robot(room.key)
        assert (await room.post("text", {"content": "x"}))["errcode"] == 93004
        await world.client.enable_robot(room.key)
        assert (await room.post("text", {"content": "x"}))["errcode"] == 0
        await world.client.remove_robot(room.key)
        assert (await room.post("text", {"content": "x"}))["errcode"] == 93000
        assert await world.client.robots() == []

    async def test_its_group_dissolved(self, room: Room, world: World) -> None:
        await world.client.dismiss_group("g1")
        assert (await room.post("text", {"content": "x"}))["errcode"] == 93006


class TestRecallAndStatistics:
    async def test_recalled_text_and_card_are_gone_from_the_phone(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        text = await world.send(userid)
        card = await world.send_card(userid, "t1")
        for sent in (text, card):
            assert (await world.app("message/recall", {"msgid": sent["msgid"]}))["errcode"] == 0
        messages = await world.client.app_messages(userid)
        assert [m["recalled"] for m in messages] == [True, True]
        assert messages[0]["text"] == ""
        clicked = await world.http.post(f"/sandbox/people/{userid}/click", json={"task_id": "t1", "key": "confirm"})
        assert clicked.status_code == 409

    async def test_not_after_a_day_and_not_another_app_s(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_009, "secret": "other"}]).start()
        userid = (await world.userids(1))[0]
        msgid = (await world.send(userid))["msgid"]
        assert (await world.call("other", "message/recall", {"msgid": msgid}))["errcode"] == 40058
        await world.client.advance_clock(24 * 3_600 + 1)
        world._tokens.clear()
        assert (await world.app("message/recall", {"msgid": msgid}))["errcode"] == 42052
        await world.stop()

    async def test_person_times_of_today_and_yesterday(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.send(f"{one}|{two}")
        await world.send(one)
        today = await world.app("message/get_statistics", {"time_type": 0})
        assert today["statistics"][0]["count"] == 3
        await world.client.advance_clock(86_400)
        world._tokens.clear()
        yesterday = await world.app("message/get_statistics", {"time_type": 1})
        assert yesterday["statistics"][0]["count"] == 3
        assert (await world.app("message/get_statistics", {}))["statistics"][0]["count"] == 0
