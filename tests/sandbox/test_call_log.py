import re

from sandbox.pages.call_log import ROWS
from sandbox.pages.directory import headcount
from tests.sandbox.world import World


class TestCallLog:
    async def test_calls_are_remembered_without_secrets(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.send(userid)
        (call,) = await world.client.calls("message/send")
        assert call["body"]["touser"] == userid
        assert (call["app"], call["errcode"]) == (str(world.config.agent_id), 0)
        tokens = await world.client.calls("gettoken")
        assert "corpsecret" not in tokens[0]["query"]

    async def test_a_call_stopped_before_its_effect_is_logged_under_its_caller(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.fail("user/get", errcode=-1)
        await world.app("user/get", userid=userid)
        await world.contacts("user/get", userid=userid)
        unknown = await world.http.get("/cgi-bin/user/get", params={"access_token": "never-issued", "userid": userid})
        assert unknown.json()["errcode"] == 40014
        callers = [call["app"] for call in await world.client.calls("user/get")]
        assert callers == [str(world.config.agent_id), "contacts", None]


async def shown(world: World, path: str = "/admin/calls", **query: str) -> tuple[list[str], str | None]:
    """The calls on a page of the log, and the address of the next page."""
    page = (await world.http.get(path, params=query or None)).text
    older = re.search(r'href="([^"]*before=[0-9]+)"', page)
    return re.findall(r'data-k="call-([0-9]+)"', page), older[1].replace("&amp;", "&") if older else None


class TestLookingThroughIt:
    async def test_pages_hold_every_call_once_also_while_new_ones_come(self, world: World) -> None:
        for number in range(2 * ROWS + 5):
            await world.app("user/get", userid=f"nobody{number}")
        total = world.state.calls_so_far
        seen, older = await shown(world)
        while older:
            await world.app("user/get", userid="somebody-else")
            numbers, older = await shown(world, older)
            seen += numbers
        assert seen == [str(number) for number in range(total, 0, -1)]

    async def test_by_text_errcode_endpoint_and_all_of_them(self, world: World) -> None:
        (userid,) = await world.userids(1)
        await world.send(userid, text={"content": "请查收：季度报表"})
        await world.send("ghost", text={"content": "季度报表"})
        await world.app("user/get", userid="ghost")
        await world.http.get("/cgi-bin/linkedcorp/agent/get_perm_list")

        async def endpoints(**query: str) -> list[str]:
            numbers, _older = await shown(world, **query)
            by_number = {str(call["id"]): call for call in world.state.calls}
            return [by_number[number]["endpoint"] for number in numbers]

        assert await endpoints(q="季度报表") == ["message/send"] * 2
        assert await endpoints(q="季度报表", errcode="81013") == ["message/send"]
        assert await endpoints(errcode="60111") == ["user/get"]
        assert await endpoints(endpoint="linkedcorp/agent/get_perm_list") == ["linkedcorp/agent/get_perm_list"]
        assert await endpoints(q="GHOST", endpoint="user/get", only="bad") == ["user/get"]
        assert await endpoints(q="nowhere") == []
        assert await endpoints(q="50% & <b>", errcode="no number") == []


class TestHeadcount:
    async def test_somebody_with_two_places_is_one_person_of_the_company(self, world: World) -> None:
        (userid,) = await world.userids(1)
        person = world.state.company.person(userid)
        elsewhere = next(d for d in world.state.company.departments if d not in {1, *person.departments})
        places = [*person.departments, elsewhere]
        changed = {"department": places, "is_leader_in_dept": [0] * len(places)}
        assert (await world.http.patch(f"/sandbox/people/{userid}", json=changed)).status_code == 200
        counts = headcount(world.state)
        assert counts[1] == len(world.state.company.people)
        assert counts[elsewhere] >= 1
