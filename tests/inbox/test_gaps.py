"""F17: a time in which events may have been lost is noticed, told, and closed by a full sync that began after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.database import Sessions, transaction
from app.inbox import gaps
from app.inbox.gaps import Outage
from models.ids import new_id
from models.intake import CallbackGap, GapReason, IntakeServer
from models.org import SyncKind, SyncRun, SyncState
from tests.fakes.clock import MONDAY_9AM, FakeClock

FIRST, SECOND = new_id(), new_id()


async def beat(
    sessions: Sessions, server: UUID = FIRST, *, is_new: bool = True, was_away: bool = False
) -> CallbackGap | None:
    async with transaction(sessions) as session:
        return await gaps.beat(
            session, server_id=server, server="box:1", is_new=is_new, was_away=was_away, now=MONDAY_9AM
        )


async def pass_in_silence(sessions: Sessions, seconds: float) -> None:
    """By the database's clock: heartbeats of several hosts are compared with each other."""
    async with transaction(sessions) as session:
        statement = text("UPDATE intake_servers SET seen_at = seen_at - make_interval(secs => :seconds)")
        await session.execute(statement, {"seconds": seconds})


async def goodbye(sessions: Sessions, server: UUID = FIRST) -> None:
    async with transaction(sessions) as session:
        await gaps.say_goodbye(session, server_id=server)


async def report(sessions: Sessions, *, seconds: float, not_stored: int = 0, ago: float = 0.0) -> CallbackGap | None:
    ended = MONDAY_9AM - timedelta(seconds=ago)
    outage = Outage(ended - timedelta(seconds=seconds), ended, not_stored, 0)
    async with transaction(sessions) as session:
        return await gaps.report_outage(session, server="box:2", outage=outage, now=MONDAY_9AM)


async def all_gaps(sessions: Sessions) -> list[CallbackGap]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(CallbackGap).order_by(col(CallbackGap.id))))


async def queued(sessions: Sessions) -> list[str]:
    async with transaction(sessions) as session:
        return list((await session.execute(text("SELECT entrypoint FROM pgqueuer ORDER BY id"))).scalars())


async def sync_run(
    sessions: Sessions, at: datetime, state: SyncState = SyncState.DONE, *, dry_run: bool = False
) -> UUID:
    run = SyncRun(
        kind=SyncKind.FULL,
        state=state,
        dry_run=dry_run,
        correlation_id="c",
        heartbeat_at=at,
        started_at=at,
        finished_at=None if state is SyncState.RUNNING else at,
    )
    async with transaction(sessions) as session:
        session.add(run)
    return run.id


async def close(sessions: Sessions, now: datetime = MONDAY_9AM + timedelta(minutes=1)) -> int:
    async with transaction(sessions) as session:
        return await gaps.close_gaps(session, now=now)


