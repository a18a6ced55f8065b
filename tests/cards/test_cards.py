"""Cards after they were sent: clicks, and the face that shows the outcome."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.audit.actor import SYSTEM
from app.cards import service
from app.cards.errors import ClickerUnknown
from app.cards.service import Click
from app.database import transaction
from app.org import queries as org
from app.wecom.message_bodies.card import Card, CardButton
from models.delivery import CallKind, CallState, CardClick, Message
from models.ids import APP, PersonId
from tests.delivery.conftest import CARD, Desk

APPROVED = Card("入群申请", desc="张伟申请加入项目群", outcome="李四已同意")
KEY = CARD.buttons[0].key


class TestAClickIsStoredOnce:
    """P2: every callback takes effect once."""

    async def test_a_replayed_event_finds_its_click_again(self, desk: Desk) -> None:
        await desk.card(await desk.colleagues(1))
        await desk.work()
        first, again = await _click(desk), await _click(desk)

        assert first is not None
        assert again is not None
        assert first.id == again.id

    async def test_the_click_names_card_message_and_person(self, desk: Desk) -> None:
        [person] = await desk.colleagues(1)
        message = await desk.card([person])
        await desk.work()
        [call] = await desk.calls()
        async with transaction(desk.sessions) as session:
            clicked = await service.record_click(session, await _event(desk, response_code="c"), now=desk.clock.now())

        assert clicked is not None
        assert (clicked.call.id, clicked.message.id, clicked.person.id) == (call.id, message.id, person)

    async def test_a_card_that_is_not_ours_is_nobodys_click(self, desk: Desk) -> None:
        await desk.card(await desk.colleagues(1))
        await desk.work()
        async with transaction(desk.sessions) as session:
            event = await _event(desk, response_code="c")
            assert await service.record_click(session, event._replace(task_id="foreign"), now=desk.clock.now()) is None
            with pytest.raises(ClickerUnknown):
                await service.record_click(session, event._replace(userid="stranger"), now=desk.clock.now())


class TestEverybodysCardShowsTheOutcome:
    """D7, F54: the outcome follows by update_template_card."""

    async def test_with_the_code_of_the_send_all_recipients_see_it(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(3))
        await desk.work()
        await _update(desk, message)
        await desk.work()

        assert [await _face(desk, userid) for userid in desk.people] == ["李四已同意"] * 3
        [update] = await desk.calls(CallKind.CARD_UPDATE)
        assert update.state is CallState.DONE
        [body] = await desk.sent_bodies("message/update_template_card")
        assert "task_id" not in body["template_card"]

    async def test_with_a_click_its_own_code_is_used(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        code = await _press(desk)
        click = await _click(desk, code)
        await _update(desk, message, click=click)
        await desk.work()

        [body] = await desk.sent_bodies("message/update_template_card")
        assert body["response_code"] == code
        [call] = await desk.calls(CallKind.MESSAGE_SEND)
        assert call.response_code_spent_at is None
        assert {await _face(desk, userid) for userid in desk.people} == {"李四已同意"}

    async def test_only_the_named_people_when_they_are_named(self, desk: Desk) -> None:
        people = await desk.colleagues(3)
        message = await desk.card(people)
        await desk.work()
        await _update(desk, message, person_ids=people[:1])
        await desk.work()

        faces = [await _face(desk, userid) for userid in desk.people]
        assert faces == ["李四已同意", None, None]

    async def test_individual_cards_have_individual_updates(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(3), individually=True)
        await desk.work()
        await _update(desk, message)
        await desk.work()

        assert len(await desk.calls(CallKind.CARD_UPDATE)) == 3
        assert {await _face(desk, userid) for userid in desk.people} == {"李四已同意"}

    async def test_a_lost_update_is_repeated_and_42022_means_done(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(1))
        await desk.work()
        await _update(desk, message)
        await desk.sandbox.fail("message/update_template_card", timeout=True, when="after")
        await desk.work()
        await desk.pass_time(seconds=5)

        [update] = await desk.calls(CallKind.CARD_UPDATE)
        assert (update.state, update.attempts) == (CallState.DONE, 2)
        assert len(await desk.messages()) == 1


class TestWhenNoCodeIsLeft:
    """D7: a spent or expired code falls back to a new card or a text."""

    async def test_a_code_is_spent_once(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        await _update(desk, message)
        await _update(desk, message, card=Card("入群申请", outcome="已撤销"))
        await desk.work()

        assert len(await desk.calls(CallKind.CARD_UPDATE)) == 1
        await _told_in_text(desk, message, "【已撤销】入群申请")

    async def test_after_72_hours_people_are_told_in_a_text(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        desk.clock.advance(timedelta(hours=72))
        await _update(desk, message)
        await desk.work()

        assert await desk.calls(CallKind.CARD_UPDATE) == []
        await _told_in_text(desk, message, "【李四已同意】入群申请")

    @pytest.mark.parametrize("errcode", [42022, 60140])
    async def test_a_code_that_the_platform_refuses_ends_in_a_text(self, desk: Desk, errcode: int) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        await _update(desk, message)
        await desk.sandbox.fail("message/update_template_card", errcode=errcode)
        await desk.work()

        [update] = await desk.calls(CallKind.CARD_UPDATE)
        assert (update.state, update.errcode) == (CallState.FAILED, errcode)
        await _told_in_text(desk, message, "【李四已同意】入群申请")

    async def test_the_newest_unspent_click_is_taken_before_a_text(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        code = await _press(desk)
        await _click(desk, code)
        await _update(desk, message)
        await _update(desk, message)
        await desk.work()

        used = [body["response_code"] for body in await desk.sent_bodies("message/update_template_card")]
        assert used[0] == code
        assert len(set(used)) == 2
        assert len(await desk.messages()) == 1

    async def test_a_rolled_back_update_spends_nothing(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(1))
        await desk.work()
        async with desk.sessions() as session:
            await service.update_cards(
                session, message_id=message.id, card=APPROVED, actor=SYSTEM, now=desk.clock.now()
            )
            await session.rollback()

        [call] = await desk.calls()
        assert call.response_code_spent_at is None


class TestTwoUpdatesAtOnce:
    """A code has one use: the row is locked while an update is created for it."""

    async def test_a_code_is_spent_by_one_of_them(self, busy_desk: Desk) -> None:
        message = await busy_desk.card(await busy_desk.colleagues(2))
        await busy_desk.work()
        await asyncio.gather(*(_update(busy_desk, message) for _ in range(4)))
        await busy_desk.work()

        assert len(await busy_desk.calls(CallKind.CARD_UPDATE)) == 1
        assert len(await busy_desk.messages()) == 4

    async def test_many_people_click_one_card_at_once(self, busy_desk: Desk) -> None:
        """A stored click points at its call; locking that call afterwards must not end in a deadlock."""
        people = await busy_desk.colleagues(8)
        message = await busy_desk.card(people)
        await busy_desk.work()
        [sent] = await busy_desk.calls()
        async with busy_desk.sessions() as session:
            userids = await org.userids_of(session, people)
        both_have_clicked = asyncio.Barrier(len(people))

        async def click(number: int, person: PersonId) -> None:
            async with transaction(busy_desk.sessions) as session:
                clicked = await service.record_click(
                    session,
                    Click(
                        app_id=APP,
                        task_id=sent.task_id or "",
                        userid=userids[person],
                        event_key=KEY,
                        response_code=f"code-{number}",
                        event_id=number,
                    ),
                    now=busy_desk.clock.now(),
                )
                assert clicked is not None
                await both_have_clicked.wait()
                await service.update_cards(
                    session,
                    message_id=message.id,
                    card=APPROVED,
                    person_ids=[person],
                    click=clicked.click,
                    actor=SYSTEM,
                    now=busy_desk.clock.now(),
                )

        await asyncio.gather(*(click(number, person) for number, person in enumerate(people, 1)))
        assert len(await busy_desk.calls(CallKind.CARD_UPDATE)) == len(people)


class TestACardThatIsNotSentYet:
    """A card decided on while it waits for the morning is not sent with living buttons."""

    async def test_it_is_taken_back_and_its_people_are_told(self, desk: Desk) -> None:
        desk.clock.advance(timedelta(hours=12))
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        await _update(desk, message)

        assert await desk.account(message) == {"failed": 2}
        assert await desk.reasons(message) == {"superseded"}
        await desk.pass_time(hours=13)
        assert [body["msgtype"] for body in await desk.sent_bodies()] == ["text"]

    async def test_the_others_still_get_their_card(self, desk: Desk) -> None:
        people = await desk.colleagues(3)
        message = await desk.card(people)
        await _update(desk, message, person_ids=people[:1])
        await desk.work()

        assert await desk.account(message) == {"failed": 1, "sent": 2}
        bodies = await desk.sent_bodies()
        assert sorted(len(body["touser"].split("|")) for body in bodies) == [1, 2]

    async def test_who_has_left_meanwhile_is_not_counted_as_reached(self, desk: Desk) -> None:
        people = await desk.colleagues(3)
        message = await desk.card(people)
        await desk.forget_userid(list(desk.people)[2])
        await _update(desk, message, person_ids=people[:1])
        await desk.work()

        assert await desk.account(message) == {"failed": 2, "sent": 1}
        assert {"left", "superseded"} <= await desk.reasons(message)

    async def test_it_is_taken_back_even_when_the_others_have_all_left(self, desk: Desk) -> None:
        people = await desk.colleagues(2)
        message = await desk.card(people)
        await desk.forget_userid(list(desk.people)[1])
        await _update(desk, message, person_ids=people[:1])
        await desk.work()

        assert await desk.account(message) == {"failed": 2}
        assert await desk.reasons(message) == {"left", "superseded"}


class TestPeopleWhoHearOfItOtherwise:
    """Whoever changes the cards tells their people in words: nothing comes in place of a card that cannot change."""

    async def test_the_card_shows_it(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        await _update_only(desk, message)
        await desk.work()

        assert {await _face(desk, userid) for userid in desk.people} == {"李四已同意"}

    @pytest.mark.parametrize("errcode", [42022, 60140])
    async def test_a_code_that_the_platform_refuses_is_not_told_once_more(self, desk: Desk, errcode: int) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        await _update_only(desk, message)
        await desk.sandbox.fail("message/update_template_card", errcode=errcode)
        await desk.work()

        assert len(await desk.messages()) == 1

    async def test_nor_is_a_code_that_is_over(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        desk.clock.advance(timedelta(hours=72))
        await _update_only(desk, message)
        await desk.work()

        assert len(await desk.messages()) == 1

    async def test_a_card_that_waits_is_taken_back(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await _update_only(desk, message)
        await desk.work()

        assert await desk.reasons(message) == {"superseded"}
        assert await desk.sent_bodies() == []


class TestProgressOnALivingCard:
    async def test_buttons_stay_when_the_new_face_has_them(self, desk: Desk) -> None:
        message = await desk.card(await desk.colleagues(2))
        await desk.work()
        await _update(desk, message, card=Card("通知", desc="1/2 已确认", buttons=[CardButton("确认", KEY)]))
        await desk.work()

        userid = next(iter(desk.people))
        assert await _face(desk, userid) is None
        assert await _press(desk)


async def _update(desk: Desk, message: Message, card: Card = APPROVED, **facts: Any) -> None:
    async with transaction(desk.sessions) as session:
        await service.update_cards(
            session, message_id=message.id, card=card, actor=SYSTEM, now=desk.clock.now(), **facts
        )


async def _update_only(desk: Desk, message: Message) -> None:
    async with transaction(desk.sessions) as session:
        await service.update_cards_only(
            session, message_id=message.id, card=APPROVED, actor=SYSTEM, now=desk.clock.now()
        )


async def _press(desk: Desk) -> str:
    """The first person presses the button; the code that the platform's event brings."""
    [call] = [row for row in await desk.calls(CallKind.MESSAGE_SEND) if row.task_id]
    pressed = await desk.sandbox.click(next(iter(desk.people)), str(call.task_id), KEY)
    return str(pressed["response_code"])


async def _event(desk: Desk, *, response_code: str) -> Click:
    [call] = [row for row in await desk.calls(CallKind.MESSAGE_SEND) if row.task_id]
    return Click(
        event_id=7,
        app_id=APP,
        task_id=str(call.task_id),
        userid=next(iter(desk.people)).upper(),
        event_key=KEY,
        response_code=response_code,
    )


async def _click(desk: Desk, response_code: str = "code-1") -> CardClick | None:
    async with transaction(desk.sessions) as session:
        clicked = await service.record_click(
            session, await _event(desk, response_code=response_code), now=desk.clock.now()
        )
    return clicked.click if clicked else None


async def _face(desk: Desk, userid: str) -> str | None:
    """The grey text on a person's newest card, None while its buttons live."""
    [card] = [message for message in await desk.phone(userid) if message["msgtype"] == "template_card"]
    greyed: str | None = card["greyed"]
    return greyed


async def _told_in_text(desk: Desk, message: Message, said: str) -> None:
    followup = (await desk.messages())[-1]
    assert (followup.purpose, followup.origin_id) == ("approval.card.followup", message.origin_id)
    assert await desk.account(followup) == {"sent": message.audience}
    assert (await desk.sent_bodies())[-1]["text"]["content"].startswith(said)
