"""Many clicks at once mean what they mean one by one (D2, P2)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries, service
from app.announcements.jobs import CARD_ABSORBERS, CARD_ACTIONS
from app.database import Sessions, transaction
from app.inbox.processor import InboxProcessor
from app.inbox.rules import BACK_OFF
from app.ledger.calls import MAKE_CALL
from app.observability import bound_correlation
from callbacks.handlers import EventHandler, build_handler
from models.announcements import Announcement, Receipt
from models.delivery import CallKind, CallState, CardClick, Delivery, OutgoingCall
from models.ids import APP, AnnouncementId, new_id
from models.inbox import EventState, ReceivedEvent
from models.org import Person, PersonUserid
from tests.builders.announcements import announcement, calls_of_kind, receipts_by_userid
from tests.builders.approvals import everything_arrives, texts_to
from tests.builders.ladders import rings
from tests.company import Company, found
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.fakes.queue import queued

TEN_PAST = MONDAY_9AM + timedelta(minutes=10)
DEADLINE = MONDAY_9AM + timedelta(days=1, hours=9)

Run = Callable[[EventHandler, AsyncSession, Sequence[ReceivedEvent], datetime], Awaitable[dict[int, str]]]


@dataclass
class Stage:
    """Notices whose cards are on people's phones."""

    company: Company
    told: Announcement
    shared: Announcement
    """It asks for no receipt."""
    cards: dict[str, list[str]] = field(default_factory=dict)
    """userid → the task ids of their cards."""


@pytest.fixture
async def stage(session: AsyncSession, company: Company) -> Stage:
    """王芳 tells five people; one confirms by REST, the others are chased; then one leaves, and one card was sent
    again to 孙宁 alone.
    """
    people = ["zhao", "li", "chen", "han", "sun"]
    told = await announcement(session, company.wang, people=people)
    shared = await announcement(session, company.wang, message_class="sharing", people=people)
    await everything_arrives(session)
    early = MONDAY_9AM + timedelta(minutes=3)
    await service.confirm(session, announcement_id=AnnouncementId(told.id), person=company.han, via="rest", now=early)
    five_past = MONDAY_9AM + timedelta(minutes=5)
    await session.execute(update(Receipt).values(chase_at=five_past))
    await rings(session, service.CHASE, str(told.id), five_past)
    await everything_arrives(session)
    result = Stage(company, told, shared)
    statement = (
        select(col(PersonUserid.userid), col(OutgoingCall.task_id))
        .join(Delivery, col(Delivery.person_id) == col(PersonUserid.person_id))
        .join(OutgoingCall, col(OutgoingCall.id) == col(Delivery.call_id))
        .where(col(OutgoingCall.task_id).is_not(None))
        .order_by(col(OutgoingCall.id))
    )
    for userid, task_id in (await session.execute(statement)).all():
        result.cards.setdefault(userid, []).append(str(task_id))
    await _sent_again(session, company.sun)
    await session.execute(update(PersonUserid).where(col(PersonUserid.userid) == "zhao").values(ended_at=TEN_PAST))
    await session.flush()
    return result


async def _sent_again(session: AsyncSession, person: Person) -> None:
    """Their delivery points to a later call now, the card on the phone came with the former."""
    [first, *_] = await session.scalars(select(Delivery).where(col(Delivery.person_id) == person.id))
    former = await session.get_one(OutgoingCall, first.call_id)
    again = OutgoingCall(**former.model_dump() | {"id": new_id(), "task_id": f"card-{new_id().hex}"})
    session.add(again)
    await session.flush()
    first.call_id = again.id


async def clicked(
    session: AsyncSession, userid: str, task_id: str, key: str, *, code: str | None = None, sender: str | None = None
) -> ReceivedEvent:
    digest = new_id().bytes
    response_code = f"rc-{digest.hex()}" if code is None else code
    event = ReceivedEvent(
        app_id=APP,
        dedup_key=digest,
        body_digest=digest,
        event_type="template_card_event",
        subject=f"card:{task_id}:{userid}",
        occurred_at=MONDAY_9AM,
        received_at=MONDAY_9AM,
        correlation_id=new_id().hex,
        body=(
            f"<xml><ToUserName>corp</ToUserName><FromUserName>{sender or userid}</FromUserName>"
            "<MsgType>event</MsgType><Event>template_card_event</Event>"
            f"<EventKey>{key}</EventKey><TaskId>{task_id}</TaskId><ResponseCode>{response_code}</ResponseCode></xml>"
        ).encode(),
    )
    session.add(event)
    await session.flush()
    return event


