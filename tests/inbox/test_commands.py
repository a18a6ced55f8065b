"""`steward callbacks …` as an operator runs it: what was lost, who was turned away, and handling something again."""

from __future__ import annotations

from sqlalchemy import func, update

from app.database import Sessions, transaction
from app.inbox import gaps, refusals, service
from app.inbox.gaps import Outage
from app.inbox.processor import InboxProcessor
from app.inbox.refusals import Attempts
from app.inbox.rules import DONE, Outcome, Received
from models.inbox import EventState, ReceivedEvent
from tests.builders.callbacks import arrival
from tests.cli.conftest import Steward, steward
from tests.fakes.clock import MONDAY_9AM, FakeClock

__all__ = ["steward"]  # a fixture, found by name

_PARK = update(ReceivedEvent).values(state=EventState.PARKED, last_error="no luck", finished_at=func.now())
_CLOSE = "UPDATE callback_gaps SET closed_at = now()"


async def test_a_gap_is_listed_until_it_is_closed(steward: Steward, sessions: Sessions) -> None:
    outage = Outage(MONDAY_9AM, MONDAY_9AM, not_stored=3, stored_late=1)
    async with transaction(sessions) as session:
        await gaps.report_outage(session, server="box:1", outage=outage, now=MONDAY_9AM)

    [gap] = (await steward("callbacks", "gaps", "--open", "--json")).json()

    assert (gap["reason"], gap["not_stored"], gap["stored_late"], gap["server"]) == ("database", 3, 1, "box:1")
    async with transaction(sessions) as session:
        await (await session.connection()).exec_driver_sql(_CLOSE)
    assert (await steward("callbacks", "gaps", "--open", "--json")).json() == []
    assert len((await steward("callbacks", "gaps", "--json")).json()) == 1


async def test_a_caller_that_was_turned_away_is_listed_with_what_to_do(steward: Steward, sessions: Sessions) -> None:
    moment = MONDAY_9AM
    async with transaction(sessions) as session:
        await refusals.note(
            session, [Attempts("app", "bad_signature", "token", "203.0.113.8", 2, moment, moment, "c-1")]
        )

    [refusal] = (await steward("callbacks", "refusals", "--json")).json()

    assert (refusal["caller"], refusal["disagrees"], refusal["times"]) == ("203.0.113.8", "token", 2)
    assert "只有 Token 不一致" in refusal["explanation"]
    assert (await steward("callbacks", "refusals", "--channel", "contacts", "--json")).json() == []


async def test_what_was_parked_takes_effect_after_its_replay(
    steward: Steward, sessions: Sessions, clock: FakeClock
) -> None:
    handled: list[str] = []

    async def handle(_session: object, event: Received, _now: object) -> Outcome:
        handled.append(event.subject)
        return DONE

    async with transaction(sessions) as session:
        await service.store(session, arrivals=[arrival("user:li"), arrival("user:wang")])
        await session.execute(_PARK)
    numbers = [str(row["id"]) for row in (await steward("callbacks", "list", "--json")).json()]
    processor = InboxProcessor(sessions, clock, handle)
    assert await processor.drain() == 0

    assert (await steward("callbacks", "replay", *numbers)).code == 0

    assert await processor.drain() == 2
    assert sorted(handled) == ["user:li", "user:wang"]
    states = {row["state"] for row in (await steward("callbacks", "list", "--json")).json()}
    assert states == {"done"}


async def test_one_number_that_is_wrong_replays_none(steward: Steward, sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await service.store(session, arrivals=[arrival("user:li")])
        await session.execute(_PARK)
    [row] = (await steward("callbacks", "list", "--json")).json()

    ran = await steward("callbacks", "replay", str(row["id"]), "404404")

    assert ran.code == 1
    assert "404404" in ran.err
    [row] = (await steward("callbacks", "list", "--json")).json()
    assert row["state"] == "parked"