class TestAProcessThatServes:
    """A sign of life every five seconds; the silence of all of them is a gap."""

    async def test_the_very_first_start_is_none(self, sessions: Sessions) -> None:
        assert await beat(sessions) is None

    async def test_a_process_that_goes_on_is_none(self, sessions: Sessions) -> None:
        await beat(sessions)
        await pass_in_silence(sessions, 14)

        assert await beat(sessions, is_new=False) is None

    async def test_a_start_after_a_kill_is_one_from_the_last_sign_of_life(self, sessions: Sessions) -> None:
        await beat(sessions)
        await pass_in_silence(sessions, 600)

        gap = await beat(sessions, SECOND)

        assert gap is not None
        assert (gap.reason, gap.ended_at) == (GapReason.NOT_SERVED, MONDAY_9AM)
        assert timedelta(seconds=600) <= gap.ended_at - gap.started_at < timedelta(seconds=605)
        assert await queued(sessions) == ["inbox.close_gaps", "groups.reconcile"]

    @pytest.mark.parametrize(("seconds", "is_gap"), [(3, False), (7, True)])
    async def test_after_a_clean_stop_the_length_is_known_and_less_is_enough(
        self, seconds: int, is_gap: bool, sessions: Sessions
    ) -> None:
        await beat(sessions)
        await goodbye(sessions)
        await pass_in_silence(sessions, seconds)

        assert (await beat(sessions, SECOND) is not None) == is_gap

    async def test_a_rolling_restart_is_none(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await goodbye(sessions, FIRST)
        await pass_in_silence(sessions, 600)
        await beat(sessions, SECOND, is_new=False)  # closes the silence itself
        async with transaction(sessions) as session:
            await session.execute(text("DELETE FROM callback_gaps"))

        assert await beat(sessions, new_id()) is None

    async def test_servers_that_come_back_together_record_one(self, sessions: Sessions) -> None:
        await beat(sessions)
        await pass_in_silence(sessions, 600)

        found = [await beat(sessions, new_id()) for _ in range(3)]

        assert [gap is not None for gap in found] == [True, False, False]

    async def test_a_process_that_could_not_write_says_that_it_was_the_database(self, sessions: Sessions) -> None:
        await beat(sessions)
        await pass_in_silence(sessions, 60)

        gap = await beat(sessions, is_new=False, was_away=True)

        assert gap is not None
        assert gap.reason is GapReason.DATABASE

    async def test_the_last_one_seen_is_remembered_for_ever_and_others_for_a_week(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await pass_in_silence(sessions, 600)
        await beat(sessions, SECOND)
        await pass_in_silence(sessions, 8 * 24 * 3600)

        async with transaction(sessions) as session:
            assert await gaps.forget_servers(session) == 1
            assert [server.id for server in await session.scalars(select(IntakeServer))] == [SECOND]


class TestAnOutageOfTheDatabase:
    @pytest.mark.parametrize(
        ("seconds", "not_stored", "is_gap"), [(3, 0, False), (14, 0, False), (16, 0, True), (0, 1, True)]
    )
    async def test_it_is_a_gap_when_something_was_lost_or_the_platforms_patience_was_at_its_end(
        self, seconds: float, not_stored: int, is_gap: bool, sessions: Sessions
    ) -> None:
        assert (await report(sessions, seconds=seconds, not_stored=not_stored) is not None) == is_gap

    async def test_what_several_servers_saw_is_one_gap_with_all_losses(self, sessions: Sessions) -> None:
        await report(sessions, seconds=30, not_stored=2, ago=5)
        await report(sessions, seconds=20, not_stored=3)

        [gap] = await all_gaps(sessions)
        assert gap.not_stored == 5
        assert gap.ended_at - gap.started_at == timedelta(seconds=35)

    async def test_two_outages_are_two_gaps(self, sessions: Sessions) -> None:
        await report(sessions, seconds=30, ago=3600)
        await report(sessions, seconds=30)

        assert len(await all_gaps(sessions)) == 2


class TestClosing:
    """By a full sync that began after the gap and succeeded; nothing else has read what was lost."""

    @pytest.fixture
    async def gap(self, sessions: Sessions) -> CallbackGap:
        found = await report(sessions, seconds=60, not_stored=1)
        assert found is not None
        return found

    async def test_a_later_run_that_is_done_closes_it(self, gap: CallbackGap, sessions: Sessions) -> None:
        run = await sync_run(sessions, MONDAY_9AM + timedelta(seconds=1))

        assert await close(sessions) == 1
        [closed] = await all_gaps(sessions)
        assert (closed.closed_by, closed.closed_at) == (run, MONDAY_9AM + timedelta(minutes=1))
        assert "org.sync" not in await queued(sessions)

    @pytest.mark.parametrize(
        "run",
        [
            {"at": MONDAY_9AM - timedelta(seconds=1)},
            {"at": MONDAY_9AM + timedelta(seconds=1), "dry_run": True},
        ],
        ids=["begun before it ended", "a dry run"],
    )
    async def test_others_do_not_and_one_is_asked_for(
        self, run: dict[str, Any], gap: CallbackGap, sessions: Sessions
    ) -> None:
        await sync_run(sessions, **run)

        assert await close(sessions) == 0
        assert await queued(sessions) == ["inbox.close_gaps", "groups.reconcile", "org.sync"]
        assert await close(sessions) == 0
        assert (await queued(sessions)).count("org.sync") == 1

    @pytest.mark.parametrize("state", [SyncState.RUNNING, SyncState.HELD])
    async def test_one_at_work_or_waiting_for_a_person_is_waited_for(
        self, state: SyncState, gap: CallbackGap, sessions: Sessions
    ) -> None:
        await sync_run(sessions, MONDAY_9AM + timedelta(seconds=1), state)

        assert await close(sessions) == 0
        assert "org.sync" not in await queued(sessions)

    async def test_after_one_that_failed_the_next_comes_ten_minutes_later(
        self, gap: CallbackGap, sessions: Sessions, clock: FakeClock
    ) -> None:
        await sync_run(sessions, MONDAY_9AM + timedelta(seconds=1), SyncState.FAILED)

        await close(sessions, MONDAY_9AM + timedelta(minutes=5))
        assert "org.sync" not in await queued(sessions)
        await close(sessions, MONDAY_9AM + timedelta(minutes=11))
        assert "org.sync" in await queued(sessions)


async def test_nothing_open_asks_for_nothing(session: AsyncSession) -> None:
    assert await gaps.close_gaps(session, now=MONDAY_9AM) == 0
