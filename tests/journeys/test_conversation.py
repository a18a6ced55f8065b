"""An employee writes to the app and uses its menu, on a phone (F117, F170)."""

from __future__ import annotations

from typing import Any

import pytest

from app.settings import Settings
from tests.fakes.environment import test_settings
from tests.journeys.cast import CAST
from tests.journeys.moments import wednesday
from tests.journeys.world import World

HOME = "http://steward.test"
OWNER, OTHER = CAST.team[0], CAST.team[1]


@pytest.fixture
def settings() -> Settings:
    return test_settings(PUBLIC_URL=HOME)


class TestTheMenu:
    async def test_stands_on_every_phone_once_a_worker_runs_and_help_is_answered(self, world: World) -> None:
        async def shown() -> Any:
            return (await world.sandbox.phone(OWNER))["conversations"][0]["menu"]

        menu = await world.until("a menu on the phone", shown)
        assert [entry["name"] for entry in menu["button"]] == ["今日", "发起申请", "我的"]
        assert menu["button"][0]["url"] == f"{HOME}/me"
        await world.sandbox.menu_click(OWNER, "say:帮助")
        assert "我的任务：" in await world.told(OWNER, "发一个词给我")


class TestWriting:
    async def test_what_waits_is_told_to_whom_it_concerns_and_to_nobody_else(self, world: World) -> None:
        task = await world.post(
            "/tasks",
            {
                "title": "整理新品验收单",
                "acceptance": "验收单全部勾选并上传",
                "assigner": CAST.applicant,
                "owner": OWNER,
                "due_at": wednesday(18).isoformat(),
            },
        )
        card = await world.card_with(OWNER, f"task.accept:{task['id']}")
        assert card.card["card_action"] == {"type": 1, "url": f"{HOME}/me/tasks/{task['id']}"}
        await world.sandbox.say(OWNER, "待办")
        assert f"接受：#{task['number']} 整理新品验收单" in await world.told(OWNER, "等您处理的有 1 件")
        await world.sandbox.say(OWNER, f"#{task['number']}")
        assert f"{HOME}/me/tasks/{task['id']}" in await world.told(OWNER, f"【任务 #{task['number']}】")
        await world.sandbox.say(OTHER, f"任务 {task['number']}")
        await world.told(OTHER, "没有您能看到的编号为")

    async def test_a_voice_message_is_asked_to_be_written(self, world: World) -> None:
        await world.sandbox.speak(OWNER)
        await world.told(OWNER, "请用文字")

    async def test_the_same_question_twice_has_two_answers(self, world: World) -> None:
        """The platform drops a second text of the same bytes (messaging §1.1)."""
        for _ in range(2):
            await world.sandbox.say(OWNER, "待办")
            await world.settled()
        told = [text for text in await world.texts(OWNER) if text.startswith("现在没有等您处理的事")]
        assert len(told) == 2
        assert told[1].endswith("（内容同前，第 2 次发送）")
