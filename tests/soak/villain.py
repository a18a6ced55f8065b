"""Does harm every few seconds, by a seed that can be played again: kills, freezes, cuts lines, spoils the platform."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random

from sandbox.client import SandboxClient
from tests.fleet import Fleet, Program

TARGETS = ("serve", "worker", "worker", "backend", "database")
"""One deck, dealt and shuffled again: nobody is spared for long."""
CHAOS = ("freeze worker", "freeze serve", "cut", "token trouble", "outage")

FREEZES = {"freeze worker": (3.0, 12.0), "freeze serve": (2.0, 4.0)}
"""How long, in seconds: some shorter and some longer than the database lets a transaction stand still."""
TROUBLE_LASTS = (5.0, 15.0)
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
                deck = deck or rng.sample(TARGETS + CHAOS, len(TARGETS + CHAOS))
                target = deck.pop()
                self.deeds.append((time.monotonic() - began, target))
                await self._strike(target, rng)
        finally:
            await self._undo()

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
                self.fleet.worker.kill()
            case "backend":
                await self.fleet.database.kill_backend()
            case "database":
                await self.fleet.database.kill()
            case "cut":
                await self.fleet.database.cut_connections()
            case "freeze worker":
                self._for_a_while(self._freeze(self.fleet.worker, rng.uniform(*FREEZES[target])))
            case "freeze serve":
                self._for_a_while(self._freeze(self.fleet.serve, rng.uniform(*FREEZES[target])))
            case _:
                errcode = TOKEN_REFUSED if target == "token trouble" else BUSY
                self._for_a_while(self._spoil(errcode, rng.uniform(*TROUBLE_LASTS)))

    def _for_a_while(self, harm: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(harm)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    async def _freeze(self, program: Program, seconds: float) -> None:
        frozen = program.freeze()
        try:
            await asyncio.sleep(seconds)
        finally:
            if frozen is not None:
                program.thaw(frozen)

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
