import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World


async def create(world: World, userids: list[str], **fields: object) -> Json:
    return await world.app("appchat/create", {"userlist": userids, "chatid": "prj88", "name": "项目群"} | fields)


async def group(world: World, chatid: str = "prj88") -> Json:
    answer = await world.app("appchat/get", chatid=chatid)
    assert answer["errcode"] == 0, answer
    info: Json = answer["chat_info"]
    return info


async def update(world: World, **fields: object) -> Json:
    return await world.app("appchat/update", {"chatid": "prj88"} | fields)


class TestCreate:
    async def test_created_and_read_back(self, world: World) -> None:
        one, two, three = await world.userids(3)
        assert (await create(world, [one, two.upper(), three], owner=two))["chatid"] == "prj88"
        assert await group(world) == {
            "chatid": "prj88",
            "name": "项目群",
            "owner": two,
            "userlist": [one, two, three],
            "chat_type": 0,
        }

    async def test_the_platform_chooses_chatid_and_owner(self, world: World) -> None:
        people = await world.userids(2)
        chatid = (await create(world, people, chatid=None))["chatid"]
        assert (await group(world, chatid))["owner"] in people

    async def test_name_is_cut_silently(self, world: World) -> None:
        await create(world, await world.userids(2), name="长" * 60)
        assert (await group(world))["name"] == "长" * 50

    @pytest.mark.parametrize(
        ("fields", "errcode"),
        [
            ({"chatid": "with-dash"}, 86001),
            ({"chatid": "x" * 33}, 86205),
            ({"userlist": []}, 86204),
            ({"userlist": ["ghost", "ghost2"]}, 86216),
            ({"owner": "ghost"}, 86005),
        ],
    )
    async def test_refused(self, world: World, fields: Json, errcode: int) -> None:
        assert (await create(world, await world.userids(2), **fields))["errcode"] == errcode
        assert await world.client.groups() == []

    async def test_size_owner_and_taken_chatid(self, world: World) -> None:
        one, two, three, four = await world.userids(4)
        assert (await create(world, [one]))["errcode"] == 86006
        assert (await create(world, [one, two], owner=three))["errcode"] == 86207
        await world.client.configure(group_member_max=4)
        assert (await create(world, [one, two, three, four]))["errcode"] == 86006
        assert (await create(world, [one, two, three]))["errcode"] == 0
        assert (await create(world, [one, two]))["errcode"] == 86215


class TestUpdate:
    async def test_members_name_and_owner(self, world: World) -> None:
        one, two, three, four = await world.userids(4)
        await create(world, [one, two, three], owner=one)
        answer = await update(world, name="新名", owner=two, add_user_list=[four], del_user_list=[one])
        assert answer["errcode"] == 0
        info = await group(world)
        assert (info["name"], info["owner"], info["userlist"]) == ("新名", two, [two, three, four])

    async def test_refused_without_any_change(self, world: World) -> None:
        one, two, three, four = await world.userids(4)
        await create(world, [one, two, three], owner=one)
        before = await group(world)
        assert (await update(world, del_user_list=[one]))["errcode"] == 86005
        assert (await update(world, del_user_list=[four], name="x"))["errcode"] == 86216
        assert (await update(world, add_user_list=["ghost"], name="x"))["errcode"] == 86216
        assert (await update(world, owner=four))["errcode"] == 86207
        assert (await update(world, del_user_list=[two, three]))["errcode"] == 86006
        assert (await update(world, add_user_list=four))["errcode"] == 40058
        assert await group(world) == before


