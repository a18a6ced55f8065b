"""Beside the intake, never in its path: heartbeats, gaps, callers turned away, and whether an address works.

Everything here is bounded in memory and written at most once a second. While the database is away it waits.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.clock import Clock
from app.database import Sessions, transaction
from app.inbox import gaps, refusals
from app.inbox.gaps import Outage
from app.inbox.messages import callbacks_not_opened
from app.inbox.refusals import Attempts
from app.observability import get_logger
from callbacks.crypto import Signed
from callbacks.errors import AES_KEY, OTHER_AES_KEY, Reason
from callbacks.group_commit import GroupCommit
from callbacks.turned_away import TurnedAway
from models.ids import AppId, new_id

TICK_SECONDS: Final = 1.0
STATE_EVERY_SECONDS: Final = 30.0

_WRITE_SECONDS: Final = 10.0
_PENDING: Final = 1_000  # refusals kept for a database that is away

# Only somebody who holds a key of ours can be refused for these: the platform, with settings that differ from ours.
_CERTAIN: Final = frozenset({AES_KEY, OTHER_AES_KEY, "token", "token, corp_id"})
_CERTAIN_REASONS: Final = frozenset({Reason.OTHER_CHANNEL.value, Reason.WRONG_RECEIVER.value})

log = get_logger()


@dataclass(slots=True)
class _Address:
    """How a callback address is doing, as far as this process knows."""

    verified_at: datetime | None = None
    refused: Attempts | None = None
    written: tuple[datetime | None, Attempts | None] | None = None
    was_well: bool = False
    written_at: float = 0.0

    @property
    def is_well(self) -> bool:
        return self.verified_at is not None and (self.refused is None or self.refused.last_at <= self.verified_at)

    def is_due(self, at: float) -> bool:
        """News are written twice a minute; at once when it turns from one to the other, or is first refused."""
        if self.written is None:
            return True
        is_news = self.written != (self.verified_at, self.refused)
        is_first_refusal = self.refused is not None and self.written[1] is None
        has_turned = is_first_refusal or self.is_well != self.was_well
        return is_news and (has_turned or at - self.written_at >= STATE_EVERY_SECONDS)


class Watch:
    """`start()` it with the intake, `stop()` it after."""

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        commit: GroupCommit,
        *,
        channels: tuple[AppId, ...],
        examine: Callable[[str, Signed], str],
    ) -> None:
        self.turned_away = TurnedAway()
        self._sessions = sessions
        self._clock = clock
        self._commit = commit
        self._examine = examine
        self._addresses = {str(channel): _Address() for channel in channels}
        self._server_id = new_id()
        self._server = f"{socket.gethostname()}:{os.getpid()}"
        self._pending: list[Attempts] = []
        self._outages: list[Outage] = []
        self._beaten_at: float | None = None
        self._started_at: float | None = None
        self._was_away = False
        self._has_looked_back = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._tick_forever(), name="callbacks.watch")

    async def stop(self) -> None:
        """Write what is still to be said, and goodbye: the time until the next start is then known exactly."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._attempt(self._say_goodbye)

    def verified(self, channel: str, at: datetime) -> None:
        self._addresses[channel].verified_at = at

    # ------------------------------------------------------------------ the tick

    async def _tick_forever(self) -> None:
        while True:
            await self._attempt(self.tick)
            await asyncio.sleep(TICK_SECONDS)

    async def _attempt(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await write()
        except Exception as error:  # noqa: BLE001 -- the database may be away, for which drivers have many names
            if not self._was_away:
                log.warning("callbacks.watch_waits", error=type(error).__name__)
            self._was_away = True

    async def tick(self) -> None:
        """One round. Raises whatever the database does; nothing that was not written is forgotten."""
        self._collect()
        if self._outages:
            await self._report_outages()
        here = asyncio.get_running_loop().time()
        if self._beaten_at is None or here - self._beaten_at >= gaps.BEAT.total_seconds():
            await self._beat()
        if not self._has_looked_back and here - (self._started_at or here) >= gaps.PATIENCE.total_seconds():
            await self._look_back()
        if self._pending:
            await self._write_refusals()
        await self._write_addresses()

    async def _beat(self) -> None:
        async with transaction(self._sessions) as session:
            gap = await gaps.beat(
                session,
                server_id=self._server_id,
                server=self._server,
                is_new=self._started_at is None,
                was_away=self._was_away,
                now=self._clock.now(),
            )
        self._was_away = False
        self._beaten_at = asyncio.get_running_loop().time()
        if self._started_at is None:
            self._started_at, self._has_looked_back = self._beaten_at, gap is not None

    async def _look_back(self) -> None:
        async with transaction(self._sessions) as session:
            await gaps.look_back(session, server_id=self._server_id, server=self._server, now=self._clock.now())
        self._has_looked_back = True

    async def _say_goodbye(self) -> None:
        self._collect()
        await self._report_outages()
        async with transaction(self._sessions) as session:
            await gaps.say_goodbye(session, server_id=self._server_id)
        if self._pending:
            await self._write_refusals()

    # ------------------------------------------------------------------ what was seen

    def _collect(self) -> None:
        """Take over what the request path has noted: the loop's clock becomes the service's."""
        if trouble := self._commit.take_trouble():
            now, here = self._clock.now(), asyncio.get_running_loop().time()
            began, ended = (now - timedelta(seconds=here - moment) for moment in (trouble.since, trouble.until))
            self._outages.append(Outage(began, ended, trouble.not_stored, trouble.stored_late))
        attempts, silent = self.turned_away.take(self._examine)
        for each in attempts:
            if each.channel in self._addresses and _is_certain(each) and not each.is_own:
                self._addresses[each.channel].refused = each
            if each.reason == Reason.BAD_SIGNATURE.value:
                log.warning("callback.examined", channel=each.channel, caller=each.caller, disagrees=each.disagrees)
        if silent:
            log.warning("callback.refused_more", times=silent, to_see="steward callbacks refusals")
        self._pending = (self._pending + attempts)[-_PENDING:]

    async def _report_outages(self) -> None:
        while self._outages:
            async with transaction(self._sessions) as session:
                await gaps.report_outage(session, server=self._server, outage=self._outages[0], now=self._clock.now())
            self._outages.pop(0)

    async def _write_refusals(self) -> None:
        attempts = refusals.merged(self._pending)
        async with transaction(self._sessions) as session:
            await refusals.note(session, attempts)
        self._pending = []

    async def _write_addresses(self) -> None:
        here = asyncio.get_running_loop().time()
        for channel, address in self._addresses.items():
            if not address.is_due(here):
                continue
            news, is_well = (address.verified_at, address.refused), address.is_well
            refused = address.refused
            async with transaction(self._sessions) as session:
                await refusals.note_address(
                    session,
                    channel=channel,
                    verified_at=address.verified_at,
                    refused_at=refused.last_at if refused else None,
                    problem=callbacks_not_opened(refused.reason, refused.disagrees) if refused and not is_well else "",
                    now=self._clock.now(),
                )
            address.written, address.was_well, address.written_at = news, is_well, here


def _is_certain(attempt: Attempts) -> bool:
    return attempt.disagrees in _CERTAIN or attempt.reason in _CERTAIN_REASONS
