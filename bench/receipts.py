"""Processing: confirmations absorbed from the inbox, end to end.

Everybody presses 收到 at once. While the worker is stopped (SIGSTOP) the clicks arrive through the service's own door;
then it goes on, and the clock runs until every event is done and every receipt is confirmed. Against a bare batched
insert of the same rows: the receipts, 500 to a statement and a commit, into a table of the same indexes.
"""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from bench.announcement import all_sent, hear_callbacks, publish
from bench.load import CONNECTIONS, Generator
from bench.report import Line, at_least, at_most, per_second, ratio
from bench.stage import Failed, Process, Stage, connection
from bench.sync import sync_ended

RECEIPTS = 10_000
LEAST = 200
ROUNDS = 3
CPU_MICROSECONDS = 330
BATCH = 500
CLICKS_AT_ONCE = 32
PATH = "/callbacks/app"


async def measure(stage: Stage) -> list[Line]:
    people = stage.scaled(RECEIPTS, least=LEAST)
    stage.say(f"receipts: seeding {people:,} people")
    sandbox = await stage.sandbox(people)
    url = await stage.database()
    serve = await stage.serve(url, sandbox)
    await hear_callbacks(sandbox, serve)
    worker = await stage.worker(url, sandbox)
    await sync_ended(stage, url, worker, number=1)
    absorbed: list[Absorbed] = []
    inserted: list[float] = []
    with Generator() as generator:
        for number in stage.rounds(ROUNDS):
            announcement_id = await publish(serve, url)
            await all_sent(stage, worker, url)
            plaintexts = await _click(sandbox, url, announcement_id)
            absorbed.append(await _absorb(stage, generator, serve, worker, url, announcement_id, plaintexts))
            inserted.append(await _insert(url, announcement_id))
            stage.say(
                f"receipts: round {number + 1}: absorbed {absorbed[-1].rate:,.0f}/s, bare insert {inserted[-1]:,.0f}/s"
            )
            await _settled(stage, worker, url)
    rates = [one.rate for one in absorbed]
    value, rounds = ratio(rates, inserted)
    figures = {"absorbed": per_second(rates), "bare batched insert": per_second(inserted), "receipts": f"{people:,}"}
    return [
        _processors(absorbed),
        Line(
            "processing: receipts absorbed from the inbox, end to end",
            "a bare batched insert of the same rows",
            value,
            at_least(0.1),
            figures,
            rounds,
        ),
    ]


@dataclass(frozen=True)
class Absorbed:
    """What a round saw."""

    rate: float
    """Receipts per second."""
    worker: float
    """CPU of the worker, and of PostgreSQL's sessions, for each: microseconds."""
    database: float


def _processors(absorbed: list[Absorbed]) -> Line:
    """What one confirmation is charged for: steadier than the rate where the machine has other work."""
    used = [one.worker + one.database for one in absorbed]
    figures = {
        "worker": f"{statistics.median(one.worker for one in absorbed):,.0f} µs",
        "PostgreSQL": f"{statistics.median(one.database for one in absorbed):,.0f} µs",
    }
    what = "processing: CPU of a receipt, worker and PostgreSQL together"
    bar = at_most(CPU_MICROSECONDS, "µs")
    return Line(what, "6,000 receipts a second on two processors", statistics.median(used), bar, figures, tuple(used))


