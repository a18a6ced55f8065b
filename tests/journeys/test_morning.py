"""3.6: "Each morning everybody gets one digest of what still waits for them." And nobody gets two."""

from __future__ import annotations

from tests.journeys.cast import CAST
from tests.journeys.moments import tuesday, wednesday
from tests.journeys.test_task import OWNER, TITLE, assign
from tests.journeys.world import World

HEADING = "【今日待办】"


async def digests(world: World, userid: str) -> list[str]:
    return [text for text in await world.texts(userid) if text.startswith(HEADING)]


class TestMorning:
    async def test_what_waits_is_told_in_the_morning_and_no_more_when_it_is_done(self, world: World) -> None:
        task = await assign(world, due_at=wednesday(18))
        await world.press(OWNER, f"task.accept:{task['id']}")
        await world.be(tuesday(8, 39))
        assert await digests(world, OWNER) == []

        await world.be(tuesday(8, 41))

        [told] = await digests(world, OWNER)
        assert TITLE in told
        assert await digests(world, CAST.newcomer) == []

        await world.press(OWNER, f"task.done:{task['id']}")
        await world.be(wednesday(8, 41))
        assert await digests(world, OWNER) == [told]

    async def test_a_worker_that_is_killed_over_the_moment_tells_it_once(self, world: World) -> None:
        await assign(world, due_at=wednesday(18))
        await world.kill_workers()
        world.clock.set(tuesday(8, 41))
        world.start_worker()
        await world.kill_workers()
        world.clock.set(tuesday(9, 30))
        world.start_worker()
        await world.settled()
        assert len(await digests(world, OWNER)) == 1