async def one_by_one(
    handler: EventHandler, session: AsyncSession, events: Sequence[ReceivedEvent], now: datetime
) -> dict[int, str]:
    """What became of each event. A failing one has no effect."""
    ended: dict[int, str] = {}
    for event in events:
        try:
            with bound_correlation(event.correlation_id):
                async with session.begin_nested():
                    outcome = await handler(session, event, now)
            became = outcome.state.value
        except Exception as error:  # noqa: BLE001 -- as the inbox: whatever a handler raises
            became = type(error).__name__
        ended[event.id or 0] = became
    return ended


async def in_sets(
    handler: EventHandler, session: AsyncSession, events: Sequence[ReceivedEvent], now: datetime
) -> dict[int, str]:
    found = [handler.absorber_for(event) for event in events]
    absorb = next(each[1] for each in found if each)
    absorbed = await absorb(session, [event for event, each in zip(events, found, strict=True) if each], now)
    rest = [event for event in events if event.id not in absorbed]
    return dict.fromkeys(absorbed, "done") | await one_by_one(handler, session, rest, now)


async def outcome_of(
    session: AsyncSession, stage: Stage, run: Run, events: Sequence[ReceivedEvent], now: datetime
) -> dict[str, Any]:
    """Everything that a run leaves behind, then undone."""
    handler = build_handler(CARD_ACTIONS, CARD_ABSORBERS)
    session.expunge_all()  # each run reads for itself
    savepoint = await session.begin_nested()
    ended = await run(handler, session, events, now)
    await session.flush()
    session.expunge_all()
    left = {"events": ended} | await traces(session)
    await savepoint.rollback()
    return left


async def traces(session: AsyncSession) -> dict[str, Any]:
    async def rows(statement: str) -> list[tuple[Any, ...]]:
        return sorted((tuple(row) for row in await session.execute(text(statement))), key=repr)

    faces = set()
    shown_by: dict[Any, tuple[str, frozenset[str]]] = {}
    for call in await calls_of_kind(session, CallKind.CARD_UPDATE):
        body = json.loads(call.request_body)
        face = json.dumps(body["template_card"], ensure_ascii=False, sort_keys=True)
        facts = (call.subject_id, call.message_id, call.policy_version_id, call.rule_key, call.state, call.purpose)
        faces |= {(userid, face, facts) for userid in body["userids"]}
        shown_by[call.id] = (call.subject_id, frozenset(body["userids"]))
    clicks = (await session.scalars(select(CardClick))).all()
    for click in clicks:
        assert click.shown_by_id is not None
        card, userids = shown_by[click.shown_by_id]
        assert card == str(click.call_id)
        assert userids
    assert {payload.call_id for payload in await queued(session, MAKE_CALL)} >= set(shown_by)
    return {
        "receipts": await rows(
            "SELECT announcement_id, person_id, confirmed_at, confirmed_via, event_id, late, chased_at FROM receipts"
        ),
        "clicks": await rows(
            "SELECT event_id, call_id, person_id, event_key, response_code, received_at, expires_at, spent_at"
            " FROM card_clicks"
        ),
        "audit": await rows(
            "SELECT at, actor_kind, actor_id, action, object_kind, object_id, policy_version_id, rule_key,"
            " correlation_id, details::text FROM audit_entries LEFT JOIN audit_details ON entry_id = id"
        ),
        "faces": sorted(faces, key=repr),
        "codes of the cards": await rows("SELECT id, response_code_spent_at FROM outgoing_calls WHERE task_id <> ''"),
        "texts": await rows("SELECT purpose, origin_id, audience FROM messages"),
    }


async def a_stream(session: AsyncSession, stage: Stage, rng: Random) -> list[ReceivedEvent]:
    """Clicks as they may come: repeated, out of order, by people who may not, on cards that are not ours."""
    confirm = f"announcement.confirm:{stage.told.id}"
    known = [userid for userid in ("li", "chen", "han", "sun", "zhao") if userid in stage.cards]
    mine = {userid: rng.choice(stage.cards[userid]) for userid in known}
    events: list[ReceivedEvent] = []
    for _ in range(rng.randint(3, 14)):
        userid = rng.choice(known)
        match rng.randint(0, 11):
            case 0:
                event = await clicked(session, userid, "card-of-somebody-else", confirm)
            case 1:
                event = await clicked(session, "nobody", mine[userid], confirm)
            case 2:
                event = await clicked(session, "wang", mine[userid], confirm)
            case 3:
                event = await clicked(session, userid, mine[userid], "announcement.confirm:nonsense")
            case 4:
                event = await clicked(session, userid, mine[userid], f"announcement.confirm:{stage.shared.id}")
            case 5:
                event = await clicked(session, userid, mine[userid], f"announcement.confirm:{new_id()}")
            case 6:
                event = await clicked(session, userid, mine[userid], confirm, sender=userid.upper())
            case _:
                event = await clicked(session, userid, mine[userid], confirm)
        events.append(event)
    return events


