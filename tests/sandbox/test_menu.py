import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World

CLICK = {"type": "click", "name": "帮助", "key": "HELP"}


class TestMenu:
    """One to three entries, two levels, names and keys of limited length (doc path/90231)."""

    async def create(self, world: World, *buttons: Json) -> int:
        answer = await world.app("menu/create", {"button": list(buttons)}, agentid=world.config.agent_id)
        return int(answer["errcode"])

    async def test_created_read_and_deleted(self, world: World) -> None:
        agent = world.config.agent_id
        assert (await world.app("menu/get", agentid=agent))["errcode"] == 46003
        assert await self.create(world, CLICK) == 0
        assert (await world.app("menu/get", agentid=agent))["button"] == [CLICK]
        assert (await world.app("menu/delete", agentid=agent))["errcode"] == 0
        assert (await world.app("menu/get", agentid=agent))["errcode"] == 46003

    async def test_refused(self, world: World) -> None:
        sub = {"name": "群", "sub_button": [CLICK]}
        assert await self.create(world) == 40016
        assert await self.create(world, *[CLICK] * 4) == 40016
        assert await self.create(world, sub | {"sub_button": [CLICK] * 6}) == 40023
        assert await self.create(world, sub | {"sub_button": [sub]}) == 40022
        assert await self.create(world, CLICK | {"name": "六个汉字名称"}) == 40018
        assert await self.create(world, sub | {"sub_button": [CLICK | {"name": "长" * 14}]}) == 40025
        assert await self.create(world, CLICK | {"key": "k" * 129}) == 40019
        assert await self.create(world, {"type": "view", "name": "看", "url": "u" * 1_025}) == 40020
        assert await self.create(world, CLICK | {"type": "dance"}) == 40017

    async def test_an_entry_that_is_not_there(self, world: World) -> None:
        with pytest.raises(SandboxRefused):
            await world.client.menu_click((await world.userids(1))[0], "HELP")

    async def test_of_another_app(self, world: World) -> None:
        assert (await world.app("menu/get", agentid=5))["errcode"] == 40056
        assert (await world.app("menu/get"))["errcode"] == 41011
        assert (await world.contacts("menu/get", agentid=world.config.agent_id))["errcode"] == 48002
