"""F94: Idempotency-Key on every write. D17: another body is 422, one in flight 409, answers are kept for 24 hours."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import func, select, text, update
from sqlmodel import col

from app.database import Sessions, transaction
from app.web.idempotency import IN_FLIGHT, KEPT, prune
from models.access import IdempotencyRecord
from tests.databases import dsn
from tests.fakes.clock import FakeClock
from tests.web.conftest import Desk

A_MOMENT = timedelta(seconds=1)


async def answers_kept(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return (await session.scalars(select(func.count()).select_from(IdempotencyRecord))).one()


async def claimed_until(desk: Desk, moment: datetime) -> None:
    """Wait for a request in flight to have claimed its key."""
    for _ in range(1000):
        async with transaction(desk.sessions) as session:
            claims = await session.scalars(select(col(IdempotencyRecord.locked_until)))
        if moment in claims:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody claimed the key")


@asynccontextmanager
async def nobody_writes_the_trail(database: str) -> AsyncIterator[None]:
    """Whoever creates a key waits, in the middle of the work."""
    connection = await asyncpg.connect(dsn(database))
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE audit_entries IN EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def refuse_commit_of(sessions: Sessions, name: str) -> None:
    """Every statement works; the COMMIT of a key of this name fails."""
    async with transaction(sessions) as session:
        await session.execute(
            text(f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.name = '{name}' THEN RAISE EXCEPTION 'the disk is full'; END IF;
                RETURN NULL;
            END $$""")
        )
        await session.execute(
            text("""
            CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON api_keys DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse()""")
        )


