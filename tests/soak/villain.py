"""Kills something every few seconds, by a seed that can be played again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from random import Random

from tests.fleet import Fleet

TARGETS = ("serve", "worker", "worker", "backend", "database")
"""One deck, dealt and shuffled again: nobody is spared for long."""


@dataclass
class Villain:
    """`pause` is the shortest and longest rest between two kills, in seconds."""

    fleet: Fleet
    seed: int
    pause: tuple[float, float]
    deeds: list[tuple[float, str]] = field(default_factory=list)

    async def rage(self) -> None:
        rng = Random(self.seed)  # noqa: S311 -- a seed that can be played again
        began = time.monotonic()
        deck: list[str] = []
        while True:
            await asyncio.sleep(rng.uniform(*self.pause))
            deck = deck or rng.sample(TARGETS, len(TARGETS))
            target = deck.pop()
            self.deeds.append((time.monotonic() - began, target))
            await self._kill(target)

    async def _kill(self, target: str) -> None:
        match target:
            case "serve":
                self.fleet.serve.kill()
            case "worker":
                self.fleet.worker.kill()
            case "backend":
                await self.fleet.database.kill_backend()
            case _:
                await self.fleet.database.kill()
