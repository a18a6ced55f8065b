"""Many clicks of one kind at once: a notice to thousands is confirmed in a handful of statements (D2).

What is not plain is left to be handled one by one, which means the same and says why: a card nobody knows, a person
who has left, a replay, a card that was sent again meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM, person_actor
from app.cards.clicks import Click
from app.delivery import queries
from app.delivery import service as delivery
from app.ledger import service as ledger
from app.wecom.message_bodies.card import Card
from app.wecom.message_bodies.encode import to_bytes
from models.delivery import CallKind, CallState, Message
from models.ids import APP, fold, new_id

CardAbsorb = Callable[[AsyncSession, Sequence[Click], datetime], Awaitable[set[int]]]
"""The set-based form of an action: many clicks of one kind in one transaction, which it records itself. Returns the
event ids it has dealt with; the others are handled one by one."""


class KnownClick(NamedTuple):
    """A plain click: we sent the card, and the person has this userid now."""

    click: Click
    call_id: UUID
    message_id: UUID
    person_id: UUID
    userid: str
    """As the platform spells it."""


@dataclass(frozen=True, slots=True)
class Face:
    """The final face of the cards that were clicked. A face that changes again goes through `update_cards`."""

    card: Card
    clicks: Sequence[KnownClick]


_IDENTIFY: Final = text("""
SELECT given.place, calls.id AS call_id, calls.message_id, userids.person_id, userids.shown
FROM unnest(CAST(:app_ids AS text[]), CAST(:task_ids AS text[]), CAST(:userids AS text[]),
        CAST(:event_ids AS bigint[])) WITH ORDINALITY AS given (app_id, task_id, userid, event_id, place)
JOIN outgoing_calls AS calls ON calls.app_id = given.app_id AND calls.task_id = given.task_id
    AND calls.message_id IS NOT NULL AND NOT (calls.state IN ('ready', 'held') AND calls.sent_at IS NULL)
JOIN person_userids AS userids ON userids.userid = given.userid COLLATE "C" AND userids.ended_at IS NULL
WHERE NOT EXISTS (SELECT FROM card_clicks WHERE card_clicks.event_id = given.event_id)
    AND NOT EXISTS (
        SELECT FROM deliveries WHERE deliveries.message_id = calls.message_id
            AND deliveries.person_id = userids.person_id AND deliveries.state <> 'failed'
            AND deliveries.call_id <> calls.id
    )
""")

_STORE_UPDATES: Final = text("""
INSERT INTO outgoing_calls (id, app_id, kind, purpose, subject_kind, subject_id, message_id, part, request_body,
    request_sha256, ordering_key, state, attempts, policy_version_id, rule_key, actor, correlation_id, created_at)
SELECT id, :app_id, :kind, 'card.update', 'card', card_id::text, message_id, 1, body,
    sha256(body), ordering_key, :state, 0, policy_version_id, rule_key, actor, correlation_id, :now
FROM unnest(CAST(:id AS uuid[]), CAST(:card_id AS uuid[]), CAST(:message_id AS uuid[]), CAST(:body AS bytea[]),
    CAST(:ordering_key AS text[]), CAST(:policy_version_id AS uuid[]), CAST(:rule_key AS text[]),
    CAST(:actor AS text[]), CAST(:correlation_id AS text[]))
    AS given (id, card_id, message_id, body, ordering_key, policy_version_id, rule_key, actor, correlation_id)
""")

_STORE_CLICKS: Final = text("""
INSERT INTO card_clicks (event_id, call_id, person_id, event_key, response_code, received_at, expires_at, spent_at,
    shown_by_id)
SELECT event_id, call_id, person_id, event_key, response_code, :now, :expires_at, :now, shown_by_id
FROM unnest(CAST(:event_id AS bigint[]), CAST(:call_id AS uuid[]), CAST(:person_id AS uuid[]),
    CAST(:event_key AS text[]), CAST(:response_code AS text[]), CAST(:shown_by_id AS uuid[]))
    WITH ORDINALITY AS given (event_id, call_id, person_id, event_key, response_code, shown_by_id, place)
