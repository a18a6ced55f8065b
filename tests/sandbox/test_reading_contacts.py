from tests.sandbox.world import World

PERSONAL = {"gender", "mobile", "email", "biz_mail", "avatar", "qr_code", "address", "thumb_avatar"}


class TestWhoMayRead:
    """The contacts credential of after 2022-08 reads ids only; the app reads no personal fields."""

    async def test_contacts_credential_gets_48009_for_details(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        for answer in (
            await world.contacts("user/get", userid=userid),
            await world.contacts("user/list", department_id=2),
            await world.contacts("user/simplelist", department_id=2),
            await world.contacts("department/list"),
            await world.contacts("department/get", id=2),
        ):
            assert answer["errcode"] == 48009

    async def test_contacts_credential_reads_ids(self, world: World) -> None:
        assert (await world.contacts("department/simplelist"))["department_id"]
        assert (await world.contacts("user/list_id", {}))["dept_user"]

    async def test_app_gets_no_personal_fields(self, world: World) -> None:
        answer = await world.app("user/get", userid=(await world.userids(1))[0])
        assert answer["errcode"] == 0
        assert answer["name"]
        assert not PERSONAL & set(answer)

    async def test_a_further_app_has_an_age_of_its_own(self) -> None:
        old = {"agent_id": 1_000_003, "secret": "old", "created_after_2022": False}
        world = await World(extra_apps=[old, {"agent_id": 1_000_004, "secret": "new"}]).start(listening=False)
        userid = (await world.userids(1))[0]
        for agent_id in 1_000_003, 1_000_004:
            await world.client.set_visible_range(parties=[1], agent_id=agent_id)
        assert set(await world.call("old", "user/get", userid=userid)) >= PERSONAL
        assert not PERSONAL & set(await world.call("new", "user/get", userid=userid))
        await world.stop()

    async def test_older_app_and_older_contacts_address_read_everything(self, legacy_world: World) -> None:
        userid = (await legacy_world.userids(1))[0]
        assert set(await legacy_world.app("user/get", userid=userid)) >= PERSONAL
        assert set(await legacy_world.contacts("user/get", userid=userid)) >= PERSONAL

    async def test_app_may_not_list_ids(self, world: World) -> None:
        assert (await world.app("user/list_id", {}))["errcode"] == 48002


class TestDepartments:
    async def test_three_shapes(self, world: World) -> None:
        assert isinstance((await world.app("department/list"))["department"], list)
        assert isinstance((await world.app("department/simplelist"))["department_id"], list)
        one = (await world.app("department/get", id=1))["department"]
        assert one["name"] == world.config.company_name
        assert one["parentid"] == 0

    async def test_subtree(self, world: World) -> None:
        made = await world.client.create_department("下级", 2)
        rows = (await world.app("department/simplelist", id=2))["department_id"]
        assert [row["id"] for row in rows] == [2, made["id"]]

    async def test_unknown(self, world: World) -> None:
        assert (await world.app("department/get", id=99_999))["errcode"] == 60003


class TestMembers:
    async def test_userid_has_no_case(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        assert (await world.app("user/get", userid=userid.upper()))["userid"] == userid

    async def test_unknown_and_missing(self, world: World) -> None:
        assert (await world.app("user/get", userid="nobody"))["errcode"] == 60111
        assert (await world.app("user/get"))["errcode"] == 41009

    async def test_list_is_direct_members_only(self, world: World) -> None:
        made = await world.client.create_department("下级", 2)
        await world.client.hire("below", "张下", [made["id"]])
        for endpoint in ("user/list", "user/simplelist"):
            rows = (await world.app(endpoint, department_id=2, fetch_child=1))["userlist"]
            assert rows
            assert "below" not in [row["userid"] for row in rows]

    async def test_larger_order_comes_first(self, world: World) -> None:
        made = await world.client.create_department("新部门", 1)
        for userid, order in (("a1", 0), ("b1", 9), ("c1", 0)):
            await world.client.hire(userid, "王某", [made["id"]], order=[order])
        rows = (await world.app("user/simplelist", department_id=made["id"]))["userlist"]
        assert [row["userid"] for row in rows] == ["b1", "a1", "c1"]


class TestListId:
    """One row per person and department; an empty cursor ends it (doc path/96067)."""

    async def pages(self, world: World, limit: int) -> list[tuple[str, int]]:
        cursor, rows = "", []
        while True:
            answer = await world.contacts("user/list_id", {"cursor": cursor, "limit": limit})
            rows += [(row["userid"], row["department"]) for row in answer["dept_user"]]
            cursor = answer["next_cursor"]
            if not cursor:
                return rows

    async def test_every_row_once_whatever_the_page(self, world: World) -> None:
        await world.client.move((await world.userids(1))[0], [2, 3, 4])
        people = await world.client.people()
        expected = [(person["userid"], d) for person in people for d in person["department"]]
        for limit in (1, 2, 7, 10_000):
            assert await self.pages(world, limit) == expected

    async def test_paging_goes_on_when_people_leave(self, world: World) -> None:
        first = await world.contacts("user/list_id", {"limit": 10})
        await world.client.delete_person(first["dept_user"][0]["userid"])
        await world.client.delete_person(first["dept_user"][-1]["userid"])
        second = await world.contacts("user/list_id", {"limit": 10_000, "cursor": first["next_cursor"]})
        seen = {row["userid"] for row in first["dept_user"] + second["dept_user"]}
        assert seen >= {person["userid"] for person in await world.client.people()}

    async def test_bad_cursor(self, world: World) -> None:
        assert (await world.contacts("user/list_id", {"cursor": "made-up"}))["errcode"] == 50100


class TestVisibleRange:
    """An app sees its range only, and the parents of the range are not in the answer."""

    async def test_one_department(self, world: World) -> None:
        await world.client.set_visible_range(parties=[3])
        rows = (await world.app("department/list"))["department"]
        assert [row["id"] for row in rows] == [3]
        assert rows[0]["parentid"] == 1
        assert (await world.app("department/get", id=2))["errcode"] == 60011
        assert (await world.app("user/list", department_id=2))["errcode"] == 60011
        stranger = (await world.client.people(department=2))[0]["userid"]
        assert (await world.app("user/get", userid=stranger))["errcode"] == 60111

    async def test_people_and_tags_in_the_range(self, world: World) -> None:
        one, two = (await world.client.people(department=4))[0]["userid"], "taggedone"
        await world.client.hire(two, "李签", [5])
        tag = await world.client.create_tag("可见")
        await world.client.add_to_tag(tag["id"], [two])
        await world.client.set_visible_range(users=[one], tags=[tag["id"]])
        assert (await world.app("user/get", userid=one))["errcode"] == 0
        assert (await world.app("user/get", userid=two))["errcode"] == 0
        assert (await world.app("department/list"))["department"] == []

    async def test_agent_tells_the_range(self, world: World) -> None:
        await world.client.set_visible_range(parties=[3], tags=[1])
        answer = await world.app("agent/get", agentid=world.config.agent_id)
        assert answer["allow_partys"] == {"partyid": [3]}
        assert answer["allow_tags"] == {"tagid": [1]}
        assert answer["allow_userinfos"] == {"user": []}
        assert answer["close"] == 0

    async def test_departments_of_others_are_hidden_in_members(self, world: World) -> None:
        await world.client.hire("both", "赵两", [3, 4])
        await world.client.set_visible_range(parties=[3])
        assert (await world.app("user/get", userid="both"))["department"] == [3]
