"""`python -m tests.soak --rounds 10`: prints a line per round; the exit code says whether every promise held."""

from __future__ import annotations

import asyncio
import shutil
from random import SystemRandom
from typing import Annotated

import typer
from rich.console import Console

from tests.fleet import short_folder
from tests.soak.rounds import play

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
        folder = short_folder()
        voice = Console(quiet=quiet)
        played = asyncio.run(play(folder, voice, seed=first + number, pause=(shortest, longest), people=people))
        console.print(played.line, highlight=False, soft_wrap=True)
        if played.faults:
            failed += 1
            console.print(f"  logs: {folder}", highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    console.print(f"{rounds - failed} of {rounds} rounds kept every promise", highlight=False)
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
