"""A notice to many: everybody presses 收到 while nobody works, and then all of it is absorbed."""

from __future__ import annotations

from collections import Counter

from tests.journeys.cast import CAST
from tests.journeys.world import World


async def told_department(world: World) -> tuple[str, list[str]]:
    body = {"title": "请确认", "body": "内容", "author": CAST.head, "audience": {"departments": [8]}}
    published = await world.post("/announcements", body)
    await world.settled()
    receipts = await world.every(f"/announcements/{published['id']}/receipts")
    return published["id"], [row["person"] for row in receipts if row["card"] == "sent"]


class TestEverybodyAtOnce:
    """F65, D2: receipts are absorbed in sets."""

    async def test_all_are_confirmed_all_cards_show_it_and_few_calls_are_made(self, world: World) -> None:
        announcement, people = await told_department(world)
        await world.stop_workers()
        pressed = [await world.press(userid, f"announcement.confirm:{announcement}") for userid in people]
        # Some press again before anything has changed on their phones.
        for phone in pressed[:3]:
            await world.sandbox.click(phone.userid, phone.task_id, f"announcement.confirm:{announcement}")
        await world.sandbox.wait_idle()

        world.start_worker()
        await world.settled()

        seen = await world.get(f"/announcements/{announcement}")
        assert seen["receipts"]["confirmed"] == len(people) > 8
        assert {(await world.again(phone)).face for phone in pressed} == {"已确认"}
        confirmed = [one for one in await world.every("/audit") if one["action"] == "announcement.confirmed"]
        assert Counter(one["actor"] for one in confirmed).most_common(1)[0][1] == 1
        assert len(confirmed) == len(people)
        [update] = await world.every("/deliveries/calls", kind="message/update_template_card")
        assert update["state"] == "done"
        [made] = await world.sandbox.calls("message/update_template_card")
        assert sorted(made["body"]["userids"]) == sorted(people)
