from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World

DAY = 86_400
BEIJING = 8 * 3600


@dataclass
class Partners:
    """A customer group of one member with one customer in it."""

    world: World
    owner: str
    colleague: str
    customer: str
    chat_id: str

    async def get(self, *, need_name: int = 0) -> Json:
        body = {"chat_id": self.chat_id, "need_name": need_name}
        answer = await self.world.app("externalcontact/groupchat/get", body)
        assert answer["errcode"] == 0, answer
        group: Json = answer["group_chat"]
        return group

    async def guest(self, name: str = "新客户") -> str:
        return str((await self.world.client.add_external(name))["external_userid"])

    async def events(self) -> list[Any]:
        await self.world.client.wait_idle()
        return [r.event for r in self.world.receiver.events("change_external_chat")]


async def partners_in(world: World) -> Partners:
    owner, colleague = await world.userids(2)
    customer = await world.client.add_external("周总", unionid="ounion1")
    external = customer["external_userid"]
    made = await world.client.create_customer_group(owner, [colleague], [external], "华信合作群")
    return Partners(world, owner, colleague, external, made["chat_id"])


@pytest.fixture
async def partners(world: World) -> Partners:
    return await partners_in(world)


class TestWhoMay:
    async def test_the_customer_contact_secret_and_listed_apps(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start()
        partners = await partners_in(world)
        body = {"limit": 10}
        system = world.config.customer_contact_secret
        assert (await world.call(system, "externalcontact/groupchat/list", body))["errcode"] == 0
        assert (await world.contacts("externalcontact/groupchat/list", body))["errcode"] == 48002
        assert (await world.call("other", "externalcontact/groupchat/list", body))["errcode"] == 48002
        await world.client.configure(customer_contact_apps=[1_000_003])
        assert (await world.call("other", "externalcontact/groupchat/list", body))["errcode"] == 0
        assert (await world.app("externalcontact/groupchat/list", body))["errcode"] == 48002
        seen = len(await partners.events())
        await world.client.rename_customer_group(partners.chat_id, "改名")
        assert len(await partners.events()) == seen
        await world.stop()

    async def test_the_system_app_can_do_nothing_else(self, world: World) -> None:
        people = await world.userids(2)
        system = world.config.customer_contact_secret
        assert (await world.call(system, "appchat/create", {"userlist": people}))["errcode"] == 48002
        text = {"touser": people[0], "msgtype": "text", "agentid": world.config.agent_id, "text": {"content": "x"}}
        assert (await world.call(system, "message/send", text))["errcode"] == 48002
        assert (await world.call(system, "oa/getapprovaldetail", {"sp_no": "1"}))["errcode"] == 301055

    async def test_the_owner_must_be_in_sight(self, partners: Partners) -> None:
        await partners.world.client.set_visible_range(users=[partners.colleague])
        body = {"chat_id": partners.chat_id}
        assert (await partners.world.app("externalcontact/groupchat/get", body))["errcode"] == 60011
        assert (await partners.world.app("externalcontact/groupchat/list", {"limit": 10}))["group_chat_list"] == []


class TestReading:
    async def test_members_say_how_they_came(self, partners: Partners) -> None:
        group = await partners.get(need_name=1)
        assert (group["name"], group["owner"]) == ("华信合作群", partners.owner)
        owner, colleague, customer = group["member_list"]
        assert (owner["type"], colleague["type"], customer["type"]) == (1, 1, 2)
        assert colleague["invitor"] == {"userid": partners.owner}
        assert (customer["userid"], customer["name"], customer["unionid"]) == (partners.customer, "周总", "ounion1")
        assert "invitor" not in owner
        assert all("name" not in member for member in (await partners.get())["member_list"])

    async def test_aliases_admins_and_notice(self, partners: Partners) -> None:
        client = partners.world.client
        await client.set_customer_group_nickname(partners.chat_id, partners.customer, "华信-周总")
        await client.set_customer_group_admins(partners.chat_id, [partners.colleague])
        await client.set_customer_group_notice(partners.chat_id, "只谈项目")
        group = await partners.get()
        assert group["member_list"][2]["group_nickname"] == "华信-周总"
        assert group["admin_list"] == [{"userid": partners.colleague}]
        assert group["notice"] == "只谈项目"

    async def test_unknown_dissolved_and_internal_ones(self, partners: Partners) -> None:
        world = partners.world

        async def code(chat_id: str) -> int:
            return int((await world.app("externalcontact/groupchat/get", {"chat_id": chat_id}))["errcode"])

        people = await world.userids(2)
        await world.app("appchat/create", {"chatid": "internal1", "userlist": people})
        assert (await code(""), await code("wrUnknown"), await code("internal1")) == (40058, 40050, 90501)
        await world.client.dismiss_customer_group(partners.chat_id)
        assert await code(partners.chat_id) == 49008
        assert (await world.app("externalcontact/groupchat/list", {"limit": 10}))["group_chat_list"] == []

    async def test_an_answer_lags_behind_the_event(self, partners: Partners) -> None:
        await partners.world.client.configure(customer_group_lag_seconds=2)
        await partners.world.client.rename_customer_group(partners.chat_id, "新群名")
        assert (await partners.get())["name"] == "华信合作群"
        await partners.world.client.advance_clock(3)
        assert (await partners.get())["name"] == "新群名"

    async def test_opengid(self, partners: Partners) -> None:
        opengid = (await partners.world.client.customer_group(partners.chat_id))["opengid"]
        answer = await partners.world.app("externalcontact/opengid_to_chatid", {"opengid": opengid})
        assert answer["chat_id"] == partners.chat_id
        unknown = await partners.world.app("externalcontact/opengid_to_chatid", {"opengid": "x"})
        assert unknown["errcode"] == 90511

    async def test_pages_filters_and_refusals(self, partners: Partners) -> None:
        client = partners.world.client
        for number in range(3):
            await client.create_customer_group(partners.colleague, name=f"群{number}")

        async def listed(**body: Any) -> Json:
            return await partners.world.app("externalcontact/groupchat/list", {"limit": 2} | body)

        first = await listed()
        second = await listed(cursor=first["next_cursor"])
        found = [row["chat_id"] for row in first["group_chat_list"] + second["group_chat_list"]]
        assert (len(set(found)), second["next_cursor"]) == (4, "")
        mine = await listed(owner_filter={"userid_list": [partners.owner.upper()]})
        assert mine["group_chat_list"] == [{"chat_id": partners.chat_id, "status": 0}]
        for bad, errcode in (
            ({"limit": 0}, 40058),
            ({"limit": 1001}, 40058),
            ({"cursor": "x"}, 50100),
            ({"status_filter": 4}, 40058),
            ({"owner_filter": {"userid_list": ["x"] * 101}}, 40058),
        ):
            assert (await listed(**bad))["errcode"] == errcode

    async def test_a_thousand_members_in_sight_need_a_filter(self) -> None:
        world = await World(people=1_001).start(listening=False)
        assert (await world.app("externalcontact/groupchat/list", {"limit": 10}))["errcode"] == 81017
        owner = (await world.userids(1))[0]
        body = {"limit": 10, "owner_filter": {"userid_list": [owner]}}
        assert (await world.app("externalcontact/groupchat/list", body))["errcode"] == 0
        await world.stop()


class TestEvents:
    async def test_created_and_dissolved(self, partners: Partners) -> None:
        await partners.world.client.dismiss_customer_group(partners.chat_id)
        created, gone = await partners.events()
        for event, change in ((created, "create"), (gone, "dismiss")):
            assert event.findtext("ChatId") == partners.chat_id
            assert event.findtext("ChangeType") == change
            assert event.findtext("FromUserName") == "sys"
            assert event.find("UpdateDetail") is None

    async def test_member_versions_make_a_chain(self, partners: Partners) -> None:
        client, chat_id = partners.world.client, partners.chat_id
        version = (await partners.get())["member_version"]
        one, two, three = [await partners.guest(str(n)) for n in range(3)]
        await client.join_customer_group(chat_id, external_userids=[one, two], invitor=partners.colleague)
        await client.join_customer_group(chat_id, external_userids=[three], join_scene=3)
        await client.leave_customer_group(chat_id, [one])
        await client.remove_from_customer_group(chat_id, [two, partners.colleague])
        facts = []
        for event in (await partners.events())[1:]:
            assert event.findtext("LastMemVer") == version
            version = event.findtext("CurMemVer")
            items = [item.text for item in event.findall("MemChangeList/Item")]
            assert int(event.findtext("MemChangeCnt")) == len(items)
            names = ("UpdateDetail", "JoinScene", "QuitScene")
            facts.append((*(event.findtext(name) for name in names), items))
        assert facts == [
            ("add_member", "0", "0", [one, two]),
            ("add_member", "3", "0", [three]),
            ("del_member", "0", "0", [one]),
            ("del_member", "0", "1", [two, partners.colleague]),
        ]
        group = await partners.get()
        assert group["member_version"] == version
        assert [member["join_scene"] for member in group["member_list"]] == [1, 1, 3]

    async def test_invited_by_link_is_a_scene_of_its_own_only_when_read(self, partners: Partners) -> None:
        guest = await partners.guest()
        await partners.world.client.join_customer_group(partners.chat_id, external_userids=[guest], join_scene=2)
        assert (await partners.events())[-1].findtext("JoinScene") == "0"
        assert (await partners.get())["member_list"][-1]["join_scene"] == 2

    async def test_name_owner_and_notice(self, partners: Partners) -> None:
        client, chat_id = partners.world.client, partners.chat_id
        await client.rename_customer_group(chat_id, "新群名")
        await client.set_customer_group_notice(chat_id, "公告")
        await client.transfer_customer_group(chat_id, partners.colleague)
        details = [event.findtext("UpdateDetail") for event in (await partners.events())[1:]]
        assert details == ["change_name", "change_notice", "change_owner"]
        assert (await partners.get())["owner"] == partners.colleague

    async def test_the_owner_stays_and_a_full_group_is_full(self, partners: Partners) -> None:
        client = partners.world.client
        with pytest.raises(SandboxRefused, match="transfers"):
            await client.leave_customer_group(partners.chat_id, [partners.owner])
        await client.configure(customer_group_max=3)
        with pytest.raises(SandboxRefused, match="full"):
            await client.join_customer_group(partners.chat_id, external_userids=[await partners.guest()])

    async def test_customers_come_and_go(self, partners: Partners) -> None:
        client = partners.world.client
        await client.befriend(partners.owner, partners.customer, state="qr7")
        await client.remark_external(partners.owner, partners.customer, "周总（采购）")
        shown = await partners.world.app("externalcontact/get", external_userid=partners.customer)
        assert shown["follow_user"][0]["remark"] == "周总（采购）"
        assert shown["external_contact"]["unionid"] == "ounion1"
        listed = await partners.world.app("externalcontact/list", userid=partners.owner)
        assert listed["external_userid"] == [partners.customer]
        await client.unfriend(partners.owner, partners.customer, by_customer=True)
        await client.wait_idle()
        events = partners.world.receiver.events("change_external_contact")
        assert [e.text("ChangeType") for e in events] == [
            "add_external_contact",
            "edit_external_contact",
            "del_follow_user",
        ]
        assert (events[0].text("State"), events[0].text("ExternalUserID")) == ("qr7", partners.customer)
        gone = await partners.world.app("externalcontact/list", userid=partners.owner)
        assert gone["errcode"] == 84061


class TestInheriting:
    async def test_a_departed_owner_s_group_waits_and_is_inherited(self, partners: Partners) -> None:
        world, chat_id = partners.world, partners.chat_id
        transfer = {"chat_id_list": [chat_id], "new_owner": partners.colleague}
        refused = await world.app("externalcontact/groupchat/transfer", transfer)
        assert refused["failed_chat_list"][0]["errcode"] == 90500
        await world.client.delete_person(partners.owner)
        assert (await partners.events())[-1].findtext("MemChangeList/Item") == partners.owner
        assert (await world.app("externalcontact/groupchat/list", {"limit": 10}))["group_chat_list"] == []
        body = {"limit": 10, "owner_filter": {"userid_list": [partners.owner]}, "status_filter": 1}
        listed = await world.app("externalcontact/groupchat/list", body)
        assert listed["group_chat_list"] == [{"chat_id": chat_id, "status": 1}]
        onjob = await world.app("externalcontact/groupchat/onjob_transfer", transfer)
        assert onjob["failed_chat_list"][0]["errcode"] == 90502
        assert (await world.app("externalcontact/groupchat/transfer", transfer))["failed_chat_list"] == []
        assert (await partners.events())[-1].findtext("UpdateDetail") == "change_owner"
        listed = await world.app("externalcontact/groupchat/list", {"limit": 10, "status_filter": 3})
        assert listed["group_chat_list"] == [{"chat_id": chat_id, "status": 3}]

    async def test_on_the_job(self, partners: Partners) -> None:
        body = {"chat_id_list": [partners.chat_id, "wrUnknown"], "new_owner": partners.colleague}
        answer = await partners.world.app("externalcontact/groupchat/onjob_transfer", body)
        assert [(f["chat_id"], f["errcode"]) for f in answer["failed_chat_list"]] == [("wrUnknown", 40050)]
        again = await partners.world.app("externalcontact/groupchat/onjob_transfer", body)
        assert again["failed_chat_list"][0]["errcode"] == 90504

    async def test_so_many_a_day(self, partners: Partners) -> None:
        world = partners.world
        await world.client.configure(limit_numbers={"customer_group_transfers_per_day": 1})
        other = await world.client.create_customer_group(partners.owner, name="另一个群")
        await world.client.delete_person(partners.owner)
        body = {"chat_id_list": [partners.chat_id, other["chat_id"]], "new_owner": partners.colleague}
        answer = await world.app("externalcontact/groupchat/transfer", body)
        assert [f["errcode"] for f in answer["failed_chat_list"]] == [45009]


class TestStatistics:
    async def test_counted_from_what_happened(self, partners: Partners) -> None:
        world, client = partners.world, partners.world.client
        await client.say_in_customer_group(partners.chat_id, partners.customer, "报价呢")
        await client.say_in_customer_group(partners.chat_id, partners.owner, "马上")
        await client.create_customer_group(partners.colleague, name="空群")
        today = int((await client.clock())["now"] + BEIJING) // DAY * DAY - BEIJING
        body = {"day_begin_time": today}
        assert (await world.app("externalcontact/groupchat/statistic", body))["errcode"] == 40058
        await client.advance_clock(DAY)
        world._tokens.clear()
        answer = await world.app("externalcontact/groupchat/statistic", body | {"order_by": 4})
        assert [item["owner"] for item in answer["items"]] == [partners.owner, partners.colleague]
        assert answer["items"][0]["data"] == {
            "new_chat_cnt": 1,
            "chat_total": 1,
            "chat_has_msg": 1,
            "new_member_cnt": 3,
            "member_total": 3,
            "member_has_msg": 2,
            "msg_total": 2,
            "migrate_trainee_chat_cnt": 0,
        }
        days = await world.app(
            "externalcontact/groupchat/statistic_group_by_day", {"day_begin_time": today - DAY, "day_end_time": today}
        )
        assert [day["data"]["chat_total"] for day in days["items"]] == [0, 2]
        far = {"day_begin_time": today - 31 * DAY, "day_end_time": today}
        assert (await world.app("externalcontact/groupchat/statistic", far))["errcode"] == 40058


class TestJoinWays:
    async def test_life_of_a_join_way(self, partners: Partners) -> None:
        world = partners.world

        async def ask(act: str, **body: Any) -> Json:
            return await world.app(f"externalcontact/groupchat/{act}_join_way", body)

        given = {"scene": 2, "remark": "备" * 40, "chat_id_list": [partners.chat_id], "state": "klm"}
        config_id = (await ask("add", **given))["config_id"]
        way = (await ask("get", config_id=config_id))["join_way"]
        assert (way["remark"], way["auto_create_room"], way["qr_code"][:5]) == ("备" * 30, 1, "https")
        await ask("update", config_id=config_id, scene=2, chat_id_list=[partners.chat_id])
        assert (await ask("get", config_id=config_id))["join_way"]["state"] == ""
        for bad, errcode in (
            ({"scene": None}, 41038),
            ({"scene": 3}, 41040),
            ({"chat_id_list": ["x"] * 6}, 41091),
            ({"chat_id_list": []}, 40058),
            ({"chat_id_list": ["wrUnknown"]}, 40050),
            ({"state": "s" * 31}, 40058),
            ({"room_base_name": "n" * 41}, 40058),
        ):
            assert (await ask("add", **(given | bad)))["errcode"] == errcode
        assert (await ask("del", config_id=config_id))["errcode"] == 0
        assert (await ask("get", config_id=config_id))["errcode"] == 41044
        assert (await ask("get"))["errcode"] == 41043

    async def test_scanned_into_the_group_and_then_into_a_new_one(self, partners: Partners) -> None:
        world, client = partners.world, partners.world.client
        given = {
            "scene": 2,
            "chat_id_list": [partners.chat_id],
            "state": "klm",
            "room_base_name": "合作群",
            "room_base_id": 10,
        }
        config_id = (await world.app("externalcontact/groupchat/add_join_way", given))["config_id"]
        await client.configure(customer_group_max=4)
        first = await client.scan_join_way(config_id, await partners.guest())
        assert (first["chat_id"], first["member_list"][-1]["state"]) == (partners.chat_id, "klm")
        second = await client.scan_join_way(config_id, await partners.guest())
        assert (second["name"], second["owner"]) == ("合作群10", partners.owner)
        assert [event.findtext("ChangeType") for event in (await partners.events())[1:]] == [
            "update",
            "create",
            "update",
        ]


class TestGroupMessages:
    async def test_nothing_is_sent_before_the_member_confirms(self, partners: Partners) -> None:
        world, client = partners.world, partners.world.client
        other = await client.create_customer_group(partners.colleague, name="别人的群")
        body = {
            "chat_type": "group",
            "sender": partners.owner,
            "chat_id_list": [partners.chat_id, other["chat_id"]],
            "text": {"content": "国庆放假通知"},
        }
        answer = await world.app("externalcontact/add_msg_template", body)
        assert answer["fail_list"] == [other["chat_id"]]
        msgid = answer["msgid"]
        assert (await client.customer_group(partners.chat_id))["messages"] == []
        task = (await world.app("externalcontact/get_groupmsg_task", {"msgid": msgid}))["task_list"][0]
        assert (task["userid"], task["status"]) == (partners.owner, 0)
        assert (await world.app("externalcontact/remind_groupmsg_send", {"msgid": msgid}))["errcode"] == 0
        assert (await client.group_tasks(partners.owner))[0]["reminded"] == 1
        await client.confirm_group_task(partners.owner, msgid)
        (message,) = (await client.customer_group(partners.chat_id))["messages"]
        assert (message["text"], message["from"]) == ("国庆放假通知", partners.owner)
        result = await world.app("externalcontact/get_groupmsg_send_result", {"msgid": msgid, "userid": partners.owner})
        assert [(row["chat_id"], row["status"]) for row in result["send_list"]] == [(partners.chat_id, 1)]

    async def test_a_stopped_task_cannot_be_confirmed(self, partners: Partners) -> None:
        world = partners.world
        body = {"chat_type": "group", "sender": partners.owner, "text": {"content": "x"}}
        msgid = (await world.app("externalcontact/add_msg_template", body))["msgid"]
        await world.app("externalcontact/cancel_groupmsg_send", {"msgid": msgid})
        with pytest.raises(SandboxRefused, match="over"):
            await world.client.confirm_group_task(partners.owner, msgid)
        assert (await world.app("externalcontact/remind_groupmsg_send", {"msgid": msgid}))["errcode"] == 41093
        assert (await world.app("externalcontact/remind_groupmsg_send", {"msgid": "x"}))["errcode"] == 41047

    async def test_as_many_a_month_as_the_month_has_days(self, partners: Partners) -> None:
        world = partners.world
        body = {"chat_type": "group", "sender": partners.owner, "text": {"content": "x"}}
        statuses = []
        for _ in range(32):
            msgid = (await world.app("externalcontact/add_msg_template", body))["msgid"]
            statuses += (await world.client.confirm_group_task(partners.owner, msgid))["results"].values()
        assert statuses.count(1) in {28, 29, 30, 31}
        assert statuses[-1] == 3

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"chat_type": "single"}, 40058),
            ({"sender": ""}, 40058),
            ({"sender": "ghost"}, 40003),
            ({"text": {}}, 40063),
            ({"text": {"content": "字" * 1334}}, 45002),
            ({"attachments": [{"msgtype": "link", "link": {"url": "https://x.test"}}] * 10}, 41064),
            ({"attachments": [{"msgtype": "voice", "voice": {}}]}, 41065),
            ({"attachments": [{"msgtype": "image", "image": {"media_id": "gone"}}]}, 40007),
            ({"chat_id_list": ["wrUnknown"]}, 41048),
            ({"chat_id_list": ["x"] * 2001}, 40058),
        ],
    )
    async def test_refused(self, partners: Partners, changes: Json, errcode: int) -> None:
        body = {"chat_type": "group", "sender": partners.owner, "text": {"content": "x"}} | changes
        answer = await partners.world.app("externalcontact/add_msg_template", body)
        assert answer["errcode"] == errcode


