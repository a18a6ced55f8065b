"""Workers are killed and stay away over a day of deadlines: afterwards everybody has one message, and nobody two.

Policy 13, F77: what falls due together reaches a person in one message.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.journeys.cast import CAST
from tests.journeys.moments import monday, tuesday
from tests.journeys.world import World

EVERYBODY = (CAST.head, CAST.applicant, *CAST.team, CAST.president)
TITLES = ("周五前完成新品验收", "下午盘点")


async def counts(world: World) -> dict[str, int]:
    """How many messages each of them has got."""
    return {
        userid: len([one for one in await world.sandbox.app_messages(userid) if not one["mine"]])
        for userid in EVERYBODY
    }


async def new_since(world: World, before: dict[str, int]) -> dict[str, int]:
    return {userid: number - before[userid] for userid, number in (await counts(world)).items()}


async def deadlines(world: World) -> None:
    """Two notices and a task of the team, all due before Tuesday evening; the cards have arrived."""
    for title in TITLES:
        body = {"title": title, "body": "请逐项确认。", "class": "urgent", "author": CAST.applicant}
        await world.post("/announcements", body | {"audience": {"people": [*CAST.team]}})
    task = {"title": "整理验收单", "acceptance": "全部勾选", "assigner": CAST.head, "owner": CAST.applicant}
    await world.post("/tasks", task | {"collaborators": [], "due_at": monday(18).isoformat()})
    await world.settled()


async def test_one_message_for_each_person_after_a_day_without_workers(world: World) -> None:
    await deadlines(world)
    before = await counts(world)

    await world.kill_workers()
    world.advance(tuesday(19) - world.clock.now())
    for turn in range(4):
        # Each dies a little later in the middle of it.
        world.start_worker()
        await asyncio.sleep(0.05 * turn)
        await world.kill_workers()
    world.start_worker()
    await world.settled()
    await world.pass_time(timedelta(minutes=2))

    told = await new_since(world, before)
    assert told == {CAST.head: 1, CAST.applicant: 1, CAST.president: 0} | dict.fromkeys(CAST.team, 1)
    for userid in CAST.team:
        text = (await world.texts(userid))[-1]
        assert all(text.count(f"通知“{title}”请在卡片上点“收到”") == 1 for title in TITLES)
    lists = (await world.texts(CAST.applicant))[-1]
    assert lists.startswith("有 3 件事请您留意：")
    assert all(lists.count(f"通知“{title}”已到截止时间：3 人中 0 人已确认") == 1 for title in TITLES)
    assert "“整理验收单”已逾期" in lists
    assert "责任人 陈蕾悦" in (await world.texts(CAST.head))[-1]

    # First the reminder, then the superior: half an hour later, in one message about both notices.
    await world.pass_time(timedelta(minutes=32))
    told = await new_since(world, before)
    assert told == {CAST.head: 2, CAST.applicant: 1, CAST.president: 0} | dict.fromkeys(CAST.team, 1)
    to_the_head = (await world.texts(CAST.head))[-1]
    assert all(to_the_head.count(f"您的 3 位同事未确认通知“{title}”") == 1 for title in TITLES)
