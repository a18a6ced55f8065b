"""`python -m tests.fuzz [--count 1000000] [--seed N] [--play FILE]`: exits 1 when anything was answered wrongly."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests import databases
from tests.fakes.clock import MONDAY_9AM
from tests.fuzz.attack import Attack, Attacker
from tests.fuzz.siege import CORPUS, Siege, corpus, siege

CHUNK = 5_000
FAILED = Path("var") / "fuzz"

out = Console()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Hostile callbacks against the service.")
    parser.add_argument("--count", type=int, default=1_000_000, help="how many attacks (default: a million)")
    parser.add_argument("--seed", type=int, help="the number they are made from (default: a new one, which is told)")
    parser.add_argument("--play", type=Path, help="play one saved attack instead")
    parser.add_argument("--failed", type=Path, default=FAILED, help=f"where failures are saved (default: {FAILED})")
    return parser.parse_args()


def attacks(attacker: Attacker, seed: int, count: int) -> Iterator[Attack]:
    """Attack number n of a seed is always the same."""
    return (attacker.make(seed * 1_000_003 + number) for number in range(count))


async def play(url: str, given: argparse.Namespace) -> Siege:
    seed = given.seed if given.seed is not None else secrets.randbelow(10**9)
    attacker = Attacker(at=int(MONDAY_9AM.timestamp()))
    template = await asyncio.to_thread(databases.ensure_template, url)
    async with databases.clone(url, template) as database, siege(database) as found:
        if given.play:
            await found.play([Attack.from_json(json.loads(given.play.read_text(encoding="utf-8")))])
            return found
        kept = corpus()
        out.print(f"seed {seed}: {len(kept)} attacks of {CORPUS.name} first, then {given.count} new ones")
        await found.play(kept)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=out) as progress:
            bar = progress.add_task("", total=given.count)
            made = attacks(attacker, seed, given.count)
            for start in range(0, given.count, CHUNK):
                part = [next(made) for _ in range(min(CHUNK, given.count - start))]
                await found.play(part, told=lambda: progress.advance(bar))
                progress.update(bar, description=f"{len(found.failures)} failures")
    return found


def main() -> int:
    given = arguments()
    # The refusals themselves are what is wanted; a million lines about them are not.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    with databases.server() as url:
        found = asyncio.run(play(url, given))
    played = sum(found.statuses.values())
    out.print(
        f"{played} attacks in {time.monotonic() - began:.0f} s, by answer: {dict(sorted(found.statuses.items()))}"
    )
    for failure in found.failures:
        out.print(f"{failure.why}: {failure.save(given.failed)}", style="red", markup=False)
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