class TestSensitiveWords:
    async def add(self, partners: Partners, **changes: Any) -> Json:
        rule = {
            "rule_name": "禁谈回扣",
            "word_list": ["回扣"],
            "semantics_list": [1],
            "intercept_type": 1,
            "applicable_range": {"user_list": [partners.owner]},
        } | changes
        return await partners.world.app("externalcontact/add_intercept_rule", rule)

    async def test_a_member_s_message_is_kept_back(self, partners: Partners) -> None:
        rule_id = (await self.add(partners))["rule_id"]
        await self.add(partners, rule_name="只提醒", word_list=["加急"], intercept_type=2, semantics_list=[])
        say, chat_id = partners.world.client.say_in_customer_group, partners.chat_id
        assert await say(chat_id, partners.owner, "给你回扣") == {"delivered": False, "warned": True}
        assert await say(chat_id, partners.owner, "打 13912345678") == {"delivered": False, "warned": True}
        assert await say(chat_id, partners.owner, "请加急") == {"delivered": True, "warned": True}
        assert await say(chat_id, partners.colleague, "给你回扣") == {"delivered": True, "warned": False}
        assert await say(chat_id, partners.customer, "要回扣") == {"delivered": True, "warned": False}
        texts = [m["text"] for m in (await partners.world.client.customer_group(chat_id))["messages"]]
        assert texts == ["请加急", "给你回扣", "要回扣"]
        await partners.world.app("externalcontact/del_intercept_rule", {"rule_id": rule_id})
        assert (await say(chat_id, partners.owner, "给你回扣"))["delivered"]

    async def test_departments_cover_those_below(self, partners: Partners) -> None:
        await self.add(partners, applicable_range={"department_list": [1]})
        spoken = await partners.world.client.say_in_customer_group(partners.chat_id, partners.colleague, "回扣")
        assert not spoken["delivered"]

    async def test_read_and_changed(self, partners: Partners) -> None:
        world = partners.world
        rule_id = (await self.add(partners))["rule_id"]
        changes = {
            "rule_id": rule_id,
            "extra_rule": {"semantics_list": [2, 3]},
            "add_applicable_range": {"user_list": [partners.colleague], "department_list": [1]},
            "remove_applicable_range": {"user_list": [partners.owner]},
        }
        assert (await world.app("externalcontact/update_intercept_rule", changes))["errcode"] == 0
        rule = (await world.app("externalcontact/get_intercept_rule", {"rule_id": rule_id}))["rule"]
        assert (rule["rule_name"], rule["word_list"]) == ("禁谈回扣", ["回扣"])
        assert rule["extra_rule"] == {"semantics_list": [2, 3]}
        assert rule["applicable_range"] == {"user_list": [partners.colleague], "department_list": [1]}
        listed = (await world.app("externalcontact/get_intercept_rule_list"))["rule_list"]
        assert [row["rule_name"] for row in listed] == ["禁谈回扣"]
        await world.client.set_visible_range(users=[partners.owner])
        rule = (await world.app("externalcontact/get_intercept_rule", {"rule_id": rule_id}))["rule"]
        assert rule["applicable_range"] == {"user_list": [], "department_list": []}

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"rule_name": ""}, 40058),
            ({"rule_name": "名" * 21}, 40058),
            ({"word_list": ["词"] * 301}, 41068),
            ({"word_list": ["词" * 33]}, 41083),
            ({"word_list": [], "semantics_list": []}, 41083),
            ({"semantics_list": [4]}, 41084),
            ({"intercept_type": 3}, 40058),
            ({"applicable_range": {}}, 40058),
            ({"applicable_range": {"user_list": ["x"] * 1001}}, 41076),
            ({"applicable_range": {"user_list": ["ghost"]}}, 40031),
        ],
    )
    async def test_refused(self, partners: Partners, changes: Json, errcode: int) -> None:
        assert (await self.add(partners, **changes))["errcode"] == errcode

    async def test_names_are_unique_a_hundred_rules_and_own_ones_only(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start(listening=False)
        partners = await partners_in(world)
        rule_id = (await self.add(partners))["rule_id"]
        assert (await self.add(partners))["errcode"] == 41077
        for number in range(99):
            assert (await self.add(partners, rule_name=f"规则{number}"))["errcode"] == 0
        assert (await self.add(partners, rule_name="第一百零一条"))["errcode"] == 41069
        await world.client.configure(customer_contact_apps=[world.config.agent_id, 1_000_003])
        other = {"rule_id": rule_id}
        assert (await world.call("other", "externalcontact/del_intercept_rule", other))["errcode"] == 48002
        assert (await world.app("externalcontact/del_intercept_rule", other))["errcode"] == 0
        assert (await world.app("externalcontact/del_intercept_rule", other))["errcode"] == 41071
        assert (await world.app("externalcontact/get_intercept_rule", {"rule_id": "x"}))["errcode"] == 41070
        await world.stop()
