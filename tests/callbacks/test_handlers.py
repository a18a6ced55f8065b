"""THE table: every type of the catalogue leads somewhere, and hints only ask to look again (F12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.audit.why import About, Why
from app.cards.errors import ClickerUnknown
from app.cards.service import Click, ClickedCard
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.inbox.rules import DONE
from app.wecom.message_bodies.card import Card, CardButton
from callbacks.contact_hints import HINTS
from callbacks.events import MODELS
from callbacks.handlers import CLICK, IGNORED, build_handler
from callbacks.plaintext import read_plaintext
from callbacks.sayings import SAYINGS
from models.audit import ObjectKind
from models.delivery import OutgoingCall
from models.ids import APP, PersonId
from models.inbox import EventState, ReceivedEvent
from models.installation import App
from models.org import Person, PersonUserid
from tests.builders import org as org_builders
from tests.builders.callbacks import arrival, odd, payload, plain_event, received
from tests.builders.policy import policy_in_force
from tests.fakes.clock import MONDAY_9AM
from tests.fakes.queue import queued_rows


async def event_of(session: AsyncSession, body: bytes, *, app_id: str = "app") -> ReceivedEvent:
    _, header = read_plaintext(body)
    event_type = header.event_type
    return await received(session, arrival(event_type=event_type, body=body, app_id=app_id))


def contact_event(change: str, number: int) -> bytes:
    more = f"<ChangeType>{change}</ChangeType><UserID>li</UserID><Alias>{number}</Alias>"
    return plain_event("change_contact", more=more)


async def queued(session: AsyncSession) -> list[tuple[str, dict[str, Any]]]:
    return await queued_rows(session)


class TestTheTable:
    """Habit 22: one table maps event types to functions."""

    def test_every_type_of_the_catalogue_stands_in_it_exactly_once(self) -> None:
        listed = [*HINTS, *SAYINGS, *IGNORED, CLICK]

        assert sorted(listed) == sorted(MODELS)

    def test_what_is_ignored_says_why(self) -> None:
        assert all(IGNORED.values())

    @pytest.mark.parametrize("event_type", ["view", "sys_approval_change", "enter_agent"])
    async def test_an_ignored_event_is_kept_with_the_reason(self, session: AsyncSession, event_type: str) -> None:
        outcome = await build_handler({})(
            session, await event_of(session, payload(event_type.replace(".", "__"))), MONDAY_9AM
        )

        assert (outcome.state, outcome.reason) == (EventState.IGNORED, IGNORED[event_type])

    async def test_an_unknown_event_is_kept_as_unknown(self, session: AsyncSession) -> None:
        outcome = await build_handler({})(session, await event_of(session, plain_event("brand_new")), MONDAY_9AM)

        assert outcome.state is EventState.UNKNOWN

    @pytest.mark.parametrize(
        ("body", "state", "said"),
        [
            (b"not xml", EventState.UNKNOWN, "不是完整的 XML"),
            (b"\xff", EventState.UNKNOWN, "不是 UTF-8"),
            (b"<!DOCTYPE x><xml><MsgType>text</MsgType></xml>", EventState.UNKNOWN, "DTD"),
            (b"<xml/>", EventState.UNKNOWN, "MsgType"),
            (b"<xml><InfoType>suite_ticket</InfoType></xml>", EventState.IGNORED, "服务商"),
        ],
    )
    async def test_what_says_nothing_that_we_read_is_kept_as_what_it_is(
        self, body: bytes, state: EventState, said: str, session: AsyncSession
    ) -> None:
        """Never as something that the platform has not sent."""
        _, header = read_plaintext(body)
        event = await received(session, arrival(event_type=header.event_type, body=body))

        outcome = await build_handler({})(session, event, MONDAY_9AM)

        assert outcome.state is state
        assert said in (outcome.reason or "")
        assert "不是企业微信" not in (outcome.reason or "")

    async def test_a_known_event_that_cannot_be_read_fails_with_the_reason(self, session: AsyncSession) -> None:
        """It is then tried again and parked: the platform has long been answered."""
        odd = plain_event("change_contact", more="<ChangeType>create_party</ChangeType><Id>nine</Id>")

        with pytest.raises(ValidationError, match="department_id"):
            await build_handler({})(session, await event_of(session, odd), MONDAY_9AM)


class TestContacts:
    """F12, F25: an event is a hint; the object is fetched again."""

    @pytest.mark.parametrize(
        ("name", "job", "facts"),
        [
            ("change_contact__create_user", "org.refresh_person", {"userid": "u001", "deleted": False}),
            ("change_contact__update_user__renamed", "org.refresh_person", {"userid": "u001", "new_userid": "LiSi"}),
            ("change_contact__delete_user", "org.refresh_person", {"userid": "u001", "deleted": True}),
            ("change_contact__update_party", "org.refresh_department", {"department_id": 9, "deleted": False}),
            ("change_contact__delete_party", "org.refresh_department", {"department_id": 9, "deleted": True}),
            ("change_contact__update_tag", "org.refresh_tag", {"tag_id": 4}),
            ("subscribe", "org.refresh_person", {"userid": "u001"}),
            ("unsubscribe", "org.refresh_person", {"userid": "u001"}),
        ],
    )
    async def test_a_change_asks_to_look_again(
        self, session: AsyncSession, name: str, job: str, facts: dict[str, Any]
    ) -> None:
        outcome = await build_handler({})(session, await event_of(session, payload(name)), MONDAY_9AM)

        assert outcome == DONE
        ((queued_job, document),) = await queued(session)
        assert queued_job == job
        assert facts.items() <= document.items()

    @pytest.mark.parametrize(
        ("name", "userid"), [("white-space-around-values", "u00002"), ("unused-field-is-no-number", "u00006")]
    )
    async def test_white_space_and_fields_that_nobody_uses_stop_no_hint(
        self, name: str, userid: str, session: AsyncSession
    ) -> None:
        assert await build_handler({})(session, await event_of(session, odd(name)), MONDAY_9AM) == DONE
        ((_, document),) = await queued(session)
        assert document["userid"] == userid

    async def test_what_waits_together_about_one_person_is_one_refetch(self, session: AsyncSession) -> None:
        events = [
            await received(session, arrival(event_type=f"change_contact.{change}", body=contact_event(change, number)))
            for number, change in enumerate(["create_user", "update_user", "update_user", "delete_user"])
        ]
        handler = build_handler({})
        absorbers = {name for found in map(handler.absorber_for, events) if found for name, _ in [found]}
        found = handler.absorber_for(events[0])
        assert found is not None

        assert await found[1](session, events, MONDAY_9AM) == {event.id for event in events}

        assert len(absorbers) == 1
        ((job, document),) = await queued(session)
        assert (job, document["userid"], document["deleted"]) == ("org.refresh_person", "li", True)
        assert document["callbacks"] == [event.id for event in events]

    async def test_what_cannot_be_read_is_left_to_be_handled_alone(self, session: AsyncSession) -> None:
        good = await received(
            session, arrival(event_type="change_contact.update_user", body=contact_event("update_user", 1))
        )
        nameless = plain_event("change_contact", more="<ChangeType>update_user</ChangeType>")
        bad = await received(session, arrival(event_type="change_contact.update_user", body=nameless))
        found = build_handler({}).absorber_for(bad)
        assert found is not None

        assert await found[1](session, [bad, good], MONDAY_9AM) == {good.id}
        assert len(await queued(session)) == 1


class TestClicks:
    """A click is routed by the part of its key before the colon."""

    KEY = "approval.approve:018f3c1a-0000-7000-8000-000000000001"

    @pytest.fixture
    async def person(self, session: AsyncSession) -> Person:
        return await org_builders.person(session, "U001")

    @pytest.fixture
    async def call(self, session: AsyncSession, person: Person) -> OutgoingCall:
        """A card of ours on that person's phone."""
        session.add(App(id=APP, name="app", agent_id=1000007, created_at=MONDAY_9AM))
        policy = await policy_in_force(session)
        message = await delivery.send_card(
            session,
            MessageHeader("approval.card", About(ObjectKind.REQUEST, 1), Why(SYSTEM, "member.join", policy.id)),
            to=[PersonId(person.id)],
            card=Card("入群申请", buttons=[CardButton("同意", self.KEY)]),
            now=MONDAY_9AM,
        )
        statement = select(OutgoingCall).where(col(OutgoingCall.message_id) == message.id)
        return (await session.scalars(statement)).one()

    async def clicked(self, session: AsyncSession, task_id: str | None, key: str = KEY) -> ReceivedEvent:
        body = payload("template_card_event__button").decode()
        return await event_of(session, body.replace("task-2024-77", task_id or "").replace(self.KEY, key).encode())

    async def test_its_action_hears_the_person_and_the_argument(
        self, session: AsyncSession, call: OutgoingCall, person: Person
    ) -> None:
        heard: list[tuple[ClickedCard, str, datetime]] = []

        async def approve(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
            heard.append((clicked, argument, now))

        event = await self.clicked(session, call.task_id)
        outcome = await build_handler({"approval.approve": approve})(session, event, MONDAY_9AM)

        ((clicked, argument, now),) = heard
        assert (outcome, clicked.person.id, clicked.call.id) == (DONE, person.id, call.id)
        assert (clicked.click.event_id, clicked.click.response_code) == (event.id, "RC-abc")
        assert (argument, now) == ("018f3c1a-0000-7000-8000-000000000001", MONDAY_9AM)

    async def test_a_button_nobody_answers_for_is_ignored_by_name(
        self, session: AsyncSession, call: OutgoingCall
    ) -> None:
        event = await self.clicked(session, call.task_id, "holiday.book:1")

        outcome = await build_handler({})(session, event, MONDAY_9AM)

        assert outcome.state is EventState.IGNORED
        assert "holiday.book" in (outcome.reason or "")

    async def test_a_card_that_is_not_ours_is_ignored(self, session: AsyncSession, person: Person) -> None:
        outcome = await build_handler({})(session, await self.clicked(session, "foreign"), MONDAY_9AM)

        assert outcome.state is EventState.IGNORED

    async def test_a_click_under_a_userid_that_has_not_been_synced_is_tried_again(
        self, session: AsyncSession, call: OutgoingCall, person: Person
    ) -> None:
        """The person was renamed a moment ago: the click waits for the sync and is not lost."""
        await session.execute(update(PersonUserid).values(ended_at=MONDAY_9AM))
        event = await self.clicked(session, call.task_id)

        with pytest.raises(ClickerUnknown):
            await build_handler({})(session, event, MONDAY_9AM)


class TestSetBasedClicks:
    """An action with a set-based form gets the facts of many clicks at once."""

    async def test_it_is_found_by_the_key_and_hears_every_click(self, session: AsyncSession) -> None:
        heard: list[Click] = []

        async def absorb(session: AsyncSession, clicks: Sequence[Click], now: datetime) -> set[int]:
            heard.extend(clicks)
            return {click.event_id for click in clicks}

        handler = build_handler({}, {"approval.approve": absorb})
        event = await event_of(session, payload("template_card_event__button"))
        found = handler.absorber_for(event)
        assert found is not None
        await found[1](session, [event], MONDAY_9AM)

        assert [(click.task_id, click.userid, click.response_code) for click in heard] == [
            ("task-2024-77", "u001", "RC-abc")
        ]
        assert heard[0].argument == "018f3c1a-0000-7000-8000-000000000001"

    async def test_other_buttons_and_other_events_have_none(self, session: AsyncSession) -> None:
        async def absorb(session: AsyncSession, clicks: Sequence[Click], now: datetime) -> set[int]:
            raise AssertionError

        handler = build_handler({}, {"announcement.confirm": absorb})

        assert handler.absorber_for(await event_of(session, payload("template_card_event__button"))) is None
        assert handler.absorber_for(await event_of(session, payload("message__text"))) is None
