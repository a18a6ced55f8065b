"""The first sync of a company, an unchanged one after it, and the worker's peak memory.

Against the floor: fetching and parsing the very same pages with the same client, and nothing else (`bench.floor`).
Floor and syncs take turns. An unchanged sync has to find out that nothing differs, and then writes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.report import Line, at_most, ratio, seconds
from bench.stage import API_KEY, Failed, Process, Stage, connection

PEOPLE = 100_000
DEPARTMENTS = 5_000
ROUNDS = 3
ORGANISATION = ("people", "person_userids", "memberships", "departments", "tags", "org_changes", "userid_reviews")
MEGABYTE = 1_000_000


@dataclass
class Seen:
    floor: list[float] = field(default_factory=list)
    floor_cpu: list[float] = field(default_factory=list)
    again_cpu: list[float] = field(default_factory=list)
    """Of the worker; the database's own work is not in it."""
    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    written: int = 0


async def measure(stage: Stage) -> list[Line]:
    people, departments = stage.scaled(PEOPLE, least=200), stage.scaled(DEPARTMENTS, least=20)
    stage.say(f"sync: seeding {people:,} people in {departments:,} departments")
    sandbox = await stage.sandbox(people, departments)
    floor = stage.environment(await stage.database(), sandbox)
    seen = Seen()
    for number in stage.rounds(ROUNDS):
        least = await stage.result_of(["bench.floor"], floor)
        seen.floor.append(least["seconds"])
        seen.floor_cpu.append(least["cpu"])
        await _sync_twice(stage, sandbox, seen, people=people)
        stage.say(
            f"sync: round {number + 1}: floor {seen.floor[-1]:.2f} s, first {seen.first[-1]:.2f} s, "
            f"again {seen.again[-1]:.2f} s, {seen.peak[-1]:.0f} MB"
        )
    return _lines(seen, people, departments)


async def _sync_twice(stage: Stage, sandbox: Process, seen: Seen, *, people: int) -> None:
    url = await stage.database()
    serve = await stage.serve(url, sandbox)
    worker = await stage.worker(url, sandbox)
    try:
        seen.first.append(await sync_ended(stage, url, worker, number=1))
        async with connection(url) as sql:
            if (found := await sql.fetchval("SELECT count(*) FROM people WHERE ended_at IS NULL")) != people:
                raise Failed(f"the sync brought {found} people of {people}")
            await _spelled(stage, sql, worker)
            before = await _newest_transaction(sql)
            used = worker.cpu_seconds
            await request_sync(serve)
            seen.again.append(await sync_ended(stage, url, worker, number=2))
            seen.again_cpu.append(worker.cpu_seconds - used)
            seen.written += await _rows_written(sql, since=before)
        seen.peak.append(worker.peak_bytes / MEGABYTE)
    finally:
        worker.end()
        serve.end()


async def request_sync(serve: Process) -> None:
    async with httpx.AsyncClient(base_url=serve.base, headers={"Authorization": f"Bearer {API_KEY}"}) as http:
        (await http.post("/api/v1/sync-runs", json={})).raise_for_status()


async def sync_ended(stage: Stage, url: str, worker: Process, *, number: int) -> float:
    """Wait for the end of the run of this number; how long it took, from the moment it was claimed."""
    run: Any = None
    async with connection(url) as sql:

        async def over() -> bool:
            nonlocal run
            run = await sql.fetchrow(
                "SELECT state, report, extract(epoch FROM started_at)::float8 AS started FROM sync_runs "
                "WHERE kind = 'full' ORDER BY started_at OFFSET $1 LIMIT 1",
                number - 1,
            )
            return run is not None and run["state"] != "running"

        await stage.until(over, alive=worker, what=f"sync {number} to end")
        took = time.time() - run["started"]
    if run["state"] != "done":
        raise Failed(f"sync {number} ended as {run['state']}: {run['report']}")
    return float(took)


async def _spelled(stage: Stage, sql: Any, worker: Process) -> None:
    """After a first sync the worker writes by what each name is sorted: that is no part of the second one."""

    async def all_are() -> bool:
        return not await sql.fetchval("SELECT EXISTS (SELECT FROM people WHERE name_key = '~' || chr(10) || name)")

    await stage.until(all_are, alive=worker, what="the names to be spelled")


async def _newest_transaction(sql: Any) -> int:
    return int(await sql.fetchval("SELECT pg_current_xact_id()::text::bigint"))


async def _rows_written(sql: Any, *, since: int) -> int:
    """Versions of rows of the organisation that later transactions have written. A fresh database has no wraparound."""
    counts = [
        await sql.fetchval(f"SELECT count(*) FROM {table} WHERE xmin::text::bigint > $1", since)  # noqa: S608 -- names of ours
        for table in ORGANISATION
    ]
    return sum(counts)


def _lines(seen: Seen, people: int, departments: int) -> list[Line]:
    size = f"{people:,} people, {departments:,} departments"
    first, first_rounds = ratio(seen.first, seen.floor)
    again, again_rounds = ratio(seen.again, seen.floor)
    floor = "fetching and parsing the same pages and nothing else"
    figures = {"floor": seconds(seen.floor)}
    cpu = {"CPU of the worker": seconds(seen.again_cpu), "CPU of the floor": seconds(seen.floor_cpu)}
    return [
        Line(
            f"first sync of {size}", floor, first, at_most(2.5), {"sync": seconds(seen.first)} | figures, first_rounds
        ),
        Line(
            "unchanged re-sync of the same",
            floor,
            again,
            at_most(1.3),
            {"sync": seconds(seen.again)} | figures | cpu,
            again_rounds,
        ),
        Line("rows written by the unchanged re-sync", "–", seen.written, at_most(0, "rows")),
        Line("peak memory of the worker in that sync", "–", max(seen.peak), at_most(400, "MB")),
    ]