async def allow_commits(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(text("DROP TRIGGER refuse ON api_keys"))


class TestARepeatedRequest:
    """The effect happens once; the answer is given as often as it is asked for."""

    async def test_has_one_effect_and_the_same_answer(self, desk: Desk) -> None:
        first = await desk.make_key("报表", once="k-1")
        again = await desk.make_key("报表", once="k-1")

        assert first.status_code == again.status_code == 201
        assert first.content == again.content
        assert first.headers["content-type"] == again.headers["content-type"]
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert await desk.keys_named("报表") == 1

    async def test_without_the_header_it_is_done_again(self, desk: Desk) -> None:
        await desk.make_key("报表")
        await desk.make_key("报表")

        assert await desk.keys_named("报表") == 2

    async def test_two_callers_may_choose_the_same_word(self, desk: Desk) -> None:
        other = await desk.key_with("admin:write")
        await desk.make_key("报表", once="k-1")
        body = {"name": "报表", "scopes": ["org:read"]}
        async with desk.client(other) as http:
            answer = await http.post("/api-keys", json=body, headers={"Idempotency-Key": "k-1"})

        assert "idempotency-replayed" not in answer.headers
        assert await desk.keys_named("报表") == 2

    async def test_reading_takes_no_notice_of_the_header(self, desk: Desk) -> None:
        answer = await desk.http.get("/api-keys", headers={"Idempotency-Key": "k-1"})

        assert answer.status_code == 200
        assert await answers_kept(desk.sessions) == 0


class TestTheKeyOfAnotherRequest:
    async def test_another_body_is_422(self, desk: Desk) -> None:
        await desk.make_key("报表", once="k-1")
        answer = await desk.make_key("考勤", once="k-1")

        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/idempotency-key-reused"
        assert await desk.keys_named("考勤") == 0

    async def test_another_path_is_422(self, desk: Desk) -> None:
        made = (await desk.make_key("报表", once="k-1")).json()
        answer = await desk.http.delete(f"/api-keys/{made['id']}", headers={"Idempotency-Key": "k-1"})

        assert answer.status_code == 422

    @pytest.mark.parametrize(("length", "status"), [(255, 201), (256, 400)])
    async def test_a_key_has_at_most_255_characters(self, desk: Desk, length: int, status: int) -> None:
        answer = await desk.make_key("报表", once="k" * length)

        assert answer.status_code == status
        assert await desk.keys_named("报表") == (1 if status == 201 else 0)


class TestRequestsAtTheSameTime:
    async def test_one_in_flight_is_409_for_the_second(self, desk: Desk, database: str, clock: FakeClock) -> None:
        async with nobody_writes_the_trail(database):
            first = asyncio.create_task(desk.make_key("报表", once="k-1"))
            await claimed_until(desk, clock.now() + IN_FLIGHT)
            second = await desk.make_key("报表", once="k-1")

        assert second.status_code == 409
        assert second.json()["type"] == "/problems/request-in-flight"
        assert (await first).status_code == 201
        assert (await desk.make_key("报表", once="k-1")).headers["idempotency-replayed"] == "true"

    async def test_twenty_at_once_make_one_object(self, desk: Desk) -> None:
        answers = await asyncio.gather(*(desk.make_key("报表", once="k-1") for _ in range(20)))

        assert await desk.keys_named("报表") == 1
        made = [answer for answer in answers if answer.status_code == 201]
        told = Counter("idempotency-replayed" in answer.headers for answer in made)
        assert told[False] == 1
        assert len({answer.content for answer in made}) == 1
        assert {answer.status_code for answer in answers} <= {201, 409}

    async def test_one_that_was_killed_frees_its_key_within_seconds(self, desk: Desk, clock: FakeClock) -> None:
        """Who waits is told how long."""
        await desk.make_key("考勤", once="k-1")
        async with transaction(desk.sessions) as session:
            await session.execute(
                update(IdempotencyRecord).values(status=None, body=None, locked_until=clock.now() + IN_FLIGHT)
            )
        clock.advance(A_MOMENT)
        refused = await desk.make_key("考勤", once="k-1")
        assert (refused.status_code, refused.headers["retry-after"]) == (409, "9")

        clock.advance(timedelta(seconds=9))
        assert (await desk.make_key("考勤", once="k-1")).status_code == 201

    async def test_a_clock_that_was_set_back_keeps_no_key(self, desk: Desk, clock: FakeClock) -> None:
        await desk.make_key("考勤", once="k-1")
        async with transaction(desk.sessions) as session:
            await session.execute(
                update(IdempotencyRecord).values(
                    status=None, body=None, locked_until=clock.now() + timedelta(hours=1) + IN_FLIGHT
                )
            )
        assert (await desk.make_key("考勤", once="k-1")).status_code == 201

    async def test_one_that_takes_long_keeps_its_key(self, desk: Desk, database: str, clock: FakeClock) -> None:
        async with nobody_writes_the_trail(database):
            first = asyncio.create_task(desk.make_key("报表", once="k-1"))
            await claimed_until(desk, clock.now() + IN_FLIGHT)
            clock.advance(A_MOMENT)
            await claimed_until(desk, clock.now() + IN_FLIGHT)

        assert (await first).status_code == 201

    async def test_one_that_was_overtaken_has_no_effect(self, desk: Desk, database: str, clock: FakeClock) -> None:
        """A process that froze for longer wakes up, and another has taken its place."""
        async with nobody_writes_the_trail(database):
            first = asyncio.create_task(desk.make_key("报表", once="k-1"))
            await claimed_until(desk, clock.now() + IN_FLIGHT)
            async with transaction(desk.sessions) as session:
                await session.execute(update(IdempotencyRecord).values(locked_until=clock.now() + 2 * IN_FLIGHT))

        assert (await first).status_code == 409
        assert await desk.keys_named("报表") == 0


class TestFailures:
    """Effect and answer are committed together, or neither is."""

    async def test_a_failing_commit_is_a_500_and_leaves_nothing(self, desk: Desk) -> None:
        """Habit 12: the commit comes before the answer leaves."""
        await refuse_commit_of(desk.sessions, "报表")
        answer = await desk.make_key("报表", once="k-1")

        assert answer.status_code == 500
        assert answer.json()["type"] == "/problems/unexpected"
        assert await desk.keys_named("报表") == 0
        assert await answers_kept(desk.sessions) == 0

        await allow_commits(desk.sessions)
        assert (await desk.make_key("报表", once="k-1")).status_code == 201
        assert await desk.keys_named("报表") == 1

    async def test_a_failing_commit_is_a_500_without_the_header_too(self, desk: Desk) -> None:
        await refuse_commit_of(desk.sessions, "报表")

        assert (await desk.make_key("报表")).status_code == 500
        assert await desk.keys_named("报表") == 0

    async def test_a_crash_frees_the_key(self, desk: Desk) -> None:
        once = {"Idempotency-Key": "k-1"}
        desk.app.state.is_broken = True
        assert (await desk.http.post("/probe/crash", headers=once)).status_code == 500
        desk.app.state.is_broken = False
        answer = await desk.http.post("/probe/crash", headers=once)

        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers

    async def test_a_refusal_is_not_kept(self, desk: Desk) -> None:
        """What was refused may be possible later: the same request is looked at again."""
        assert (await desk.make_key("报表", once="k-1", scopes=("org:fly",))).status_code == 400
        assert await answers_kept(desk.sessions) == 0
        assert (await desk.make_key("报表", once="k-1")).status_code == 201


class TestHowLongAnswersAreKept:
    """24 hours."""

    async def test_a_repeat_within_24_hours_gets_the_answer(self, desk: Desk, clock: FakeClock) -> None:
        await desk.make_key("报表", once="k-1")
        clock.advance(KEPT)
        await desk.make_key("报表", once="k-1")

        assert await desk.keys_named("报表") == 1

    async def test_afterwards_the_key_is_new_even_before_it_was_pruned(self, desk: Desk, clock: FakeClock) -> None:
        await desk.make_key("报表", once="k-1")
        clock.advance(KEPT + A_MOMENT)
        answer = await desk.make_key("考勤", once="k-1")

        assert answer.status_code == 201
        assert await desk.keys_named("考勤") == 1
        assert (await desk.make_key("考勤", once="k-1")).headers["idempotency-replayed"] == "true"

    async def test_old_answers_are_pruned_and_young_ones_stay(self, desk: Desk, clock: FakeClock) -> None:
        await desk.make_key("报表", once="old")
        clock.advance(KEPT + A_MOMENT)
        await desk.make_key("报表", once="young")
        async with transaction(desk.sessions) as session:
            assert await prune(session, now=clock.now()) == 1

        assert await answers_kept(desk.sessions) == 1
