"""One round: a company, a story, a villain, a verdict."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from app.demo.stage import StoryBroken
from tests.fleet import Fleet, fleet
from tests.small_disk import WHY_NOT
from tests.soak import plot, verdict
from tests.soak.books import Books
from tests.soak.people import PatientStage
from tests.soak.villain import Villain

WORKERS = 3


@dataclass(frozen=True)
class Round:
    seed: int
    seconds: float
    kills: dict[str, int]
    chaos: dict[str, int]
    """Freezes, cut connections, full disks and trouble of the platform."""
    without: str
    """What could not be done here, and why; empty when everything was."""
    ended_by_itself: int
    settled: list[str]
    """Unknown calls that a person settled."""
    faults: list[str]

    @property
    def line(self) -> str:
        kills = ", ".join(f"{name} {count}×" for name, count in self.kills.items())
        chaos = ", ".join(f"{name} {count}×" for name, count in self.chaos.items())
        line = f"seed {self.seed}: {self.seconds:.0f} s, killed {kills}; {chaos}"
        if self.without:
            line += f" ({self.without})"
        if self.ended_by_itself:
            line += f", {self.ended_by_itself} processes ended by themselves"
        if self.settled:
            line += f", settled by a person: {', '.join(self.settled)}"
        return "\n".join([f"{'✗' if self.faults else '✓'} {line}", *(f"    {fault}" for fault in self.faults)])


async def play(folder: Path, console: Console, *, seed: int, pause: tuple[float, float], people: int) -> Round:
    """Tell the story while the villain kills; come to rest; look whether the books agree."""
    began = time.monotonic()
    async with fleet(folder, people=people, workers=WORKERS) as ships:
        books = Books(ships.database.url)
        async with PatientStage(ships.addresses, console, books) as stage:
            await plot.connect(stage)
            villain = Villain(ships, stage.sandbox, seed, pause)
            settled: list[str] = []
            broken: list[str] = []
            try:
                await _tell_under_attack(stage, villain, settled)
                settled += await verdict.settle(stage, books)
                broken = await verdict.faults(stage, books, ships)
            except StoryBroken as fault:
                broken = [str(fault), f"under way: {await books.under_way()}", *await books.wrongs()]
            return Round(
                seed=seed,
                seconds=time.monotonic() - began,
                kills=_kills(ships),
                chaos=villain.chaos,
                without="" if ships.database.disk else WHY_NOT,
                ended_by_itself=sum(program.ended_by_itself for program in ships.programs),
                settled=settled,
                faults=broken,
            )


async def _tell_under_attack(stage: PatientStage, villain: Villain, settled: list[str]) -> None:
    attack = asyncio.create_task(villain.rage())
    watch = asyncio.create_task(_watch(stage, settled))
    try:
        await plot.tell(stage)
    finally:
        for task in (attack, watch):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StoryBroken):
                await task


async def _watch(stage: PatientStage, settled: list[str]) -> None:
    """An operator who looks now and then, as `/readyz` asks for."""
    while True:
        await asyncio.sleep(5)
        settled += await stage.settle_unknown_calls()


def _kills(ships: Fleet) -> dict[str, int]:
    return {
        "serve": ships.serve.kills,
        "worker": sum(worker.kills for worker in ships.workers),
        "database": ships.database.kills,
    }
