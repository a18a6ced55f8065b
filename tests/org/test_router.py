"""The organisation over REST."""

from __future__ import annotations

from models.org import PersonStatus
from tests.sync.world import Rest, World


class TestMembers:
    async def test_a_page_of_members_and_the_next(self, world: World, rest: Rest) -> None:
        await world.sync()
        seen: list[str] = []
        cursor = None
        while True:
            page = await rest.get("members", limit=25, **({"cursor": cursor} if cursor else {}))
            seen += [item["userid"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(person["userid"] for person in await world.sandbox.people())

    async def test_filters(self, world: World, rest: Rest) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[12]
        by_name = await rest.get("members", q=someone["name"])
        by_userid = await rest.get("members", q=someone["userid"].upper())
        inside = await rest.get("members", department=someone["department"][0])
        for page in (by_name, by_userid, inside):
            assert someone["userid"] in {item["userid"] for item in page["items"]}
        assert (await rest.get("members", status="left"))["items"] == []
        assert (await rest.get("members", updated_since="2099-01-01T00:00:00Z"))["items"] == []

    async def test_one_member_in_any_spelling(self, world: World, rest: Rest) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[0]
        member = await rest.get(f"members/{someone['userid'].upper()}")
        assert member["userid"] == someone["userid"]
        assert {place["department_id"] for place in member["departments"]} == set(someone["department"])
        assert any(place["is_leader"] for place in member["departments"])

    async def test_nobody(self, rest: Rest) -> None:
        assert (await rest.get("members/nobody", expect=404))["type"].endswith("member-not-found")

    async def test_changes(self, world: World, rest: Rest) -> None:
        await world.sync()
        someone = (await world.userids(status=PersonStatus.ACTIVE))[0]
        await world.sandbox.set_name(someone, "新名字")
        await world.sync()
        page = await rest.get(f"members/{someone}/changes")
        assert [item["change"] for item in page["items"]] == ["updated", "created"]
        assert page["items"][0]["after"] == {"name": "新名字"}


class TestDepartments:
    async def test_flat_nested_and_one(self, world: World, rest: Rest) -> None:
        await world.sync()
        flat = await rest.get("departments")
        (top,) = (await rest.get("departments/tree"))["items"]
        assert len(flat["items"]) == 11
        assert (top["id"], top["name"]) == (1, "华信远景科技有限公司")
        assert len(top["children"]) == 9
        assert (await rest.get("departments/1"))["name"] == top["name"]
        assert await rest.get("departments/99999", expect=404)