async def _click(sandbox: Process, url: str, announcement_id: UUID) -> list[str]:
    """Everybody who has the card presses its button; the sandbox writes the events and is told not to send them."""
    async with connection(url) as sql:
        cards = await sql.fetch(
            "SELECT u.shown, c.task_id FROM deliveries d JOIN messages m ON m.id = d.message_id "
            "JOIN outgoing_calls c ON c.id = d.call_id "
            "JOIN person_userids u ON u.person_id = d.person_id AND u.ended_at IS NULL "
            "WHERE m.origin_id = $1 AND d.state = 'sent' AND c.task_id IS NOT NULL",
            str(announcement_id),
        )
    async with httpx.AsyncClient(base_url=f"{sandbox.base}/sandbox", timeout=60) as http:
        (await http.patch("/config", json={"callback_network": {"lose_every": 1}})).raise_for_status()
        (await http.delete("/callbacks")).raise_for_status()
        gate = asyncio.Semaphore(CLICKS_AT_ONCE)
        key = f"announcement.confirm:{announcement_id}"

        async def press(userid: str, task_id: str) -> None:
            async with gate:
                answer = await http.post(f"/people/{userid}/click", json={"task_id": task_id, "key": key})
            if answer.is_error:
                raise Failed(f"the sandbox refused a click: {answer.text}")

        await asyncio.gather(*(press(card["shown"], card["task_id"]) for card in cards))
        pushes = (await http.get("/callbacks", params={"channel": "app"})).json()
    return [push["plaintext"] for push in pushes]


async def _absorb(
    stage: Stage,
    generator: Generator,
    serve: Process,
    worker: Process,
    url: str,
    announcement_id: UUID,
    plaintexts: list[str],
) -> Absorbed:
    """From the moment the worker may begin."""
    worker.popen.send_signal(signal.SIGSTOP)
    try:
        outcome = await generator.deliver(serve.base + PATH, plaintexts, connections=CONNECTIONS)
        if outcome.refused or outcome.answered != len(plaintexts):
            raise Failed(f"{outcome.refused} clicks were not accepted:\n{serve.tail()}")
    finally:
        worker.popen.send_signal(signal.SIGCONT)
    began, worker_before, server_before = time.perf_counter(), worker.cpu_seconds, await stage.server_cpu_seconds()
    async with connection(url) as sql:

        async def over() -> bool:
            waiting = "SELECT EXISTS (SELECT FROM received_events WHERE state IN ('pending', 'running'))"
            return not await sql.fetchval(waiting)

        took = await stage.until(over, alive=worker, what="the clicks to be handled") - began
        on_worker, on_server = worker.cpu_seconds - worker_before, await stage.server_cpu_seconds() - server_before
        confirmed = "SELECT count(*) FROM receipts WHERE announcement_id = $1 AND confirmed_at IS NOT NULL"
        if (found := await sql.fetchval(confirmed, announcement_id)) != len(plaintexts):
            raise Failed(f"{len(plaintexts)} people clicked and {found} are confirmed:\n{worker.tail()}")
    each = 1e6 / len(plaintexts)
    return Absorbed(len(plaintexts) / took, on_worker * each, on_server * each)


async def _insert(url: str, announcement_id: UUID) -> float:
    """The receipts of this announcement, once more, into a table like theirs. Rows per second."""
    async with connection(url) as sql:
        rows = await sql.fetch("SELECT * FROM receipts WHERE announcement_id = $1", announcement_id)
        columns = list(rows[0].keys())
        await sql.execute("DROP TABLE IF EXISTS bench_receipts")
        await sql.execute("CREATE TABLE bench_receipts (LIKE receipts INCLUDING ALL)")
        types = await _types(sql)
        arrays = ", ".join(f"${number}::{types[name]}[]" for number, name in enumerate(columns, 1))
        statement = f"INSERT INTO bench_receipts ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608
        began = time.perf_counter()
        for first in range(0, len(rows), BATCH):
            await sql.execute(statement, *(list(column) for column in zip(*rows[first : first + BATCH], strict=True)))
        return len(rows) / (time.perf_counter() - began)


async def _types(sql: Any) -> dict[str, str]:
    query = (
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
        "WHERE attrelid = 'receipts'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    return {row["attname"]: row["type"] for row in await sql.fetch(query)}


async def _settled(stage: Stage, worker: Process, url: str) -> None:
    """What a confirmation causes (the cards' new faces) is over before the next round begins."""
    async with connection(url) as sql:

        async def over() -> bool:
            waiting = "SELECT EXISTS (SELECT FROM outgoing_calls WHERE state IN ('ready', 'held', 'sending'))"
            return not await sql.fetchval(waiting)

        await stage.until(over, alive=worker, what="the cards to be updated")
