"""The recovery table of D6: every kind of call × every way an attempt can be lost → how it ends.

Whatever goes wrong, the platform sees the effect at most once, nothing ends as *sending*, the deliveries add up, and
what nobody can know is visible as unknown.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.audit.actor import SYSTEM
from app.cards import service as cards
from app.cards.service import Click
from app.database import transaction
from app.ledger import recovery, service
from app.ledger.claiming import claim
from app.ledger.recovery import RECOVERY, Recovery
from app.ledger.rules import Later, Unknown
from app.wecom.errors import OutcomeUnknown
from app.wecom.message_bodies.card import Card
from models.delivery import CallKind, CallState, Message, OutgoingCall
from models.ids import new_id
from tests.delivery.conftest import Desk
from tests.fakes.clock import MONDAY_9AM
from tests.platform import Killed

OUTCOME = "李四已同意"

Ask = Callable[[Desk], Awaitable[UUID]]
Effects = Callable[[Desk], Awaitable[int]]


@dataclass(frozen=True)
class Kind:
    """One call that is about to be made, and how to see on the platform how often it happened."""

    kind: CallKind
    ask: Ask
    effects: Effects


# --------------------------------------------------------------------------- the rows of the table


async def _ask_message(desk: Desk) -> UUID:
    await desk.text(await desk.colleagues(2))
    return (await desk.calls())[-1].id


async def _messages_on_a_phone(desk: Desk) -> int:
    return max([len(await desk.phone(userid)) for userid in desk.people])


async def _ask_card_update(desk: Desk) -> UUID:
    message = await desk.card(await desk.colleagues(2))
    await desk.work()
    await _show_outcome(desk, message)
    return (await desk.calls(CallKind.CARD_UPDATE))[-1].id


async def _show_outcome(desk: Desk, message: Message) -> None:
    async with transaction(desk.sessions) as session:
        await cards.update_cards(
            session, message_id=message.id, card=Card("入群申请", outcome=OUTCOME), actor=SYSTEM, now=desk.clock.now()
        )


async def _updated_cards(desk: Desk) -> int:
    phones = [await desk.phone(userid) for userid in desk.people]
    assert all(len(phone) == 1 for phone in phones), "nobody is told a second time"
    return int(all(phone[0]["card"].get("replace_text") == OUTCOME for phone in phones))


async def _ask_group(desk: Desk) -> UUID:
    people = await desk.colleagues(3)
    userids = [userid for userid, key in desk.people.items() if key in people]
    body = {"name": "项目群", "owner": userids[0], "userlist": userids, "chatid": "project1"}
    return (await desk.request(CallKind.APPCHAT_CREATE, body)).id


async def _groups(desk: Desk) -> int:
    return len(await desk.sandbox.groups())


async def _ask_roster(desk: Desk) -> UUID:
    chatid = await desk.group()
    await desk.colleagues(1)
    body = {"chatid": chatid, "add_user_list": [list(desk.people)[-1]]}
    return (await desk.request(CallKind.APPCHAT_UPDATE, body, ordering_key="group:1")).id


async def _joiners(desk: Desk) -> int:
    userids: list[str] = (await desk.sandbox.group("project1"))["userlist"]
    return userids.count(list(desk.people)[-1])


async def _ask_post(desk: Desk) -> UUID:
    return (await desk.to_group(await desk.group(), "通知", new_id())).id


async def _posts(desk: Desk) -> int:
    group = await desk.sandbox.group("project1")
    return sum(message["msgtype"] == "text" for message in group["messages"])


MENU = {"button": [{"type": "click", "name": "我的待办", "key": "todo"}]}


async def _ask_menu(desk: Desk) -> UUID:
    return (await desk.request(CallKind.MENU_CREATE, MENU)).id


async def _menus(desk: Desk) -> int:
    return len((await desk.ctx.platform.app.get_menu()).entries)


SEND = Kind(CallKind.MESSAGE_SEND, _ask_message, _messages_on_a_phone)
FACE = Kind(CallKind.CARD_UPDATE, _ask_card_update, _updated_cards)
CREATE = Kind(CallKind.APPCHAT_CREATE, _ask_group, _groups)
ROSTER = Kind(CallKind.APPCHAT_UPDATE, _ask_roster, _joiners)
POST = Kind(CallKind.APPCHAT_SEND, _ask_post, _posts)
MENUS = Kind(CallKind.MENU_CREATE, _ask_menu, _menus)

# --------------------------------------------------------------------------- its columns

REFUSED_IN_PASSING: dict[str, Any] = {"errcode": -1}
BEFORE: dict[str, dict[str, Any]] = {
    "dropped before": {"drop": True},
    "silent before": {"timeout": True},
    "5xx before": {"http_status": 502},
}
AFTER: dict[str, dict[str, Any]] = {
    "dropped after": {"drop": True, "when": "after"},
    "silent after": {"timeout": True, "when": "after"},
    "5xx after": {"http_status": 502, "when": "after"},
    "half an answer": {"truncated": True, "when": "after"},
    "nonsense after": {"broken_json": True, "when": "after"},
}
NOT_SENT = "no route"
KILLED_BEFORE = "killed before the call"
KILLED_AFTER = "killed after the call"

# Nothing may have happened: whatever the kind, it is made again. Otherwise only a post cannot be found out about.
DONE_ONCE = (CallState.DONE, 1)
TABLE: dict[Kind, dict[str, tuple[CallState, int]]] = {
    **{
        kind: dict.fromkeys([NOT_SENT, "-1", *BEFORE, *AFTER, KILLED_BEFORE, KILLED_AFTER], DONE_ONCE)
        for kind in (SEND, FACE, CREATE, ROSTER, MENUS)
    },
    POST: {
        **dict.fromkeys([NOT_SENT, "-1"], DONE_ONCE),
        **dict.fromkeys([*BEFORE, KILLED_BEFORE], (CallState.UNKNOWN, 0)),
        **dict.fromkeys([*AFTER, KILLED_AFTER], (CallState.UNKNOWN, 1)),
    },
}
CELLS = [
    pytest.param(kind, fault, *ends, id=f"{kind.kind.value}, {fault}")
    for kind, row in TABLE.items()
    for fault, ends in row.items()
]


async def lose(desk: Desk, kind: Kind, call_id: UUID, fault: str) -> None:
    """Let the attempt go wrong in this way."""
    match fault:
        case "no route":
            desk.line.is_cut = True
            await desk.work()
            desk.line.is_cut = False
        case "-1":
            await desk.sandbox.fail(kind.kind.value, **REFUSED_IN_PASSING)
            await desk.work()
        case "killed before the call":
            await desk.take_jobs()
            async with transaction(desk.sessions) as session:
                assert await claim.claim(session, call_id=call_id, now=desk.clock.now())
        case "killed after the call":
            desk.line.kills_after = f"/{kind.kind.value}"
            with pytest.raises(Killed):
                await desk.work()
        case _:
            await desk.sandbox.fail(kind.kind.value, **(BEFORE | AFTER)[fault])
            await desk.work()


async def live_on(desk: Desk) -> None:
    """A day of the service: recovery runs, timers fire, jobs are made."""
    for minutes in (0.2, 1, 4, 10, 30, 60, 300):
        desk.clock.advance(timedelta(minutes=minutes))
        await desk.recover()
        await desk.pass_time(seconds=5)


class TestEveryCell:
    @pytest.mark.parametrize(("kind", "fault", "state", "effects"), CELLS)
    async def test_ends_as_the_table_says(
        self, desk: Desk, kind: Kind, fault: str, state: CallState, effects: int
    ) -> None:
        call_id = await kind.ask(desk)
        await lose(desk, kind, call_id, fault)
        await live_on(desk)

        assert (await _carried_on(desk, call_id)).state is state
        assert await kind.effects(desk) == effects
        for message in await desk.messages():
            account = await desk.account(message)  # adds up
            if kind is SEND:
                assert account == {"sent": 2}
        assert not [call for call in await desk.calls() if call.state is CallState.SENDING]

    def test_the_table_has_every_kind_that_is_called(self) -> None:
        called = {kind.kind for kind in TABLE}
        # No message has a file yet: the ledger refuses uploads (`send.request_call`), the rule for them stands below.
        assert set(CallKind) - called == {CallKind.MEDIA_UPLOAD}
        assert set(RECOVERY) == set(CallKind)

    def test_a_file_is_uploaded_again(self) -> None:
        upload = _call(CallKind.MEDIA_UPLOAD)
        lost = OutcomeUnknown("media/upload", "ReadTimeout")
        assert isinstance(recovery.verdict_of_attempt(upload, lost, uncertain=False, now=MONDAY_9AM), Later)
        upload.attempts = recovery.MOST_REPEATS
        assert isinstance(recovery.verdict_of_attempt(upload, lost, uncertain=True, now=MONDAY_9AM), Unknown)
        assert RECOVERY[CallKind.MEDIA_UPLOAD] is Recovery.REPEAT


class TestASuppressedDuplicateAnswersInThreeWays:
    """What the platform answers to a repeat within the window is not documented (messaging §1.1)."""

    @pytest.mark.parametrize("fault", [*AFTER, KILLED_AFTER])
    @pytest.mark.parametrize(
        ("answer", "state"),
        [("full", CallState.DONE), ("bare", CallState.DONE), ("error", CallState.UNKNOWN)],
    )
    async def test_nobody_gets_it_twice(self, desk: Desk, fault: str, answer: str, state: CallState) -> None:
        await desk.sandbox.configure(duplicate_answer=answer)
        message = await desk.card(await desk.colleagues(2))
        [call] = await desk.calls()
        await lose(desk, SEND, call.id, fault)
        await live_on(desk)

        ended = await desk.call(call.id)
        assert ended.state is state
        assert await _messages_on_a_phone(desk) == 1
        assert await desk.account(message) == ({"sent": 2} if state is CallState.DONE else {"unknown": 2})
        assert bool(ended.response_code) == bool(ended.msgid) == (answer == "full")

    async def test_an_error_that_looks_like_a_limit_is_not_taken_for_one_for_ever(self, desk: Desk) -> None:
        """45009 after an uncertain attempt: repeated inside the window, and then a person decides."""
        await desk.sandbox.configure(duplicate_answer="error", duplicate_errcode=45009)
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        await live_on(desk)

        assert await desk.account(message) == {"unknown": 1}
        assert await _messages_on_a_phone(desk) == 1


class TestACardWhoseCodeNobodyTold:
    """The resend of a card was answered with a bare errcode 0: it is on the phones, and has no code of its own."""

    @pytest.fixture
    async def bare(self, desk: Desk) -> Message:
        await desk.sandbox.configure(duplicate_answer="bare")
        message = await desk.card(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        await desk.pass_time(seconds=5)
        [call] = await desk.calls()
        assert (call.state, call.response_code, call.response_code_expires_at) == (CallState.DONE, None, None)
        return message

    async def test_a_click_brings_one_and_everybodys_card_shows_the_outcome(self, desk: Desk, bare: Message) -> None:
        [userid, _] = desk.people
        [call] = await desk.calls()
        key = "approval.approve:1"
        await desk.sandbox.click(userid, str(call.task_id), key)
        [pushed] = await desk.sandbox.callbacks("app")
        async with transaction(desk.sessions) as session:
            clicked = await cards.record_click(
                session,
                Click(
                    app_id=call.app_id,
                    task_id=str(call.task_id),
                    userid=userid,
                    event_key=key,
                    response_code=_code_in(pushed),
                    event_id=1,
                ),
                now=desk.clock.now(),
            )
            assert clicked is not None
            await cards.update_cards(
                session,
                message_id=bare.id,
                card=Card("入群申请", outcome=OUTCOME),
                click=clicked.click,
                actor=SYSTEM,
                now=desk.clock.now(),
            )
            assert clicked.click.shown_by_id is not None
        await desk.work()

        assert await _updated_cards(desk) == 1

    async def test_without_a_click_people_are_told_in_a_text(self, desk: Desk, bare: Message) -> None:
        await _show_outcome(desk, bare)
        await desk.work()

        assert await desk.calls(CallKind.CARD_UPDATE) == []
        for userid in desk.people:
            card, told = await desk.phone(userid)
            assert card["card"]
            assert OUTCOME in told["text"]


class TestWhatAPersonResolves:
    @pytest.mark.parametrize("as_", list(service.Resolution))
    async def test_an_unknown_message_ends_and_adds_up(self, desk: Desk, as_: service.Resolution) -> None:
        await desk.sandbox.configure(duplicate_answer="error")
        message = await desk.text(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        await live_on(desk)
        [call] = await desk.calls()
        async with transaction(desk.sessions) as session:
            await service.resolve_call(session, call_id=call.id, resolution=as_, actor=SYSTEM, now=desk.clock.now())
        await desk.work()

        assert await desk.account(message) == ({"sent": 2} if as_ is service.Resolution.DONE else {"failed": 2})
        assert await _messages_on_a_phone(desk) == 1

    async def test_nobody_repeats_after_the_window_when_all_workers_slept_through_it(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        await desk.pass_time(hours=3)

        assert await desk.account(message) == {"unknown": 1}
        assert len(await desk.sent_bodies()) == 1


async def _carried_on(desk: Desk, call_id: UUID) -> OutgoingCall:
    """The call, or the one that was put in its place to ask for the rest."""
    call = await desk.call(call_id)
    if call.state is not CallState.REPLACED:
        return call
    [rest] = [row for row in await desk.calls() if row.previous_id == call_id]
    return rest


def _call(kind: CallKind) -> OutgoingCall:
    body = json.dumps({}).encode()
    return OutgoingCall(
        kind=kind, request_body=body, request_sha256=b"", purpose="x.y", subject_kind="x", subject_id="1",
        app_id="app", actor="system:steward", correlation_id="c", created_at=MONDAY_9AM, attempts=1,
    )  # fmt: skip


def _code_in(pushed: dict[str, Any]) -> str:
    text = json.dumps(pushed, ensure_ascii=False)
    return text.split("<ResponseCode><![CDATA[")[1].split("]]>")[0]
