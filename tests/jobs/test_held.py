"""Work that failed to the end waits for a person, is visible, and can be tried again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.held import held_work, note_given_up, note_wait, rescue, try_again
from app.jobs.queue import enqueue
from app.jobs.timers import next_due, set_timer
from tests.fakes.clock import MONDAY_9AM, FakeClock


async def given_held_work(session: AsyncSession, clock: FakeClock) -> None:
    await enqueue(session, "org.sync", {"reason": "测试"})
    await enqueue(session, "delivery.make_call", {})
    await session.execute(text("UPDATE pgqueuer SET status = 'failed', attempts = 8 WHERE entrypoint = 'org.sync'"))
    await set_timer(session, "test.due", "x", clock.now() - timedelta(hours=1))
    await session.execute(text("UPDATE timers SET parked_at = now(), attempts = 8"))


async def test_both_are_listed_and_work_that_goes_on_is_not(session: AsyncSession, clock: FakeClock) -> None:
    await given_held_work(session, clock)
    found = await held_work(session)
    assert {row["name"] for row in found} == {"org.sync", "test.due"}
    assert {row["payload"] for row in found} == {'{"reason": "测试"}', "x"}


async def test_all_are_tried_again(session: AsyncSession, clock: FakeClock) -> None:
    await given_held_work(session, clock)
    assert await try_again(session, ids=None, now=clock.now()) == 2
    assert await held_work(session) == []
    assert await next_due(session) == clock.now()
    queued = "SELECT count(*) FROM pgqueuer WHERE status = 'queued' AND attempts = 0"
    assert (await session.execute(text(queued))).scalar_one() == 2


async def test_only_the_named_one_is_tried_again(session: AsyncSession, clock: FakeClock) -> None:
    await given_held_work(session, clock)
    [timer] = [row["id"] for row in await held_work(session) if row["name"] == "test.due"]
    assert await try_again(session, ids=[timer, "timer:none/none"], now=clock.now()) == 1
    assert [row["name"] for row in await held_work(session)] == ["org.sync"]


async def test_a_job_held_before_its_last_try_goes_on_by_itself(session: AsyncSession) -> None:
    """PgQueuer holds a job whose retry it cannot write, because the database is away."""
    await enqueue(session, "org.sync", {})
    await session.execute(text("UPDATE pgqueuer SET status = 'failed', attempts = 1"))
    assert await rescue(session) == ["org.sync"]
    assert (await session.execute(text("SELECT status::text, attempts FROM pgqueuer"))).one() == ("queued", 2)


async def test_it_does_so_however_often_it_has_waited_for_the_platform(session: AsyncSession) -> None:
    await enqueue(session, "org.sync", {})
    [job_id] = (await session.execute(text("SELECT id FROM pgqueuer"))).scalars()
    for _ in range(20):
        await note_wait(session, job_id)
    await session.execute(text("UPDATE pgqueuer SET status = 'failed', attempts = 20"))
    assert await rescue(session) == ["org.sync"]
    row = (await session.execute(text("SELECT status::text, attempts, headers ->> 'waits' FROM pgqueuer"))).one()
    assert row == ("queued", 21, "21")


async def test_a_job_that_the_release_before_gave_up_waits_for_a_person(session: AsyncSession) -> None:
    """It left no mark: an upgrade decides nothing that waits for a person."""
    await enqueue(session, "org.sync", {})
    await session.execute(text("UPDATE pgqueuer SET status = 'failed', attempts = 7"))
    assert await rescue(session) == []


async def test_a_job_that_was_given_up_waits_for_a_person(session: AsyncSession) -> None:
    await enqueue(session, "org.sync", {})
    [job_id] = (await session.execute(text("SELECT id FROM pgqueuer"))).scalars()
    await note_given_up(session, job_id)
    await session.execute(text("UPDATE pgqueuer SET status = 'failed', attempts = 7"))
    assert await rescue(session) == []
    assert len(await held_work(session)) == 1

    assert await try_again(session, ids=None, now=MONDAY_9AM) == 1
    left = "SELECT count(*) FROM pgqueuer WHERE headers ?| array['waits', 'given_up']"
    assert (await session.execute(text(left))).scalar_one() == 0
