"""Does harm every few seconds, by a seed that can be played again: kills, freezes, cuts lines, fills the disk, spoils
the platform.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random

import asyncpg

from sandbox.client import SandboxClient
from tests.fleet import Fleet, Program
from tests.soak.stopped_inside import barred, waiting_for

TARGETS = ("serve", "worker", "worker", "backend", "database")
"""One deck, dealt and shuffled again: nobody is spared for long."""
FULL_DISK = "full disk"
CHAOS = ("freeze workers", "freeze serve", "cut", "token trouble", "outage", FULL_DISK)

FREEZES = {"freeze workers": (3.0, 12.0), "freeze serve": (2.0, 4.0)}
"""How long, in seconds: some shorter and some longer than the database lets a transaction stand still."""
INSIDE_WITHIN = 2.0
"""Seconds, in which those who have work run into the lock."""
TROUBLE_LASTS = (5.0, 15.0)
DISK_FULL_LASTS = (3.0, 10.0)
TOKEN_REFUSED, BUSY = 42001, -1


@dataclass
class Villain:
    """`pause` is the shortest and longest rest between two deeds, in seconds."""

    fleet: Fleet
    platform: SandboxClient
    seed: int
    pause: tuple[float, float]
    deeds: list[tuple[float, str]] = field(default_factory=list)
    _lasting: set[asyncio.Task[None]] = field(default_factory=set)

    async def rage(self) -> None:
        rng = Random(self.seed)  # noqa: S311 -- a seed that can be played again
        began = time.monotonic()
        deck: list[str] = []
        try:
            while True:
                await asyncio.sleep(rng.uniform(*self.pause))
                deck = deck or rng.sample(self.possible, len(self.possible))
                target = deck.pop()
                self.deeds.append((time.monotonic() - began, target))
                await self._strike(target, rng)
        finally:
            await self._undo()

    @property
    def possible(self) -> tuple[str, ...]:
        """Everything, but no full disk where the disk is not ours."""
        deeds = TARGETS + CHAOS
        return deeds if self.fleet.database.disk else tuple(deed for deed in deeds if deed != FULL_DISK)

    @property
    def chaos(self) -> dict[str, int]:
        """How often each kind of harm beside the kills was done."""
        done = Counter(target for _, target in self.deeds)
        return {target: done[target] for target in CHAOS}

    async def _strike(self, target: str, rng: Random) -> None:
        match target:
            case "serve":
                self.fleet.serve.kill()
            case "worker":
                rng.choice(self.fleet.workers).kill()
            case "backend":
                await self.fleet.database.kill_backend()
            case "database":
                await self.fleet.database.kill()
            case "cut":
                await self.fleet.database.cut_connections()
            case "freeze workers":
                # All but one: that one goes on. Those who are at work are stopped inside their transactions.
                frozen = rng.sample(self.fleet.workers, len(self.fleet.workers) - 1)
                self._for_a_while(self._freeze_inside(frozen, rng.uniform(*FREEZES[target])))
            case "freeze serve":
                self._for_a_while(self._freeze([self.fleet.serve], rng.uniform(*FREEZES[target])))
            case "full disk":
                self._for_a_while(self._fill(rng.uniform(*DISK_FULL_LASTS)))
            case _:
                errcode = TOKEN_REFUSED if target == "token trouble" else BUSY
                self._for_a_while(self._spoil(errcode, rng.uniform(*TROUBLE_LASTS)))

    def _for_a_while(self, harm: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(harm)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    async def _freeze(self, programs: list[Program], seconds: float) -> None:
        frozen = [(program, group) for program in programs if (group := program.freeze()) is not None]
        try:
            await asyncio.sleep(seconds)
        finally:
            for program, group in frozen:
                program.thaw(group)

    async def _freeze_inside(self, programs: list[Program], seconds: float) -> None:
        """As many as run into a lock within a moment are inside a transaction; the lock goes when they have stopped."""
        frozen: list[tuple[Program, int]] = []
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with barred(self.fleet.database.url):
                    names = {program.name for program in programs}
                    await waiting_for(self.fleet.database.url, names, seconds=INSIDE_WITHIN)
                    frozen = [(program, group) for program in programs if (group := program.freeze()) is not None]
            await asyncio.sleep(seconds)
        finally:
            for program, group in frozen:
                program.thaw(group)

    async def _fill(self, seconds: float) -> None:
        await self.fleet.database.fill_disk()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.fleet.database.free_disk()

    async def _spoil(self, errcode: int, seconds: float) -> None:
        """Every call is refused for a reason that is not its own; it has no effect."""
        await self.platform.fail("*", errcode=errcode, times=None)
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.platform.clear_faults()

    async def _undo(self) -> None:
        for task in tuple(self._lasting):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.platform.clear_faults()
