"""What a worker knows it writes down, and one bad call is nobody else's trouble (P3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.delivery.jobs import make_call, record_surely
from app.jobs.timers import sweep
from app.ledger import service as ledger
from app.ledger.jobs import RECOVER, TIMERS, hear_outcome, start_up
from models.delivery import CallState, OutgoingCall
from models.ids import new_id
from tests import databases
from tests.delivery.conftest import Desk
from tests.fakes.queue import take
from tests.platform import Killed


class Hiccup:
    """Sessions of a database that restarts while the platform is being called."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._opened = 0

    def __call__(self) -> Any:
        self._opened += 1
        if self._opened == 2:
            raise ConnectionRefusedError
        return self._sessions()


class TestRecording:
    async def test_a_restarting_database_makes_no_known_outcome_unknown(self, desk: Desk) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "通知", new_id())
        [payload] = await desk.take_jobs()

        await make_call(replace(desk.ctx, sessions=cast("Sessions", Hiccup(desk.sessions))), payload)

        assert (await desk.call(call.id)).state is CallState.DONE
        assert len(await desk.sent_bodies("appchat/send")) == 1


class Hearing:
    """A domain that cannot hear of its calls until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.heard: list[CallState] = []

    async def __call__(self, _session: AsyncSession, call: OutgoingCall, _now: datetime) -> None:
        if not self.mended:
            raise LookupError("the group is gone")
        self.heard.append(call.state)


class TestAnOutcomeNobodyCanHear:
    """P3: what the platform answered is written down, whatever becomes of the function that should hear it."""

    async def test_the_answer_stands_and_the_hearing_is_tried_again(self, desk: Desk) -> None:
        hearing, purpose = Hearing(), f"test.{new_id()}"
        databases.register(desk.sessions, outcomes={purpose: hearing})
        call = await desk.to_group(await desk.group(), "一", new_id(), purpose=purpose)
        [payload] = await desk.take_jobs()
        await make_call(desk.ctx, payload)

        assert (await desk.call(call.id)).state is CallState.DONE
        with pytest.raises(LookupError):
            await hear_outcome(desk.ctx, payload)
        hearing.mended = True
        await hear_outcome(desk.ctx, payload)
        assert hearing.heard == [CallState.DONE]

    async def test_it_does_not_hold_up_the_recovery_of_others(self, desk: Desk) -> None:
        purpose = f"test.{new_id()}"
        databases.register(desk.sessions, outcomes={purpose: Hearing()})
        chatid = await desk.group()
        first = await desk.to_group(chatid, "一", new_id(), purpose=purpose)
        second = await desk.to_group(chatid, "二", new_id())
        for payload in await desk.take_jobs():
            desk.line.kills_after = "/send"
            with pytest.raises(Killed):
                await make_call(desk.ctx, payload)

        desk.clock.advance(timedelta(minutes=4))
        await desk.recover()

        assert (await desk.call(first.id)).state is CallState.UNKNOWN
        assert (await desk.call(second.id)).state is CallState.UNKNOWN


class TestRecoveryIsATimer:
    """D3: leases are counted by the injected clock, so the look for dead workers goes by it too."""

    async def test_it_is_looked_for_dead_workers_each_minute(self, desk: Desk) -> None:
        async with transaction(desk.sessions) as session:
            await start_up(session, now=desk.clock.now(), settings=desk.ctx.settings)

        assert await _looks(desk) == 1
        assert await _looks(desk) == 0
        desk.clock.advance(timedelta(minutes=1))
        assert await _looks(desk) == 1


async def _looks(desk: Desk) -> int:
    """Fire what is due; how many times the calls are then looked through."""
    await sweep(desk.sessions, desk.clock, TIMERS)
    async with transaction(desk.sessions) as session:
        return len(await take(session, RECOVER))


class Away:
    """Sessions of a database that is away for a while."""

    def __init__(self, sessions: Sessions, *, times: int, error: Exception) -> None:
        self._sessions = sessions
        self._left = times
        self._error = error

    def __call__(self) -> Any:
        self._left -= 1
        if self._left >= 0:
            raise self._error
        return self._sessions()


class TestAnAnswerWhileTheDatabaseIsAway:
    @pytest.mark.parametrize("error", [ConnectionRefusedError(), PoolTimeout("no connection is free")], ids=repr)
    async def test_it_is_kept_until_it_can_be_recorded(self, desk: Desk, error: Exception) -> None:
        """Only this process knows it. A post in a group would be unknown for good without it."""
        call = await desk.to_group(await desk.group(), "一", new_id())
        [payload] = await desk.take_jobs()
        async with transaction(desk.sessions) as session:
            attempt = await ledger.claim(session, call_id=payload.call_id, now=desk.clock.now())
        assert isinstance(attempt, ledger.Attempt)
        outcome = await ledger.carry_out(desk.ctx.platform.app, attempt)

        away = replace(desk.ctx, sessions=cast("Sessions", Away(desk.sessions, times=40, error=error)))
        await record_surely(away, attempt, outcome, ended_at=desk.clock.now(), pauses=(timedelta(),) * 4)

        assert (await desk.call(call.id)).state is CallState.DONE
