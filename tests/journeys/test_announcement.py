"""A notice: who is concerned, when it may go, who has confirmed, who is chased (policy 3.2, 3.4, 3.6, P2, P3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.cast import CAST
from tests.journeys.moments import moment, monday, tuesday, wednesday
from tests.journeys.world import World
from tests.manners import BOTH

TITLE = "周五前完成新品验收"


async def publish(
    world: World, audience: dict[str, Any], *, message_class: str = "work", author: str = CAST.applicant
) -> dict[str, Any]:
    return await world.post(
        "/announcements",
        {
            "title": TITLE,
            "body": "请逐项确认，有问题当天提出。",
            "class": message_class,
            "author": author,
            "audience": audience,
        },
    )


async def to_team(world: World, *, message_class: str = "work") -> tuple[dict[str, Any], str]:
    """A notice to the team, and the key of its button."""
    published = await publish(world, {"people": [*CAST.team]}, message_class=message_class)
    return published, f"announcement.confirm:{published['id']}"


async def standing(world: World, announcement: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, Any] = (await world.get(f"/announcements/{announcement['id']}"))["receipts"]
    return seen


async def cards_of(world: World, userid: str) -> list[str]:
    return [card.task_id for card in await world.cards(userid) if card.title == TITLE]


class TestReceipts:
    """Policy 3.6: those concerned confirm; late means one reminder; the publisher follows up."""

    async def test_a_press_confirms_and_the_card_shows_it(self, world: World) -> None:
        published, key = await to_team(world)

        card = await world.press(CAST.team[0], key)
        await world.settled()

        assert await standing(world, published) == {
            "audience": 3, "confirmed": 1, "unconfirmed": 2, "undelivered": 0, "late": 0, "chased": 0,
        }  # fmt: skip
        assert (await world.again(card)).face == "已确认"
        [receipt] = await world.every(f"/announcements/{published['id']}/receipts", confirmed="true")
        assert (receipt["person"], receipt["confirmed_via"], receipt["card"]) == (CAST.team[0], "card", "sent")

    async def test_only_the_unconfirmed_are_chased_and_only_once(self, world: World) -> None:
        """Without a deadline of its own: the end of the next working day; chased two working hours before."""
        published, key = await to_team(world)
        assert moment(published["deadline"]) == tuesday(18)
        await world.press(CAST.team[0], key)
        await world.settled()

        await world.be(tuesday(15, 59))
        assert (await standing(world, published))["chased"] == 0
        await world.be(tuesday(16, 1))

        assert (await standing(world, published))["chased"] == 2
        assert [len(await cards_of(world, userid)) for userid in CAST.team] == [1, 2, 2]
        chasing = (await world.cards(CAST.team[1]))[-1]
        assert "3.6" in chasing.text
        await world.be(tuesday(17, 59))
        assert [len(await cards_of(world, userid)) for userid in CAST.team] == [1, 2, 2]

    async def test_the_author_gets_the_list_at_the_deadline_and_a_late_press_still_counts(self, world: World) -> None:
        published, key = await to_team(world)
        await world.press(CAST.team[0], key)
        await world.settled()

        await world.be(tuesday(17, 59))
        assert not any("已到截止时间" in text for text in await world.texts(CAST.applicant))
        await world.be(wednesday(9, 30))

        told = await world.told(CAST.applicant, "已到截止时间")
        assert "3 人中 1 人已确认" in told
        assert "谢健" in told
        assert "程琳丹" not in told
        await world.press(CAST.team[1], key)
        await world.settled()
        seen = await standing(world, published)
        assert (seen["confirmed"], seen["late"]) == (2, 1)

    async def test_a_leaders_same_day_instruction_runs_thirty_minutes_of_working_time(self, world: World) -> None:
        """Policy 3.6: 30 minutes, counted in working time: given at 17:50 it ends at 09:20 the next working day."""
        await world.be(monday(17, 50))

        published = await publish(world, {"people": [*CAST.team]}, message_class="instruction", author=CAST.head)

        assert moment(published["deadline"]) == tuesday(9, 20)

    async def test_a_group_gets_one_text_and_each_member_a_card(self, world: World) -> None:
        group = await world.group()

        published = await publish(world, {"groups": [group["id"]]})
        await world.settled()

        texts = [text for text in await world.said_in(group) if TITLE in text]
        assert len(texts) == 1
        assert "陈蕾悦" in texts[0], "3.12: a post names its source"
        assert [len(await cards_of(world, userid)) for userid in CAST.team] == [1, 1, 1]
        assert await cards_of(world, CAST.applicant) == [], "the author confirms nothing"
        assert published["receipts"]["audience"] == 3


class TestEscalation:
    """Policy 3.6: 未按时回复的催办一次，仍未回复的告知其上级。"""

    async def test_the_head_hears_once_of_those_who_got_the_card_and_did_not_confirm(self, world: World) -> None:
        await world.sandbox.set_unlicensed([CAST.team[1]])
        published, key = await to_team(world, message_class="urgent")
        await world.press(CAST.team[0], key)
        await world.settled()

        await world.be(monday(9, 20))
        await world.be(monday(9, 59))
        assert not await told_of_colleagues(world, CAST.head)
        await world.be(monday(10))

        late = (await world.get(f"/members/{CAST.team[2]}"))["name"]
        [text] = await told_of_colleagues(world, CAST.head)
        assert text.splitlines()[:2] == [f"您的 1 位同事未确认通知“{TITLE}”：", f"截止 03-02 09:30：{late}"]
        assert "制度第 3.6 条" in text
        receipts = await world.every(f"/announcements/{published['id']}/receipts")
        assert [row["person"] for row in receipts if row["escalated_at"]] == [CAST.team[2]]
        [entry] = [one for one in await world.every("/audit") if one["action"] == "announcement.escalated"]
        assert entry["rule_key"] == "announcement.receipt"

        await world.be(monday(17))
        assert len(await told_of_colleagues(world, CAST.head)) == 1
        assert not await told_of_colleagues(world, CAST.president)

    async def test_a_worker_that_is_killed_over_the_moment_tells_it_once(self, world: World) -> None:
        await to_team(world, message_class="urgent")
        await world.settled()
        await world.be(monday(9, 20))
        await world.be(monday(9, 59))
        await world.kill_workers()
        world.advance(timedelta(minutes=1))
        for _ in range(3):
            world.start_worker()
            await world.kill_workers()
        world.start_worker()
        await world.settled()
        await world.be(monday(10, 15))
        [text] = await told_of_colleagues(world, CAST.head)
        assert "您的 3 位同事" in text


async def told_of_colleagues(world: World, userid: str) -> list[str]:
    return [text for text in await world.texts(userid) if "位同事未确认" in text]


class TestHours:
    """Policy 3.4: working hours only, unless urgent; never in the rest period (23:30–07:30)."""

    async def test_what_is_published_at_2340_is_held_with_reason_and_until_and_goes_in_the_morning(
        self, world: World
    ) -> None:
        group = await world.group()
        await world.be(monday(23, 40))

        published = await publish(world, {"groups": [group["id"]]})
        await world.settled()

        assert (await world.get(f"/announcements/{published['id']}"))["delivery"] == {
            "sent": 0, "failed": 0, "unknown": 0, "held": 3,
        }  # fmt: skip
        held = [one for one in await world.every("/deliveries", state="held") if one["userid"] in CAST.team]
        assert {one["reason"] for one in held} == {"quiet_hours"}
        [until] = {moment(one["until"]) for one in held}
        assert tuesday(9) < until <= tuesday(9, 12)
        assert until.minute not in {0, 30}, "never when everybody's timers go off"
        assert [await cards_of(world, userid) for userid in CAST.team] == [[], [], []]
        assert not any(TITLE in text for text in await world.said_in(group))

        await world.be(tuesday(9, 15))

        assert (await world.get(f"/announcements/{published['id']}"))["delivery"]["sent"] == 3
        assert [len(await cards_of(world, userid)) for userid in CAST.team] == [1, 1, 1]
        assert len([text for text in await world.said_in(group) if TITLE in text]) == 1

    async def test_the_urgent_goes_in_the_evening_and_waits_in_the_rest_period(self, world: World) -> None:
        await world.be(monday(20))
        first, _ = await to_team(world, message_class="urgent")
        await world.settled()
        await world.be(monday(23, 40))
        second, _ = await to_team(world, message_class="urgent")
        await world.settled()

        assert (await world.get(f"/announcements/{first['id']}"))["delivery"]["sent"] == 3
        assert (await world.get(f"/announcements/{second['id']}"))["delivery"]["held"] == 3

        await world.be(tuesday(7, 45))

        assert (await world.get(f"/announcements/{second['id']}"))["delivery"]["sent"] == 3


@pytest.mark.parametrize("like", BOTH, indirect=True)
class TestWhoWasNotReached:
    """F70: the platform answers 0 and names whom it did not reach; that is a failure of those people."""

    async def test_who_has_no_licence_failed_and_is_sent_again_by_a_person(self, world: World) -> None:
        await world.sandbox.set_unlicensed([CAST.team[1]])

        published, key = await to_team(world)
        await world.settled()

        assert (await world.get(f"/announcements/{published['id']}"))["delivery"] == {
            "sent": 2, "failed": 1, "unknown": 0, "held": 0,
        }  # fmt: skip
        [failed] = await world.every("/deliveries", state="failed")
        assert (failed["userid"], failed["reason"]) == (CAST.team[1], "unlicensed")

        await world.sandbox.set_unlicensed([])
        await world.post(f"/deliveries/{failed['id']}/retry")
        await world.settled()

        await world.press(CAST.team[1], key)
        await world.settled()
        assert (await standing(world, published))["confirmed"] == 1
        assert [len(await cards_of(world, userid)) for userid in CAST.team] == [1, 1, 1]

    async def test_whom_the_platform_does_not_know_any_more_failed(self, world: World) -> None:
        await world.lose_contact_events()
        await world.sandbox.delete_person(CAST.team[2])

        published, _ = await to_team(world)
        await world.settled()

        receipts = await world.every(f"/announcements/{published['id']}/receipts")
        cards = {row["person"]: (row["card"], row["card_reason"]) for row in receipts}
        assert cards[CAST.team[2]] == ("failed", "invalid_user")
        assert cards[CAST.team[0]] == ("sent", None)


class TestRepeats:
    """P2: every callback takes effect once, whatever is repeated."""

    async def test_repeated_and_newly_encrypted_callbacks_change_nothing(self, world: World) -> None:
        published, key = await to_team(world)
        await world.press(CAST.team[0], key)
        await world.settled()
        [click] = [one for one in await world.sandbox.callbacks("app") if "template_card_event" in one["plaintext"]]
        before = await effects(world, published)

        again = await world.sandbox.push(click["plaintext"], "app", repeat=3, same_ciphertext=True)
        anew = await world.sandbox.push(click["plaintext"], "app", repeat=3)
        await world.settled()

        assert [*again, *anew] == [200] * 6, "a repeat is answered like the first"
        assert await effects(world, published) == before
        [event] = await world.every("/callbacks", event_type="template_card_event")
        assert event["repeats"] == 6

    async def test_two_presses_of_one_person_are_one_receipt(self, world: World) -> None:
        """Both are on their way before the button turns grey: two events, two codes, one receipt."""
        published, key = await to_team(world)
        card = await world.card_with(CAST.team[0], key)
        await world.kill_workers()
        for _ in range(2):
            await world.sandbox.click(CAST.team[0], card.task_id, key)

        world.start_worker()
        await world.settled()

        assert (await standing(world, published))["confirmed"] == 1
        assert (await world.again(card)).face == "已确认"


async def effects(world: World, published: dict[str, Any]) -> list[object]:
    return [
        await standing(world, published),
        len(await world.every("/callbacks")),
        len(await world.every("/deliveries/calls")),
        len(await world.every("/audit")),
        len(await world.sandbox.calls()),
    ]