ORDER BY place
""")

_IN_THE_BACKGROUND: Final = -1
"""The passive reply has shown the clicker 已收到 already: what others wait for goes first."""


async def identify_clicks(session: AsyncSession, *, clicks: Sequence[Click]) -> list[KnownClick]:
    """The plain clicks among them, in the order of their events."""
    ordered = sorted((click for click in clicks if click.response_code), key=lambda click: click.event_id)
    facts = {
        "app_ids": [click.app_id for click in ordered],
        "task_ids": [click.task_id for click in ordered],
        "userids": [fold(click.userid) for click in ordered],
        "event_ids": [click.event_id for click in ordered],
    }
    found = {row.place: row for row in await session.execute(_IDENTIFY, facts)}
    return [
        KnownClick(click, row.call_id, row.message_id, row.person_id, row.shown)
        for place, click in enumerate(ordered, start=1)
        if (row := found.get(place))
    ]


def whole_subjects(clicks: Sequence[Click], plain: Sequence[KnownClick]) -> list[KnownClick]:
    """Leave out all clicks of a person on a card when one of them is not plain: their order must be kept."""
    if len(plain) == len(clicks):
        return list(plain)
    ids = {known.click.event_id for known in plain}
    mixed = {click.subject for click in clicks if click.event_id not in ids}
    return [known for known in plain if known.click.subject not in mixed]


async def record_clicks(session: AsyncSession, *, faces: Sequence[Face], now: datetime) -> None:
    """Store the clicks and have the cards they came from show their faces.

    One call updates a card for all who get the same face; it spends the newest of their codes, and the others with
    it: a click that comes again has nothing left to do, as when it is handled alone (P2).
    """
    app = await queries.app_named(session, APP)
    messages = await _messages(session, {known.message_id for face in faces for known in face.clicks})
    updates: list[dict[str, Any]] = []
    stored: list[dict[str, Any]] = []
    for face in faces:
        shown = face.card.said_by(app.name).to_update()
        for clicks in _by_card(face.clicks):
            update = _update(messages[clicks[0].message_id], clicks, shown, app.agent_id)
            updates.append(update)
            stored += [_click(known, update["id"]) for known in clicks]
    stored.sort(key=lambda row: row["event_id"])
    facts = {"app_id": APP, "kind": CallKind.CARD_UPDATE.value, "state": CallState.READY.value, "now": now}
    await session.execute(_STORE_UPDATES, _columns(updates) | facts)
    await session.execute(_STORE_CLICKS, _columns(stored) | {"now": now, "expires_at": now + ledger.CODE_LIFE})
    await ledger.MAKE_CALL.enqueue_many(
        session,
        [ledger.CallPayload(call_id=update["id"]) for update in updates],
        dedupe_keys=[f"call:{update['id']}" for update in updates],
        correlation_ids=[update["correlation_id"] for update in updates],
        priority=_IN_THE_BACKGROUND,
    )


async def _messages(session: AsyncSession, ids: set[UUID]) -> dict[UUID, Message]:
    return {row.id: row for row in await session.scalars(select(Message).where(col(Message.id).in_(ids)))}


def _by_card(clicks: Sequence[KnownClick]) -> list[list[KnownClick]]:
    """The clicks of each card, in groups as large as one call may name."""
    cards: dict[UUID, list[KnownClick]] = {}
    for known in clicks:
        cards.setdefault(known.call_id, []).append(known)
    size = delivery.RECIPIENTS_PER_CALL
    return [card[start : start + size] for card in cards.values() for start in range(0, len(card), size)]


def _update(message: Message, clicks: Sequence[KnownClick], shown: dict[str, Any], agent_id: int) -> dict[str, Any]:
    """The same row that `cards.update_cards` writes."""
    people = {known.person_id: known.userid for known in clicks}
    only = clicks[0].person_id if len(people) == 1 else None
    body = {
        "userids": list(people.values()),
        "agentid": agent_id,
        "response_code": clicks[-1].click.response_code,
        "template_card": shown,
    }
    return {
        "id": new_id(),
        "card_id": clicks[0].call_id,
        "message_id": message.id,
        "body": to_bytes(body),
        # What many are shown is the last that they are shown: such updates need no order, and none waits for another.
        "ordering_key": f"card:{clicks[0].call_id}:{only}" if only else None,
        "policy_version_id": message.policy_version_id,
        "rule_key": message.rule_key,
        "actor": str(person_actor(only) if only else SYSTEM),
        "correlation_id": clicks[-1].click.correlation_id,
    }


def _click(known: KnownClick, shown_by_id: UUID) -> dict[str, Any]:
    return {
        "event_id": known.click.event_id,
        "call_id": known.call_id,
        "person_id": known.person_id,
        "event_key": known.click.event_key,
        "response_code": known.click.response_code,
        "shown_by_id": shown_by_id,
    }


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """The rows as one array per column, for `unnest`."""
    return {name: [row[name] for row in rows] for name in rows[0]}
