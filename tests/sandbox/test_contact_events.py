from tests.sandbox.world import Received, World


async def heard(world: World, change: str) -> list[Received]:
    await world.client.wait_idle()
    return [r for r in world.receiver.events(change) if r.path == "/contacts"]


def elements(received: Received) -> set[str]:
    header = {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "ChangeType"}
    return {child.tag for child in received.event} - header


class TestNewerProfile:
    """An address set after 2022-08-15 gets ids, and hears only of departments and userids."""

    async def test_create_update_delete(self, world: World) -> None:
        await world.client.hire("newone", "新同事", [3])
        await world.client.move("newone", [3, 4])
        await world.client.rename_userid("newone", "renamed")
        await world.client.delete_person("renamed")
        (created,), updated = await heard(world, "create_user"), await heard(world, "update_user")
        assert elements(created) == {"UserID", "Department"}
        assert [elements(u) for u in updated] == [{"UserID", "Department"}, {"UserID", "Department", "NewUserID"}]
        assert updated[0].text("Department") == "3,4"
        assert (updated[1].text("UserID"), updated[1].text("NewUserID")) == ("newone", "renamed")
        (deleted,) = await heard(world, "delete_user")
        assert elements(deleted) == {"UserID"}
        assert deleted.text("FromUserName") == "sys"

    async def test_everything_else_is_silent(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.set_name(userid, "改名")
        await world.client.set_fields(userid, position="总监", is_leader_in_dept=[0, 0])
        await world.client.disable(userid)
        assert await heard(world, "update_user") == []

    async def test_departments(self, world: World) -> None:
        made = await world.client.create_department("新部", 1)
        await world.client.rename_department(made["id"], "改名部")
        await world.client.move_department(made["id"], 2)
        await world.client.delete_department(made["id"])
        (created,) = await heard(world, "create_party")
        assert elements(created) == {"Id", "ParentId"}
        (moved,) = await heard(world, "update_party")
        assert moved.text("ParentId") == "2"
        assert elements((await heard(world, "delete_party"))[0]) == {"Id"}

    async def test_tags(self, world: World) -> None:
        one, two = await world.userids(2)
        tag = await world.client.create_tag("甲")
        await world.client.add_to_tag(tag["id"], [one, two], [3])
        await world.client.remove_from_tag(tag["id"], [one])
        added, removed = await heard(world, "update_tag")
        assert added.text("AddUserItems") == f"{one},{two}"
        assert added.text("AddPartyItems") == "3"
        assert removed.text("DelUserItems") == one
        assert removed.text("AddUserItems") == ""


class TestOlderProfile:
    """`legacy_full`: all fields, and every change."""

    async def test_full_fields(self, legacy_world: World) -> None:
        attrs = {"attrs": [{"type": 0, "name": "工号", "text": {"value": "B-17"}}]}
        await legacy_world.client.hire("newone", "新同事", [3], position="会计", extattr=attrs)
        (created,) = await heard(legacy_world, "create_user")
        assert created.text("Name") == "新同事"
        assert created.text("IsLeaderInDept") == "0"
        assert created.text("ExtAttr/Item/Text/Value") == "B-17"

    async def test_changed_fields_are_named(self, legacy_world: World) -> None:
        userid = (await legacy_world.userids(1))[0]
        await legacy_world.client.set_name(userid, "改名")
        await legacy_world.client.disable(userid)
        renamed, disabled = await heard(legacy_world, "update_user")
        assert renamed.text("Name") == "改名"
        assert renamed.event.find("Status") is None
        assert disabled.text("Status") == "2"

    async def test_renamed_department(self, legacy_world: World) -> None:
        await legacy_world.client.rename_department(3, "人才部")
        (renamed,) = await heard(legacy_world, "update_party")
        assert renamed.text("Name") == "人才部"


class TestNoEcho:
    """What the contacts credential does itself is not called back to it."""

    async def test_api_changes_are_silent_on_the_contacts_channel(self, world: World) -> None:
        body = {"userid": "newone", "name": "新同事", "department": [3], "mobile": "13700000001"}
        await world.contacts("user/create", body)
        await world.contacts("department/create", {"name": "新部", "parentid": 1})
        await world.contacts("user/delete", userid="newone")
        await world.client.wait_idle()
        assert [r for r in world.receiver.received if r.path == "/contacts"] == []


class TestSubscribe:
    """The app hears who enters and leaves its visible range, and nothing else of the contacts."""

    async def names(self, world: World, event: str) -> list[str]:
        await world.client.wait_idle()
        found = [r for r in world.receiver.events(event) if r.path == "/app"]
        assert all(r.text("AgentID") == str(world.config.agent_id) for r in found)
        return [r.text("FromUserName") for r in found]

    async def test_joining_and_leaving_the_company(self, world: World) -> None:
        await world.client.hire("early", "先到", [3], active=False)
        assert await self.names(world, "subscribe") == []
        await world.client.activate("early")
        assert await self.names(world, "subscribe") == ["early"]
        await world.client.disable("early")
        await world.client.enable("early")
        await world.client.delete_person("early")
        assert await self.names(world, "unsubscribe") == ["early", "early"]
        assert await self.names(world, "subscribe") == ["early", "early"]

    async def test_moving_in_and_out_of_the_range(self, world: World) -> None:
        await world.client.hire("mover", "走动", [4])
        await world.client.set_visible_range(parties=[3])
        before = len(await self.names(world, "unsubscribe"))
        assert before > 10
        await world.client.move("mover", [3])
        await world.client.move("mover", [4])
        assert (await self.names(world, "subscribe"))[-1] == "mover"
        assert len(await self.names(world, "unsubscribe")) == before + 1

    async def test_a_department_moves_into_the_range(self, world: World) -> None:
        made = await world.client.create_department("下级", 4)
        await world.client.hire("inside", "内里", [made["id"]])
        await world.client.set_visible_range(parties=[3])
        await world.client.move_department(made["id"], 3)
        assert (await self.names(world, "subscribe"))[-1] == "inside"

    async def test_change_contact_never_reaches_the_app(self, world: World) -> None:
        await world.client.hire("newone", "新同事", [3])
        await world.client.wait_idle()
        assert [r for r in world.receiver.events("change_contact") if r.path == "/app"] == []
