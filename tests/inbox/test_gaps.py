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
from tests.fakes.queue import queued_names

FIRST, SECOND = new_id(), new_id()


async def beat(
    sessions: Sessions, server: UUID = FIRST, *, is_new: bool = True, was_away: bool = False
) -> CallbackGap | None:
    async with transaction(sessions) as session:
        return await gaps.beat(
            session, server_id=server, server="box:1", is_new=is_new, was_away=was_away, now=MONDAY_9AM
        )


async def look_back(sessions: Sessions, server: UUID) -> CallbackGap | None:
    async with transaction(sessions) as session:
        return await gaps.look_back(session, server_id=server, server="box:1", now=MONDAY_9AM)


async def pass_in_silence(sessions: Sessions, seconds: float) -> None:
    """By the database's clock: heartbeats of several hosts are compared with each other."""
    async with transaction(sessions) as session:
        statement = text(
            "UPDATE intake_servers SET seen_at = seen_at - make_interval(secs => :seconds), "
            "started_at = started_at - make_interval(secs => :seconds)"
        )
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
        return await queued_names(session)


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

    async def test_so_is_every_clean_restart_of_the_only_one(self, sessions: Sessions) -> None:
        """Its length is known exactly, and who is refused a connection may try all three times within it."""
        await beat(sessions)
        await goodbye(sessions)
        await pass_in_silence(sessions, 3)

        gap = await beat(sessions, SECOND)

        assert gap is not None
        assert timedelta(seconds=3) <= gap.ended_at - gap.started_at < timedelta(seconds=8)

    async def test_who_takes_over_within_a_second_leaves_none(self, sessions: Sessions) -> None:
        await beat(sessions)
        await goodbye(sessions)

        assert await beat(sessions, SECOND) is None

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


class TestAProcessThatWasKilled:
    """It said no goodbye, and a start within seconds cannot tell at first whether it goes on: so it looks back."""

    async def test_the_only_one_leaves_a_gap_until_the_next_start_however_short(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await pass_in_silence(sessions, 4)
        assert await beat(sessions, SECOND) is None, "it may go on"
        await pass_in_silence(sessions, 20)
        await beat(sessions, SECOND, is_new=False)

        gap = await look_back(sessions, SECOND)

        assert gap is not None
        assert (gap.reason, gap.ended_at < MONDAY_9AM - timedelta(seconds=19)) == (GapReason.NOT_SERVED, True)
        assert timedelta(seconds=4) <= gap.ended_at - gap.started_at < timedelta(seconds=9)
        assert "inbox.close_gaps" in await queued(sessions)

    async def test_one_of_two_leaves_none_when_it_is_started_again(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await beat(sessions, SECOND)
        await pass_in_silence(sessions, 4)
        await beat(sessions, FIRST, is_new=False)
        third = new_id()
        await beat(sessions, third)
        await pass_in_silence(sessions, 10)
        await beat(sessions, FIRST, is_new=False)

        assert await look_back(sessions, third) is None

    async def test_two_that_come_back_together_record_one(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await pass_in_silence(sessions, 4)
        again = [new_id(), new_id()]
        for server in again:
            await beat(sessions, server)
        await pass_in_silence(sessions, 10)
        for server in again:
            await beat(sessions, server, is_new=False)

        assert [await look_back(sessions, server) is not None for server in again] == [True, False]

    async def test_a_rolling_restart_leaves_none(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await pass_in_silence(sessions, 4)
        await beat(sessions, SECOND)
        await goodbye(sessions, FIRST)

        assert await look_back(sessions, SECOND) is None

    async def test_a_goodbye_beside_one_that_goes_on_leaves_none(self, sessions: Sessions) -> None:
        third = new_id()
        await beat(sessions, FIRST)
        await pass_in_silence(sessions, 4)
        await beat(sessions, SECOND)
        await goodbye(sessions, SECOND)
        await pass_in_silence(sessions, 3)
        assert await beat(sessions, third) is None
        await beat(sessions, FIRST, is_new=False)

        assert await look_back(sessions, third) is None

    async def test_a_goodbye_beside_one_that_was_killed_leaves_one(self, sessions: Sessions) -> None:
        third = new_id()
        await beat(sessions, FIRST)
        await beat(sessions, SECOND)
        await goodbye(sessions, SECOND)
        await pass_in_silence(sessions, 3)
        assert await beat(sessions, third) is None

        assert await look_back(sessions, third) is not None

    async def test_a_long_silence_is_recorded_at_once_and_stays_one(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)
        await pass_in_silence(sessions, 600)
        assert await beat(sessions, SECOND) is not None
        await look_back(sessions, SECOND)

        assert len(await all_gaps(sessions)) == 1

    async def test_the_very_first_one_has_nobody_before_it(self, sessions: Sessions) -> None:
        await beat(sessions, FIRST)

        assert await look_back(sessions, FIRST) is None


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

    async def test_one_at_work_is_waited_for(self, gap: CallbackGap, sessions: Sessions) -> None:
        await sync_run(sessions, MONDAY_9AM + timedelta(seconds=1), SyncState.RUNNING)

        assert await close(sessions) == 0
        assert "org.sync" not in await queued(sessions)

    @pytest.mark.parametrize("state", [SyncState.HELD, SyncState.RELEASED, SyncState.REJECTED])
    async def test_one_whose_losses_wait_for_a_person_closes_it_all_the_same(
        self, state: SyncState, gap: CallbackGap, sessions: Sessions
    ) -> None:
        """It has read everything and applied all the rest; what is held is shown as held (P6)."""
        await sync_run(sessions, MONDAY_9AM + timedelta(seconds=1), state)

        assert await close(sessions) == 1

    async def test_a_clock_that_was_put_back_does_not_keep_it_open(self, gap: CallbackGap, sessions: Sessions) -> None:
        put_back = MONDAY_9AM - timedelta(hours=1)

        assert await close(sessions, put_back) == 0
        await sync_run(sessions, put_back + timedelta(seconds=5))
        assert await close(sessions, put_back + timedelta(minutes=1)) == 1

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
