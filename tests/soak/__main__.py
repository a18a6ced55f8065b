"""`python -m tests.soak --rounds 10`: prints a line per round; the exit code says whether every promise held."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer
from rich.console import Console

from tests.soak.rounds import Round, play

LARGEST_SEED = 10**6


def main(
    rounds: Annotated[int, typer.Option(help="How many stories.", min=1)] = 5,
    seed: Annotated[int | None, typer.Option(help="The first round's seed; the next ones count up.")] = None,
    shortest: Annotated[float, typer.Option(help="Seconds between two kills, at least.")] = 2.0,
    longest: Annotated[float, typer.Option(help="Seconds between two kills, at most.")] = 9.0,
    people: Annotated[int, typer.Option(help="How large the company is.", min=60)] = 80,
    *,
    quiet: Annotated[bool, typer.Option(help="Only one line per round.")] = False,
) -> None:
    """Kill serve, worker and database at random while the demo's story is told."""
    console = Console()
    first = SystemRandom().randrange(LARGEST_SEED) if seed is None else seed
    failed = 0
    for number in range(rounds):
        # Short: the path of a socket may not be long.
        folder = Path(tempfile.mkdtemp(prefix="soak-"))
        voice = Console(quiet=quiet)
        played = asyncio.run(play(folder, voice, seed=first + number, pause=(shortest, longest), people=people))
        console.print(describe(played), highlight=False, soft_wrap=True)
        failed += bool(played.faults)
        if played.faults:
            console.print(f"  logs: {folder}", highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    console.print(f"{rounds - failed} of {rounds} rounds kept every promise", highlight=False)
    raise typer.Exit(1 if failed else 0)


def describe(played: Round) -> str:
    kills = ", ".join(f"{name} {count}×" for name, count in played.kills.items())
    line = f"seed {played.seed}: {played.seconds:.0f} s, killed {kills}"
    if played.ended_by_itself:
        line += f", {played.ended_by_itself} processes ended by themselves"
    if played.settled:
        line += f", settled by a person: {', '.join(played.settled)}"
    return "\n".join([f"{'✗' if played.faults else '✓'} {line}", *(f"    {fault}" for fault in played.faults)])


if __name__ == "__main__":
    typer.run(main)
