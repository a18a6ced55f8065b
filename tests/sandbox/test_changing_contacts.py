import pytest

from tests.sandbox.world import Json, World


def newcomer(userid: str = "newone", **fields: object) -> Json:
    return {"userid": userid, "name": "新同事", "department": [3], "mobile": "13700000001"} | fields


class TestWhoMayWrite:
    async def test_app_may_not(self, world: World) -> None:
        for endpoint in ("user/create", "user/update", "department/create", "department/update"):
            assert (await world.app(endpoint, {}))["errcode"] == 48002
        assert (await world.app("user/delete", userid="x"))["errcode"] == 48002


class TestMembers:
    async def test_create_update_delete(self, world: World) -> None:
        assert (await world.contacts("user/create", newcomer(position="会计")))["errmsg"] == "created"
        assert (await world.app("user/get", userid="newone"))["status"] == 4
        changed = {"userid": "NEWONE", "department": [3, 4], "order": [1, 2], "is_leader_in_dept": [0, 1]}
        assert (await world.contacts("user/update", changed))["errcode"] == 0
        person = await world.app("user/get", userid="newone")
        assert person["department"] == [3, 4]
        assert person["order"] == [1, 2]
        assert person["is_leader_in_dept"] == [0, 1]
        assert person["position"] == "会计"
        assert (await world.contacts("user/delete", userid="newone"))["errcode"] == 0
        assert (await world.app("user/get", userid="newone"))["errcode"] == 60111

    @pytest.mark.parametrize(
        ("fields", "errcode"),
        [
            ({"userid": ""}, 40003),
            ({"userid": "-bad"}, 40003),
            ({"userid": "a" * 65}, 40003),
            ({"name": ""}, 60112),
            ({"mobile": None}, 60129),
            ({"department": None}, 41019),
            ({"department": [99_999]}, 60123),
            ({"department": ["x"]}, 60123),
            ({"is_leader_in_dept": [1, 0]}, 60132),
            ({"position": "长" * 129}, 301012),
            ({"direct_leader": ["nobody"]}, 60111),
        ],
    )
    async def test_refused(self, world: World, fields: Json, errcode: int) -> None:
        assert (await world.contacts("user/create", newcomer() | fields))["errcode"] == errcode

    async def test_taken_whatever_the_case(self, world: World) -> None:
        await world.contacts("user/create", newcomer())
        assert (await world.contacts("user/create", newcomer("NewOne", mobile="1")))["errcode"] == 60102
        assert (await world.contacts("user/create", newcomer("other")))["errcode"] == 60104

    async def test_new_userid_keeps_the_person(self, world: World) -> None:
        await world.contacts("user/create", newcomer())
        await world.send("newone")
        await world.contacts("user/update", {"userid": "newone", "new_userid": "renamed"})
        assert (await world.app("user/get", userid="newone"))["errcode"] == 60111
        assert (await world.last_message("renamed"))["text"] == "你好"

    async def test_mobile_of_an_active_member_is_ignored_silently(self, legacy_world: World) -> None:
        userid = (await legacy_world.userids(1))[0]
        before = (await legacy_world.app("user/get", userid=userid))["mobile"]
        answer = await legacy_world.contacts("user/update", {"userid": userid, "mobile": "13000000000"})
        assert answer["errcode"] == 0
        assert (await legacy_world.app("user/get", userid=userid))["mobile"] == before

    async def test_batch_delete_is_all_or_none(self, world: World) -> None:
        one, two = await world.userids(2)
        refused = await world.contacts("user/batchdelete", {"useridlist": [one, "nobody"]})
        assert refused["errcode"] == 40031
        assert (await world.app("user/get", userid=one))["errcode"] == 0
        assert (await world.contacts("user/batchdelete", {"useridlist": [one, two]}))["errcode"] == 0
        assert (await world.app("user/get", userid=two))["errcode"] == 60111
        many = [f"u{i}" for i in range(201)]
        assert (await world.contacts("user/batchdelete", {"useridlist": many}))["errcode"] == 40032


class TestDepartments:
    async def test_create_update_delete(self, world: World) -> None:
        made = await world.contacts("department/create", {"name": "新部", "parentid": 1, "id": 700, "order": 5})
        assert made["id"] == 700
        assert made["errmsg"] == "created"
        moved = {"id": 700, "name": "改名部", "parentid": 2}
        assert (await world.contacts("department/update", moved))["errcode"] == 0
        department = (await world.app("department/get", id=700))["department"]
        assert (department["name"], department["parentid"], department["order"]) == ("改名部", 2, 5)
        assert (await world.contacts("department/delete", id=700))["errcode"] == 0
        assert (await world.app("department/get", id=700))["errcode"] == 60003

    @pytest.mark.parametrize(
        ("body", "errcode"),
        [
            ({"name": "", "parentid": 1}, 60001),
            ({"name": "长" * 33, "parentid": 1}, 60001),
            ({"name": "a:b", "parentid": 1}, 60009),
            ({"name": "新部", "parentid": 99_999}, 60004),
            ({"name": "新部"}, 60124),
            ({"name": "财务部", "parentid": 1}, 60008),
            ({"name": "新部", "parentid": 1, "id": 2}, 60008),
        ],
    )
    async def test_create_refused(self, world: World, body: Json, errcode: int) -> None:
        assert (await world.contacts("department/create", body))["errcode"] == errcode

    async def test_move_and_delete_refused(self, world: World) -> None:
        below = await world.contacts("department/create", {"name": "下级", "parentid": 2})
        assert (await world.contacts("department/update", {"id": 2, "parentid": below["id"]}))["errcode"] == 60010
        assert (await world.contacts("department/delete", id=1))["errcode"] == 60007
        assert (await world.contacts("department/delete", id=2))["errcode"] == 60005
        for person in await world.client.people(department=2):
            await world.client.move(person["userid"], [3])
        assert (await world.contacts("department/delete", id=2))["errcode"] == 60006

    async def test_fifteen_levels_at_most(self, world: World) -> None:
        parent = 1
        for level in range(14):
            parent = (await world.contacts("department/create", {"name": f"级{level}", "parentid": parent}))["id"]
        assert (await world.contacts("department/create", {"name": "深", "parentid": parent}))["errcode"] == 81002


