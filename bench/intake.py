"""Intake: how many callbacks one process accepts durably in a second, from 64 connections that never pause.

Against its ceiling (the same process, the same code, without the database write) and against the usual way (wechatpy
and one INSERT per request in the same framework). The three take turns; each callback is a new one, signed before the
clock starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

from bench.load import CONNECTIONS, Generator, Outcome
from bench.report import Line, at_least, per_second, ratio
from bench.stage import Failed, Process, Stage, connection

ROUNDS = 5
CALLBACKS = 6_000
"""In a round: two to three seconds."""
PATH = "/callbacks/app"


async def measure(stage: Stage) -> list[Line]:
    url = await stage.database()
    ours, ceiling, usual = await asyncio.gather(
        stage.serve(url),
        stage.service(["bench.ceiling"], await stage.database()),
        stage.service(["bench.usual"], await stage.database()),
    )
    rates: dict[str, list[float]] = {"ours": [], "ceiling": [], "usual": []}
    with ExitStack() as exits:
        generator = exits.enter_context(Generator())
        sent = stage.scaled(CALLBACKS, least=CONNECTIONS * 5)
        for number in stage.rounds(ROUNDS):
            for name, process in (("ceiling", ceiling), ("ours", ours), ("usual", usual)):
                outcome = await generator.closed(process.base + PATH, sent)
                rates[name].append(_checked(process, outcome).rate)
            stage.say(f"intake: round {number + 1} of {ROUNDS}")
        await _check_stored(url, expected=sent * len(stage.rounds(ROUNDS)))
    return _lines(rates["ours"], rates["ceiling"], rates["usual"])


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


def _lines(ours: Sequence[float], ceiling: Sequence[float], usual: Sequence[float]) -> list[Line]:
    what = "intake: callbacks/s accepted durably, one process, 64 connections"
    to_ceiling, ceiling_rounds = ratio(ours, ceiling)
    to_usual, usual_rounds = ratio(ours, usual)
    return [
        Line(
            what,
            "the same process without the database write (ceiling)",
            to_ceiling,
            at_least(0.85),
            {"ours": per_second(ours), "ceiling": per_second(ceiling)},
            ceiling_rounds,
        ),
        Line(
            what,
            "the usual way: wechatpy + one INSERT per request",
            to_usual,
            at_least(1.7),
            {"ours": per_second(ours), "the usual way": per_second(usual)},
            usual_rounds,
        ),
    ]
