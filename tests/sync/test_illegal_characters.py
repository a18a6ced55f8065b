"""F30: an illegal character in one person's text costs that character, not the department. The report tells it."""

from __future__ import annotations

import pytest

from app.sync import messages
from models.org import PersonStatus, SyncState
from tests.sync.world import World

SPELT = {
    "an unescaped control character": ("0b", ""),
    "a byte that is no UTF-8": ("e7", "�"),
    "the first half of an emoji": (b"\\ud83d".hex(), "�"),
    "the second half of an emoji": (b"\\ude00".hex(), "�"),
    "half an emoji in raw bytes": ("eda0bd", "���"),
    "NUL, escaped as JSON allows": (b"\\u0000".hex(), ""),
    "NUL": ("00", ""),
}


class TestOneCharacter:
    @pytest.mark.parametrize("spelling", SPELT)
    async def test_costs_itself(self, world: World, spelling: str) -> None:
        written, kept = SPELT[spelling]
        someone = (await world.sandbox.people())[7]["userid"]
        await world.sandbox.set_fields(someone, position="工程师X-FILE师")
        await world.sandbox.fail("user/list", times=None, spelled={"X-FILE": written})
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert run.report["details_complete"]
        assert (await world.person(someone)).position == f"工程师{kept}师"
        assert PersonStatus.INVISIBLE not in await world.statuses()
        assert run.report["repaired"] == {"count": 1, "examples": [f"userid {someone!r}: position"]}
        (told,) = [line for line in run.report["explanations"] if "非法字符" in line]
        assert someone in told
        assert "网络" not in "".join(run.report["explanations"])

    async def test_the_same_answer_changes_nothing_the_next_time(self, world: World) -> None:
        someone = (await world.sandbox.people())[7]["userid"]
        await world.sandbox.set_fields(someone, position="工程师X-FILE师")
        await world.sandbox.fail("user/list", times=None, spelled={"X-FILE": "0b"})
        await world.sync()
        before = await world.written()
        await world.sync()
        assert await world.written() == before

    @pytest.mark.parametrize(
        ("endpoint", "whose"), [("department/list", "人力资源部"), ("tag/list", "HR"), ("tag/get", "HR")]
    )
    async def test_in_every_answer_that_a_sync_reads(self, world: World, endpoint: str, whose: str) -> None:
        await world.sandbox.fail(endpoint, times=None, spelled={whose: (whose.encode() + b"\x1f\xff").hex()})
        run = await world.sync()

        assert run.state is SyncState.DONE
        assert run.report["details_complete"]
        assert "网络" not in "".join(run.report["explanations"])

    async def test_when_a_callback_names_the_person(self, world: World) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[7]["userid"]
        await world.sandbox.set_name(someone, "王X-FILE")
        await world.sandbox.fail("user/get", times=None, spelled={"X-FILE": "00e7"})
        await world.hint(someone)
        assert (await world.person(someone)).name == "王�"


class TestPagesThatCannotBeRead:
    """What no repair makes an answer of: nobody is taken for gone or hidden, and the report says how things are."""

    async def test_the_network_is_not_blamed_for_what_arrived(self, world: World) -> None:
        await world.sync()
        await world.sandbox.fail("user/list", times=None, broken_json=True)
        run = await world.sync()

        said = "".join(run.report["explanations"])
        assert "网络" not in said
        assert "不是企业微信约定的格式" in said

    async def test_newcomers_on_such_a_page_are_told_as_what_they_are(self, world: World) -> None:
        await world.sync()
        await world.sandbox.hire("newcomer", "新同事", [2], mobile="13900000077")
        await world.sandbox.fail("user/list", times=None, match={"department_id": "2"}, broken_json=True)
        run = await world.sync()

        assert (await world.person("newcomer")).status is PersonStatus.INVISIBLE
        assert messages.newcomers_without_details(1, ["newcomer"]) in run.report["explanations"]

        await world.sandbox.clear_faults()
        run = await world.sync()
        assert (await world.person("newcomer")).status is PersonStatus.ACTIVE
        assert not any("newcomer" in line for line in run.report["explanations"])
