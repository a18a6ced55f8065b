"""A task: assigned in its group, accepted, reported, done, followed up (policy 4.1 to 4.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.journeys.cast import CAST
from tests.journeys.moments import monday, tuesday, wednesday
from tests.journeys.world import World

OWNER, HELPER = CAST.team[0], CAST.team[1]
TITLE = "整理新品验收单"


async def assign(world: World, *, due_at: datetime, group: dict[str, Any] | None = None) -> dict[str, Any]:
    return await world.post(
        "/tasks",
        {
            "title": TITLE,
            "acceptance": "验收单全部勾选并上传",
            "assigner": CAST.applicant,
            "owner": OWNER,
            "collaborators": [HELPER],
            "group": group["id"] if group else None,
            "due_at": due_at.isoformat(),
        },
    )


async def kinds(world: World, task: dict[str, Any]) -> list[str]:
    return [entry["kind"] for entry in (await world.get(f"/tasks/{task['id']}"))["entries"]]


async def reminders(world: World, userid: str, words: str) -> int:
    return sum(words in text for text in await world.texts(userid))


class TestAssigned:
    """Policy 4.1: a task names the responsible person, collaborators, a deadline, and what counts as done."""

    async def test_it_is_published_in_its_group_and_the_owner_gets_the_card(self, world: World) -> None:
        group = await world.group()

        task = await assign(world, due_at=wednesday(18), group=group)
        card = await world.card_with(OWNER, f"task.accept:{task['id']}")
        await world.settled()

        [said] = [text for text in await world.said_in(group) if TITLE in text]
        for words in ("责任人：程琳丹", "协作人：谢健", "03-04 18:00", "完成标准：验收单全部勾选并上传", "陈蕾悦"):
            assert words in said
        assert "完成标准：验收单全部勾选并上传" in card.text
        assert "4.2" in card.text, "accepting is asked for by this clause"
        assert await world.told(HELPER, "请您协作")

    async def test_from_acceptance_to_done_the_card_says_how_it_stands(self, world: World) -> None:
        task = await assign(world, due_at=wednesday(18))

        await world.press(OWNER, f"task.accept:{task['id']}")
        await world.field(f"/tasks/{task['id']}", "state", "accepted")
        assert await world.told(CAST.applicant, "已接受任务")
        await world.press(OWNER, f"task.progress:{task['id']}")
        await world.field(f"/tasks/{task['id']}", "progress", 50)
        card = await world.press(OWNER, f"task.done:{task['id']}")
        done = await world.field(f"/tasks/{task['id']}", "state", "done")
        await world.settled()

        assert (done["progress"], done["late"]) == (100, False)
        assert await kinds(world, task) == ["assigned", "accepted", "progressed", "done"]
        assert (await world.again(card)).face == "已完成"
        assert await world.told(CAST.applicant, "请核对")


class TestAcceptedInTime:
    """Policy 4.2: acknowledge within 30 minutes of working time; if it cannot be done, say so."""

    async def test_who_has_not_accepted_after_thirty_minutes_is_reminded_once(self, world: World) -> None:
        task = await assign(world, due_at=wednesday(18))
        await world.settled()

        await world.be(monday(9, 29))
        assert await reminders(world, OWNER, "还没有接受") == 0
        await world.be(monday(9, 31))
        assert await reminders(world, OWNER, "还没有接受") == 1
        await world.be(monday(15))

        assert await reminders(world, OWNER, "还没有接受") == 1
        assert (await kinds(world, task)).count("reminded") == 1

    async def test_who_accepts_is_not_reminded(self, world: World) -> None:
        task = await assign(world, due_at=wednesday(18))
        await world.press(OWNER, f"task.accept:{task['id']}")
        await world.settled()

        await world.be(monday(12))

        assert await reminders(world, OWNER, "还没有接受") == 0

    async def test_a_difficulty_reaches_the_assigner_and_the_owner_goes_on_afterwards(self, world: World) -> None:
        """Policy 4.3: ask for help when stuck."""
        task = await assign(world, due_at=wednesday(18))
        await world.press(OWNER, f"task.accept:{task['id']}")
        await world.field(f"/tasks/{task['id']}", "state", "accepted")

        await world.press(OWNER, f"task.blocked:{task['id']}")
        await world.field(f"/tasks/{task['id']}", "state", "blocked")
        assert await world.told(CAST.applicant, "遇到困难")
        await world.press(OWNER, f"task.accept:{task['id']}")

        await world.field(f"/tasks/{task['id']}", "state", "accepted")
        assert await world.told(CAST.applicant, "困难已解决")


class TestOverdue:
    """Policy 4.4: overdue goes to the superior, then the department head."""

    async def test_overdue_is_told_upwards_rung_by_rung(self, world: World) -> None:
        task = await assign(world, due_at=monday(17))
        await world.press(OWNER, f"task.accept:{task['id']}")
        await world.settled()

        await world.be(monday(15, 1))
        assert await reminders(world, OWNER, "到期") == 1, "two working hours before"
        await world.be(monday(17, 1))
        assert "已逾期" in await world.told(CAST.applicant, "已逾期")
        assert await world.told(OWNER, "已逾期")
        assert await reminders(world, CAST.head, "请督促或协助解决") == 1
        await world.be(tuesday(18, 1))

        assert (await kinds(world, task)).count("escalated") == 2
        late = await world.post(f"/tasks/{task['id']}/done", {"person": OWNER})
        assert late["late"] is True

    async def test_what_is_done_in_time_is_told_to_nobody_above(self, world: World) -> None:
        task = await assign(world, due_at=monday(17))
        await world.press(OWNER, f"task.done:{task['id']}")
        await world.field(f"/tasks/{task['id']}", "state", "done")

        await world.be(wednesday(18))

        assert await world.texts(CAST.head) == []
        assert await reminders(world, OWNER, "到期") == 0


class TestWhoMay:
    """Policy 4.1: the responsible person accepts and completes; 4.3: collaborators report."""

    async def test_others_are_refused_and_nothing_changes(self, world: World) -> None:
        task = await assign(world, due_at=wednesday(18))

        await world.post(f"/tasks/{task['id']}/accept", {"person": HELPER}, status=403)
        await world.post(f"/tasks/{task['id']}/progress", {"person": CAST.stranger, "progress": 90}, status=403)
        await world.post(f"/tasks/{task['id']}/progress", {"person": HELPER, "progress": 30})

        seen = await world.get(f"/tasks/{task['id']}")
        assert (seen["state"], seen["progress"]) == ("assigned", 30)
        await world.settled()