class TestWhoMay:
    async def test_whole_company_must_be_visible(self, world: World) -> None:
        people = await world.userids(2)
        await create(world, people)
        await world.client.set_visible_range(parties=[2, 3])
        for answer in (
            await create(world, people, chatid="other"),
            await update(world, name="x"),
            await world.app("appchat/get", chatid="prj88"),
            await world.app("appchat/send", {"chatid": "prj88"}),
            await world.contacts("appchat/get", chatid="prj88"),
        ):
            assert answer["errcode"] == 48002

    async def test_groups_of_others_and_unknown_groups(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start()
        people = await world.userids(2)
        await create(world, people)
        human = await world.client.create_group(people[0], people[1:], "私下的群")
        assert (await world.call("other", "appchat/get", chatid="prj88"))["errcode"] == 86008
        assert (await world.app("appchat/get", chatid=human["chatid"]))["errcode"] == 86008
        assert (await world.app("appchat/get", chatid="unknown"))["errcode"] == 86003
        await world.stop()


class TestSend:
    async def test_everyone_in_the_group_sees_it(self, world: World) -> None:
        one, two, three = await world.userids(3)
        await create(world, [one, two])
        text = {"content": "周报今天 18:00 前提交", "mentioned_list": [two]}
        answer = await world.app("appchat/send", {"chatid": "prj88", "msgtype": "text", "text": text})
        assert answer == {"errcode": 0, "errmsg": "ok"}
        for userid in (one, two):
            conversation = (await world.client.phone(userid))["conversations"][1]
            assert conversation["title"] == "项目群"
            assert conversation["messages"][0]["text"] == text["content"]
            assert conversation["messages"][0]["mentioned"] == [two]
        assert len((await world.client.phone(three))["conversations"]) == 1

    async def test_types(self, world: World) -> None:
        await create(world, await world.userids(2))

        async def code(**body: object) -> int:
            return int((await world.app("appchat/send", {"chatid": "prj88"} | body))["errcode"])

        assert await code(msgtype="markdown", markdown={"content": "**x**"}) == 0
        assert await code(msgtype="template_card", template_card={}) == 40008
        assert await code(msgtype="text", text={"content": ""}) == 44004

    async def test_textcard_is_cut_by_bytes(self, world: World) -> None:
        await create(world, await world.userids(2))
        card = {"title": "题" * 100, "description": "述" * 600, "url": "https://x.test"}
        await world.app("appchat/send", {"chatid": "prj88", "msgtype": "textcard", "textcard": card})
        body = (await world.client.group("prj88"))["messages"][0]["body"]
        assert (body["title"], body["description"]) == ("题" * 42, "述" * 170)


class TestPeopleInTheClient:
    """People change groups as they like, and the app learns it only by asking."""

    async def test_no_event_for_any_change(self, world: World) -> None:
        one, two, three, four = await world.userids(4)
        await create(world, [one, two, three], owner=one)
        await world.client.leave_group(two, "prj88")
        await world.client.add_to_group("prj88", four)
        await world.client.rename_group("prj88", "吃饭群")
        await world.client.transfer_group("prj88", three)
        await world.client.remove_from_group("prj88", one)
        await world.client.say_in_group("prj88", four, "大家好")
        info = await group(world)
        assert (info["name"], info["owner"], info["userlist"]) == ("吃饭群", three, [three, four])
        await world.client.dismiss_group("prj88")
        assert (await world.app("appchat/get", chatid="prj88"))["errcode"] == 49008
        await world.client.wait_idle()
        assert world.receiver.received == []

    async def test_owner_leaves(self, world: World) -> None:
        one, two, three = await world.userids(3)
        await create(world, [one, two, three], owner=one)
        await world.client.leave_group(one, "prj88")
        assert (await group(world))["owner"] == two
        with pytest.raises(SandboxRefused):
            await world.client.leave_group(one, "prj88")

    async def test_deleted_person_vanishes_and_ownership_passes(self, world: World) -> None:
        one, two, three = await world.userids(3)
        await create(world, [one, two, three], owner=one)
        await world.client.delete_person(one)
        info = await group(world)
        assert (info["owner"], info["userlist"]) == (two, [two, three])
        assert (await update(world, del_user_list=[one]))["errcode"] == 86216

    async def test_renamed_person_stays(self, world: World) -> None:
        one, two = await world.userids(2)
        await create(world, [one, two], owner=one)
        await world.client.rename_userid(one, "renamed")
        assert (await group(world))["owner"] == "renamed"

    async def test_disabled_person_stays(self, world: World) -> None:
        one, two = await world.userids(2)
        await create(world, [one, two], owner=one)
        await world.client.disable(one)
        assert (await group(world))["userlist"] == [one, two]
