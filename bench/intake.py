"""Intake: how many callbacks one process accepts durably in a second, from 64 connections that never pause.

Against its ceiling (the same process, the same code, without the database write) and against the usual way (wechatpy
and one INSERT per request in the same framework). The three take turns; each callback is a new one, signed before the
clock starts.
"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import ExitStack

from bench.load import CONNECTIONS, Generator, Outcome
from bench.report import Line, at_least, at_most, per_second, ratio
from bench.stage import Failed, Process, Stage, connection

ROUNDS = 9
CALLBACKS = 12_000
"""In a round: four to six seconds."""
CPU_MICROSECONDS = 150
"""For a callback, without the write."""
PATH = "/callbacks/app"


async def measure(stage: Stage) -> list[Line]:
    url = await stage.database()
    ours, ceiling, usual = await asyncio.gather(
        stage.serve(url),
        stage.service(["bench.ceiling"], await stage.database()),
        stage.service(["bench.usual"], await stage.database()),
    )
    rates: dict[str, list[float]] = {"ours": [], "ceiling": [], "usual": []}
    cpu: dict[str, list[float]] = {name: [] for name in rates}
    with ExitStack() as exits:
        generator = exits.enter_context(Generator())
        sent = stage.scaled(CALLBACKS, least=CONNECTIONS * 5)
        for number in stage.rounds(ROUNDS):
            for name, process in (("ceiling", ceiling), ("ours", ours), ("usual", usual)):
                before = process.cpu_seconds
                outcome = await generator.closed(process.base + PATH, sent)
                cpu[name].append((process.cpu_seconds - before) / sent * 1e6)
                rates[name].append(_checked(process, outcome).rate)
            stage.say(f"intake: round {number + 1}")
        await _check_stored(url, expected=sent * len(stage.rounds(ROUNDS)))
    return [*_lines(rates, cpu), _processor(cpu)]


def _checked(process: Process, outcome: Outcome) -> Outcome:
    if outcome.refused:
        raise Failed(f"{process.name} refused {outcome.refused} callbacks:\n{process.tail()}")
    return outcome


async def _check_stored(url: str, *, expected: int) -> None:
    """An answer of 200 is a committed row (P1): a faster intake that loses one is no intake."""
    async with connection(url) as sql:
        found = await sql.fetchval("SELECT count(*) FROM received_events")
    if found != expected:
        raise Failed(f"{expected} callbacks were answered with 200, and {found} are in the database")


def _processor(cpu: dict[str, list[float]]) -> Line:
    """The steadier figure: a neighbour takes much of a process's time, and little of what it is charged for."""
    used = cpu["ceiling"]
    figures = {name: f"{statistics.median(values):,.0f} µs" for name, values in cpu.items()}
    figures["scatter"] = f"{min(used):,.0f}–{max(used):,.0f} µs"
    what = "intake: CPU of a callback without the write"
    value = statistics.median(used)
    return Line(what, "the ceiling's process", value, at_most(CPU_MICROSECONDS, "µs"), figures, tuple(used))


def _lines(rates: dict[str, list[float]], cpu: dict[str, list[float]]) -> list[Line]:
    """CPU per callback stands beside the rates: it is steadier where the machine has other work."""
    what = "intake: callbacks/s accepted durably, one process, 64 connections"
    against = {
        "ceiling": ("the same process without the database write (ceiling)", 0.85),
        "usual": ("the usual way: wechatpy + one INSERT per request", 4.5),
    }
    lines = []
    for other, (words, bar) in against.items():
        value, rounds = ratio(rates["ours"], rates[other])
        figures = {
            name: f"{per_second(rates[name])}, CPU {statistics.median(cpu[name]):,.0f} µs each"
            for name in ("ours", other)
        }
        lines.append(Line(what, words, value, at_least(bar), figures, rounds))
    return lines
