"""Intake under work: the p99 of the answer at 200 callbacks a second while a full sync runs, serve and worker apart.

Against the same rate while the worker has nothing else to do. Callbacks leave by the clock and their latency counts
from the moment they were due, so a stall is charged for everybody who waited. The first busy round is the first sync of
all, which writes most; then quiet and busy rounds take turns.
"""

from __future__ import annotations

import asyncio

import httpx

from bench.load import Generator, Outcome
from bench.report import Line, at_most, ratio
from bench.stage import Failed, Process, Stage, connection
from bench.sync import DEPARTMENTS, PEOPLE, request_sync

RATE = 200
ROUND_SECONDS = 12
SHORTEST_ROUND_SECONDS = 3
ROUNDS = 3
PATH = "/callbacks/app"
P99 = 0.99


async def measure(stage: Stage) -> list[Line]:
    people, departments = stage.scaled(PEOPLE, least=200), stage.scaled(DEPARTMENTS, least=20)
    stage.say(f"latency: seeding {people:,} people")
    sandbox = await stage.sandbox(people, departments)
    url = await stage.database()
    serve = await stage.serve(url, sandbox)
    quiet: list[float] = []
    busy: list[float] = []
    with Generator() as generator:
        await generator.closed(serve.base + PATH, 500)
        worker = await stage.worker(url, sandbox)
        for number in stage.rounds(ROUNDS):
            busy.append(await _while_syncing(stage, generator, serve, worker, url))
            await _sync_over(stage, url, worker)
            quiet.append(await _round(stage, generator, serve))
            stage.say(
                f"latency: round {number + 1}: quiet {quiet[-1] * 1000:.1f} ms, while syncing {busy[-1] * 1000:.1f} ms"
            )
    value, rounds = ratio(busy, quiet)
    figures = {"p99 while syncing": _ms(busy), "p99 without": _ms(quiet), "people": f"{people:,}"}
    return [
        Line(
            f"intake under work: p99 of the answer at {RATE}/s while a full sync runs",
            "the same without the sync",
            value,
            at_most(4),
            figures,
            rounds,
        )
    ]


async def _while_syncing(stage: Stage, generator: Generator, serve: Process, worker: Process, url: str) -> float:
    """One sync after another for as long as the round lasts; it begins when the first has begun."""
    syncing = asyncio.create_task(_sync_again_and_again(serve, url))
    try:
        await stage.until(lambda: _syncs(url), alive=worker, what="a sync to begin")
        return await _round(stage, generator, serve)
    finally:
        syncing.cancel()
        await asyncio.wait([syncing])


async def _round(stage: Stage, generator: Generator, serve: Process) -> float:
    length = max(SHORTEST_ROUND_SECONDS, ROUND_SECONDS * min(stage.scale * 4, 1))
    outcome: Outcome = await generator.steady(serve.base + PATH, RATE, length)
    if outcome.refused:
        raise Failed(f"{outcome.refused} callbacks were not answered with 200:\n{serve.tail()}")
    return outcome.percentile(P99)


async def _sync_again_and_again(serve: Process, url: str) -> None:
    while True:
        if not await _syncs(url):
            try:
                await request_sync(serve)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.CONFLICT:
                    raise
        await asyncio.sleep(0.2)


async def _syncs(url: str) -> bool:
    async with connection(url) as sql:
        return bool(await sql.fetchval("SELECT EXISTS (SELECT FROM sync_runs WHERE state = 'running')"))


async def _sync_over(stage: Stage, url: str, worker: Process) -> None:
    async def over() -> bool:
        return not await _syncs(url)

    await stage.until(over, alive=worker, what="the sync to end")


def _ms(values: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2] * 1000:.1f} ms"