class TestTheSameOneByOneAndInSets:
    @pytest.mark.parametrize("seed", range(16))
    async def test_a_stream_of_clicks_leaves_the_same_behind(
        self, session: AsyncSession, stage: Stage, seed: int
    ) -> None:
        rng = Random(seed)  # noqa: S311 -- chooses a story
        events = await a_stream(session, stage, rng)
        # Every other run is late, and in it something was handled before and comes again.
        now = DEADLINE + timedelta(hours=1) if seed % 2 else TEN_PAST
        session.expunge_all()
        if seed % 2:
            await one_by_one(build_handler(CARD_ACTIONS), session, events[:2], TEN_PAST)

        alone = await outcome_of(session, stage, one_by_one, events, now)
        together = await outcome_of(session, stage, in_sets, events, now)

        assert together == alone

    async def test_both_cards_of_a_person_count_once_and_both_show_it(
        self, session: AsyncSession, stage: Stage
    ) -> None:
        key = f"announcement.confirm:{stage.told.id}"
        events = [await clicked(session, "li", card, key) for card in stage.cards["li"]]
        assert len(events) == 2

        alone = await outcome_of(session, stage, one_by_one, events, TEN_PAST)
        together = await outcome_of(session, stage, in_sets, events, TEN_PAST)

        assert together == alone
        assert len([face for face in together["faces"] if face[0] == "li"]) == 2

    async def test_one_click_alone_writes_the_very_same_call(self, session: AsyncSession, stage: Stage) -> None:
        event = await clicked(session, "li", stage.cards["li"][0], f"announcement.confirm:{stage.told.id}")

        async def calls(run: Run) -> list[dict[str, Any]]:
            session.expunge_all()
            savepoint = await session.begin_nested()
            await run(build_handler(CARD_ACTIONS, CARD_ABSORBERS), session, [event], TEN_PAST)
            rows = await calls_of_kind(session, CallKind.CARD_UPDATE)
            seen = [row.model_dump(exclude={"id", "correlation_id"}) for row in rows]
            await savepoint.rollback()
            return seen

        assert await calls(in_sets) == await calls(one_by_one)


class TestOneUpdateForMany:
    async def test_who_gets_the_same_face_on_the_same_card_is_in_one_call(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = await announcement(session, company.wang, people=["li", "chen", "han"])
        await everything_arrives(session)
        [card] = [call for call in await calls_of_kind(session, CallKind.MESSAGE_SEND) if call.task_id]
        key = f"announcement.confirm:{told.id}"
        events = [await clicked(session, userid, str(card.task_id), key) for userid in ("li", "chen", "han", "li")]

        await in_sets(build_handler(CARD_ACTIONS, CARD_ABSORBERS), session, events, TEN_PAST)

        [call] = await calls_of_kind(session, CallKind.CARD_UPDATE)
        body = json.loads(call.request_body)
        assert (body["userids"], call.state) == (["li", "chen", "han"], CallState.READY)
        assert body["response_code"].encode() in (events[-1].body or b"")
        assert {row.confirmed_at for row in (await receipts_by_userid(session, told)).values()} == {TEN_PAST}
        clicks = (await session.scalars(select(CardClick))).all()
        assert {(click.spent_at, click.shown_by_id) for click in clicks} == {(TEN_PAST, call.id)}
        assert await texts_to(session, company.li) == []


class TestAPoisonousClick:
    async def test_it_parks_alone_and_the_others_are_absorbed(self, sessions: Sessions, clock: FakeClock) -> None:
        async with transaction(sessions) as session:
            company = await found(session)
            told = await announcement(session, company.wang, people=["li", "chen", "han"])
            await everything_arrives(session)
            [card] = [call for call in await calls_of_kind(session, CallKind.MESSAGE_SEND) if call.task_id]
            for userid in ("li", "chen", "han"):
                await clicked(session, userid, str(card.task_id), f"announcement.confirm:{told.id}")
            poison = await clicked(session, "sun", str(card.task_id), f"announcement.confirm:{told.id}")
        handler = build_handler(CARD_ACTIONS, CARD_ABSORBERS)
        processor = InboxProcessor(sessions, clock, handler, absorber_for=handler.absorber_for)

        await processor.drain()
        for _ in BACK_OFF:
            clock.advance(timedelta(hours=3))
            await processor.drain()

        async with sessions() as session:
            events = {event.id: event for event in await session.scalars(select(ReceivedEvent))}
            assert (await queries.standing(session, told.id)).confirmed == 3
            assert len(await calls_of_kind(session, CallKind.CARD_UPDATE)) == 1
        assert events.pop(poison.id).state is EventState.PARKED
        assert {(event.state, event.attempts) for event in events.values()} == {(EventState.DONE, 0)}