class TestTags:
    async def test_seeded_tags_are_listed_to_all(self, world: World) -> None:
        tags = (await world.app("tag/list"))["taglist"]
        assert "HR" in [tag["tagname"] for tag in tags]
        hr = await world.app("tag/get", tagid=1)
        assert hr["tagname"] == "HR"
        assert set(hr["userlist"][0]) == {"userid", "name"}

    async def test_own_tag_with_partial_failure(self, world: World) -> None:
        one, two = await world.userids(2)
        tag_id = (await world.app("tag/create", {"tagname": "项目甲"}))["tagid"]
        body = {"tagid": tag_id, "userlist": [one, two, "ghost", "ghost2"], "partylist": [3, 99_999]}
        added = await world.app("tag/addtagusers", body)
        assert (added["errcode"], added["errmsg"]) == (0, "ok")
        assert added["invalidlist"] == "ghost|ghost2"
        assert added["invalidparty"] == [99_999]
        removed = await world.app("tag/deltagusers", {"tagid": tag_id, "userlist": [one]})
        assert removed["errmsg"] == "deleted"
        members = await world.app("tag/get", tagid=tag_id)
        assert [person["userid"] for person in members["userlist"]] == [two]
        assert members["partylist"] == [3]

    async def test_refused(self, world: World) -> None:
        tag_id = (await world.app("tag/create", {"tagname": "甲"}))["tagid"]
        assert (await world.app("tag/create", {"tagname": "甲"}))["errcode"] == 40071
        assert (await world.app("tag/create", {"tagname": "长" * 33}))["errcode"] == 40072
        assert (await world.app("tag/addtagusers", {"tagid": tag_id}))["errcode"] == 40035
        bad = {"tagid": tag_id, "userlist": ["ghost"]}
        assert (await world.app("tag/addtagusers", bad))["errcode"] == 40070
        assert (await world.app("tag/deltagusers", bad))["errcode"] == 40031
        assert (await world.app("tag/addtagusers", {"tagid": 1, "userlist": ["x"]}))["errcode"] == 81011
        assert (await world.contacts("tag/delete", tagid=tag_id))["errcode"] == 81011
        assert (await world.app("tag/delete", tagid=tag_id))["errcode"] == 0
        assert (await world.app("tag/get", tagid=tag_id))["errcode"] == 40068


class TestFieldForms:
    @pytest.mark.parametrize(
        ("field", "value", "errcode"),
        [
            ("mobile", "not a number", 60103),
            ("email", "a@b", 60105),
            ("telephone", "call me", 301013),
            ("alias", "长" * 65, 40058),
            ("biz_mail", "nobody", 60143),
        ],
    )
    async def test_each_field_has_its_own_code(self, world: World, field: str, value: str, errcode: int) -> None:
        body = {"userid": "newone", "name": "新同事", "department": [3], "mobile": "+86 13700000001", field: value}
        assert (await world.contacts("user/create", body))["errcode"] == errcode

    async def test_the_api_changes_a_userid_once(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        first = await world.contacts("user/update", {"userid": userid, "new_userid": "second"})
        again = await world.contacts("user/update", {"userid": "second", "new_userid": "third"})
        assert (first["errcode"], again["errcode"]) == (0, 301036)

    async def test_a_limit_on_writes_can_be_set(self, world: World) -> None:
        """300 a minute circulates; the documentation knows nothing of it."""
        await world.client.change_limits(contact_writes_per_minute=1)
        body = {"name": "新部门", "parentid": 1}
        assert (await world.contacts("department/create", body))["errcode"] == 0
        assert (await world.contacts("department/create", body | {"name": "又一个"}))["errcode"] == 45009

    async def test_accounts_are_created_three_times_the_limit_a_month(self, world: World) -> None:
        await world.client.configure(account_limit=1)
        codes = []
        for number in range(4):
            body = {"userid": f"new{number}", "name": "新", "department": [3], "mobile": f"1370000000{number}"}
            codes.append((await world.contacts("user/create", body))["errcode"])
        assert codes == [0, 0, 0, 45009]
