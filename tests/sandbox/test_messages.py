from typing import Any

import pytest

from tests.sandbox.world import Json, World


class TestRecipients:
    """The union of people, departments and tags; errcode 0 unless all are bad (doc path/90236)."""

    async def test_partly_bad(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        wanted = f"{userid}|Ghost01|LEFT02"
        answer = await world.send(wanted, text={"content": "x"}, toparty="99999", totag="77")
        assert answer["errcode"] == 0
        assert answer["invaliduser"] == "ghost01|left02"
        assert answer["invalidparty"] == "99999"
        assert answer["invalidtag"] == "77"
        assert answer["msgid"]
        assert "response_code" not in answer

    async def test_all_bad(self, world: World) -> None:
        assert (await world.send("ghost|left"))["errcode"] == 81013

    async def test_department_with_everything_below_and_tag_each_get_one(self, world: World) -> None:
        made = await world.client.create_department("下级", 3)
        await world.client.hire("below", "张下", [made["id"]])
        answer = await world.send("below", text={"content": "x"}, toparty="3", totag="1")
        assert answer["errcode"] == 0
        assert len(await world.client.app_messages("below")) == 1
        for person in await world.client.people(department=3):
            assert len(await world.client.app_messages(person["userid"])) == 1

    async def test_everyone(self, world: World) -> None:
        answer = await world.send("@all", text={"content": "x"}, toparty="99999")
        assert answer["invalidparty"] == ""
        for userid in await world.userids(40):
            assert len(await world.client.app_messages(userid)) == 1

    async def test_out_of_range_disabled_and_unlicensed(self, world: World) -> None:
        one, two, three = await world.userids(3)
        await world.client.disable(one)
        await world.client.set_unlicensed([two])
        answer = await world.send(f"{one}|{two}|{three}")
        assert (answer["invaliduser"], answer["unlicenseduser"]) == (one, two)
        assert await world.client.app_messages(two) == []
        await world.client.set_visible_range(users=[one])
        assert (await world.send(three))["errcode"] == 81013

    async def test_too_many_and_none(self, world: World) -> None:
        assert (await world.send(""))["errcode"] == 82001
        assert (await world.send("|".join(f"u{i}" for i in range(1_001))))["errcode"] == 40032
        numbers = "|".join(str(i) for i in range(101))
        assert (await world.send("", text={"content": "x"}, toparty=numbers))["errcode"] == 82002
        assert (await world.send("", text={"content": "x"}, totag=numbers))["errcode"] == 82003


class TestEnvelope:
    async def test_agent(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        text = {"content": "x"}
        assert (await world.send(userid, text=text, agentid=None))["errcode"] == 41011
        assert (await world.send(userid, text=text, agentid=5))["errcode"] == 40056
        assert (await world.send(userid, text=text, agentid="word"))["errcode"] == 40056

    async def test_contacts_credential_may_not_send(self, world: World) -> None:
        body = {"touser": "x", "msgtype": "text", "agentid": world.config.agent_id, "text": {"content": "x"}}
        assert (await world.contacts("message/send", body))["errcode"] == 48002

    async def test_type_and_content(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        assert (await world.send(userid, "taskcard"))["errcode"] == 40008
        assert (await world.send(userid, text={"content": ""}))["errcode"] == 44004
        assert (await world.send(userid, "image", image={"media_id": "x"}))["errcode"] == 40007
        assert (await world.send(userid, "textcard", textcard={"description": "x", "url": "u"}))["errcode"] == 41016


class TestSilentCuts:
    async def test_text_is_cut_at_2048_bytes_and_never_inside_a_character(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        assert (await world.send(userid, text={"content": "信" * 700}))["errcode"] == 0
        assert (await world.last_message(userid))["text"] == "信" * 682

    async def test_textcard_is_cut_by_characters(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        card = {"title": "题" * 200, "description": "述" * 600, "url": "https://x.test", "btntxt": "查看更多详情"}
        assert (await world.send(userid, "textcard", textcard=card))["errcode"] == 0
        shown = (await world.last_message(userid))["body"]
        assert (len(shown["title"]), len(shown["description"]), shown["btntxt"]) == (128, 512, "查看更多")

    async def test_ids_are_translated_on_demand(self, world: World) -> None:
        person = (await world.client.people(limit=1))[0]
        text = {"content": f"$userName={person['userid']}$ 在 $departmentName=2$，$userName=ghost$"}
        await world.send(person["userid"], text=text, enable_id_trans=1)
        shown = (await world.last_message(person["userid"]))["text"]
        assert shown == f"{person['name']} 在 总裁办，$userName=ghost$"


class TestDuplicateCheck:
    """An identical body inside the window is not delivered again; the answer is configurable."""

    async def send(self, world: World, userid: str, **fields: Any) -> Json:
        return await world.send(userid, text={"content": "x"}, enable_duplicate_check=1, **fields)

    async def test_suppressed_inside_the_window_only(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        first, second = await self.send(world, userid), await self.send(world, userid)
        assert second == first
        assert len(await world.client.app_messages(userid)) == 1
        await self.send(world, userid, safe=0)
        assert len(await world.client.app_messages(userid)) == 2
        await world.client.advance_clock(1_801)
        world._tokens.clear()
        await self.send(world, userid)
        assert len(await world.client.app_messages(userid)) == 3

    @pytest.mark.parametrize(("setting", "errcode"), [("bare", 0), ("error", 45009)])
    async def test_other_answers(self, world: World, setting: str, errcode: int) -> None:
        userid = (await world.userids(1))[0]
        await world.client.configure(duplicate_answer=setting)
        await self.send(world, userid)
        answer = await self.send(world, userid)
        assert answer["errcode"] == errcode
        assert "msgid" not in answer


class TestRecall:
    async def test_within_a_day(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        msgid = (await world.send(userid))["msgid"]
        assert (await world.app("message/recall", {"msgid": msgid}))["errcode"] == 0
        assert (await world.last_message(userid))["recalled"]
        await world.client.advance_clock(24 * 3_600 + 1)
        world._tokens.clear()
        assert (await world.app("message/recall", {"msgid": msgid}))["errcode"] == 42052
        assert (await world.app("message/recall", {"msgid": "x"}))["errcode"] == 40058


class TestMedia:
    async def test_upload_send_and_fetch(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        token = await world.token(world.config.app_secret)
        params = {"access_token": token, "type": "file"}
        files = {"media": ("制度.pdf", b"%PDF-1.7 content", "application/pdf")}
        answer = (await world.http.post("/cgi-bin/media/upload", params=params, files=files)).json()
        assert isinstance(answer["created_at"], str)
        media_id = answer["media_id"]
        assert (await world.send(userid, "file", file={"media_id": media_id}))["errcode"] == 0
        assert (await world.last_message(userid))["body"]["filename"] == "制度.pdf"
        assert (await world.send(userid, "image", image={"media_id": media_id}))["errcode"] == 40007
        fetched = await world.http.get("/cgi-bin/media/get", params=params | {"media_id": media_id})
        assert fetched.content == b"%PDF-1.7 content"
        await world.client.advance_clock(3 * 86_400 + 1)
        world._tokens.clear()
        assert (await world.app("media/get", media_id=media_id))["errcode"] == 40007

    async def test_refused(self, world: World) -> None:
        params = {"access_token": await world.token(world.config.app_secret), "type": "file"}
        tiny = {"media": ("a.txt", b"12345", "text/plain")}
        answer = await world.http.post("/cgi-bin/media/upload", params=params, files=tiny)
        assert answer.json()["errcode"] == 40006
        answer = await world.http.post("/cgi-bin/media/upload", params=params | {"type": "gif"}, files=tiny)
        assert answer.json()["errcode"] == 40004
        assert (await world.http.post("/cgi-bin/media/upload", params=params)).json()["errcode"] == 44001


class TestMiniProgramNotice:
    """Only for an app with a mini program, never to everybody, and without an agentid."""

    async def send_notice(self, world: World, touser: str, **fields: Any) -> Any:
        body = {"appid": "wx123", "title": "请假审批通过", "content_item": [{"key": "时间", "value": "明天"}]} | fields
        return await world.app(
            "message/send", {"touser": touser, "msgtype": "miniprogram_notice", "miniprogram_notice": body}
        )

    async def test_needs_a_bound_mini_program(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        assert (await self.send_notice(world, userid))["errcode"] == 48002
        await world.client.configure(app_has_mini_program=True)
        assert (await self.send_notice(world, userid))["errcode"] == 0
        assert (await self.send_notice(world, "@all"))["errcode"] == 81013
        assert (await self.send_notice(world, userid, title="短"))["errcode"] == 90203
        assert (await self.send_notice(world, userid, appid=""))["errcode"] == 90201
        assert [m["msgtype"] for m in await world.client.app_messages(userid)] == ["miniprogram_notice"]
