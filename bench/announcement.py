"""An announcement to everybody: audience frozen, ledger written, the cards of a thousand people at a time sent.

From the POST until the ledger says of every recipient that the card was sent. Against the least that could be done:
COPY of the same rows into the same tables (their indexes and foreign keys included) in one transaction, and then the
same number of bare calls with the same bytes. The two take turns.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from bench.report import Line, at_most, ratio, seconds
from bench.stage import API_KEY, Failed, Process, Stage, connection
from bench.sync import DEPARTMENTS, PEOPLE, sync_ended
from models.ids import new_id

ROUNDS = 3
AT_ONCE = 12
"""Bare calls under way at a time."""
ROOT = 1
COLUMNS_WITH_IDS = {"id", "message_id", "announcement_id", "call_id"}


@dataclass
class Seen:
    answered: list[float] = field(default_factory=list)
    """POST until its answer: the audience is frozen and the ledger is written."""
    sent: list[float] = field(default_factory=list)
    copied: list[float] = field(default_factory=list)
    called: list[float] = field(default_factory=list)
    calls: int = 0

    @property
    def least(self) -> list[float]:
        return [copied + called for copied, called in zip(self.copied, self.called, strict=True)]


async def measure(stage: Stage) -> list[Line]:
    people = stage.scaled(PEOPLE, least=200)
    stage.say(f"announcement: seeding {people:,} people")
    sandbox = await stage.sandbox(people, stage.scaled(DEPARTMENTS, least=20))
    url = await stage.database()
    serve = await stage.serve(url, sandbox)
    await hear_callbacks(sandbox, serve)
    worker = await stage.worker(url, sandbox)
    await sync_ended(stage, url, worker, number=1)
    seen = Seen()
    for number in stage.rounds(ROUNDS):
        announcement_id = await _publish(stage, serve, worker, url, seen)
        await _least_possible(sandbox, url, announcement_id, seen)
        stage.say(
            f"announcement: round {number + 1}: answered after {seen.answered[-1]:.2f} s, "
            f"sent after {seen.sent[-1]:.2f} s, least {seen.least[-1]:.2f} s"
        )
    return [_line(seen, people)]


async def hear_callbacks(sandbox: Process, serve: Process) -> None:
    """Cards with buttons are for apps that receive callbacks."""
    async with httpx.AsyncClient(base_url=sandbox.base) as http:
        wanted = {"app": f"{serve.base}/callbacks/app", "verify": True}
        answer = await http.put("/sandbox/callback-urls", json=wanted)
        if not answer.json()["app"]["ok"]:
            raise Failed(f"the sandbox did not verify the callback address: {answer.text}")


async def publish(serve: Process, url: str) -> UUID:
    """Publish to the whole company, in the name of somebody."""
    async with connection(url) as sql:
        author = await sql.fetchval(
            "SELECT u.shown FROM people p JOIN person_userids u ON u.person_id = p.id AND u.ended_at IS NULL "
            "WHERE p.status = 'active' ORDER BY p.id LIMIT 1"
        )
    order = {
        "title": "关于国庆节值班安排的通知",
        "body": "请各部门在节前完成安全检查，值班表见附件。",
        "class": "work",
        "author": author,
        # The demo's policy chases after seconds: a hundred thousand more cards would be sent while we measure.
        "deadline": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
        "audience": {"departments": [ROOT]},
    }
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(base_url=serve.base, headers=headers, timeout=300) as http:
        answer = await http.post("/api/v1/announcements", json=order)
    if answer.is_error:
        raise Failed(f"the announcement was refused: {answer.text}")
    return UUID(answer.json()["id"])


async def all_sent(stage: Stage, worker: Process, url: str) -> float:
    """The moment at which the ledger waits for nobody any more; raises when somebody was not reached."""
    async with connection(url) as sql:

        async def over() -> bool:
            waiting = "SELECT EXISTS (SELECT FROM outgoing_calls WHERE state IN ('ready', 'held', 'sending'))"
            return not await sql.fetchval(waiting)

        moment = await stage.until(over, alive=worker, what="the calls to be made")
        # Whom the platform itself names as unreachable (a disabled account) was not forgotten by us.
        query = "SELECT reason, count(*) FROM deliveries WHERE state <> 'sent' AND reason <> 'invalid_user' GROUP BY 1"
        if rest := await sql.fetch(query):
            raise Failed(f"recipients were not reached: {[tuple(row) for row in rest]}\n{worker.tail()}")
    return moment


async def _publish(stage: Stage, serve: Process, worker: Process, url: str, seen: Seen) -> UUID:
    began = time.perf_counter()
    announcement_id = await publish(serve, url)
    seen.answered.append(time.perf_counter() - began)
    seen.sent.append(await all_sent(stage, worker, url) - began)
    return announcement_id


async def _least_possible(sandbox: Process, url: str, announcement_id: UUID, seen: Seen) -> None:
    async with connection(url) as sql:
        rows = await _rows_of(sql, announcement_id)
        began = time.perf_counter()
        async with sql.transaction():
            for table, (columns, records) in rows.items():
                await sql.copy_records_to_table(table, columns=columns, records=records)
        seen.copied.append(time.perf_counter() - began)
    columns, records = rows["outgoing_calls"]
    body = columns.index("request_body")
    seen.calls = len(records)
    seen.called.append(await _bare_calls(sandbox, [record[body] for record in records]))


async def _rows_of(sql: Any, announcement_id: UUID) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """The rows that the announcement has left, under new ids: they can be copied into the same tables once more."""
    of_message = "message_id IN (SELECT id FROM messages WHERE origin_id = $1::text)"
    conditions = {
        "announcements": "id = $1::text::uuid",
        "messages": "origin_id = $1::text",
        "outgoing_calls": of_message,
        "deliveries": of_message,
        "receipts": "announcement_id = $1::text::uuid",
    }
    renamed: dict[Any, Any] = {}
    copies = {}
    for table, condition in conditions.items():
        found = await sql.fetch(f"SELECT * FROM {table} WHERE {condition}", str(announcement_id))  # noqa: S608 -- names of ours
        columns = [name for name in found[0].keys() if not (name == "id" and isinstance(found[0]["id"], int))]  # noqa: SIM118
        copies[table] = (columns, [tuple(_renamed(name, row[name], renamed) for name in columns) for row in found])
    return copies


def _renamed(column: str, value: Any, renamed: dict[Any, Any]) -> Any:
    if column == "task_id" and value is not None:
        return f"card-{new_id().hex}"
    if column == "request_body":
        # The sandbox refuses a task_id it has seen: the bytes differ in it alone.
        head, found, tail = value.partition(b'"task_id":"card-')
        return head + found + new_id().hex.encode() + tail[32:]
    if column not in COLUMNS_WITH_IDS or value is None:
        return value
    return renamed.setdefault(value, new_id())


async def _bare_calls(sandbox: Process, bodies: list[bytes]) -> float:
    """Send these bytes and read the answers; nothing is remembered of them."""
    async with httpx.AsyncClient(base_url=f"{sandbox.base}/cgi-bin", timeout=60) as http:
        secret = (await http.get(f"{sandbox.base}/sandbox/config")).json()
        params = {"corpid": secret["corp_id"], "corpsecret": secret["app_secret"]}
        token = (await http.get("/gettoken", params=params)).json()["access_token"]
        gate = asyncio.Semaphore(AT_ONCE)

        async def send(body: bytes) -> None:
            async with gate:
                answer = (await http.post("/message/send", params={"access_token": token}, content=body)).json()
            if answer["errcode"] != 0:
                raise Failed(f"a bare call was refused: {answer}")

        began = time.perf_counter()
        await asyncio.gather(*(send(body) for body in bodies))
        return time.perf_counter() - began


def _line(seen: Seen, people: int) -> Line:
    value, rounds = ratio(seen.sent, seen.least)
    figures = {
        "ours": seconds(seen.sent),
        "of it until the answer (audience frozen, ledger written)": seconds(seen.answered),
        "COPY": seconds(seen.copied),
        f"{seen.calls} bare calls": seconds(seen.called),
    }
    against = f"COPY of the same rows + {seen.calls} bare calls"
    return Line(
        f"announcement to {people:,}: audience frozen, ledger written, calls made",
        against,
        value,
        at_most(3),
        figures,
        rounds,
    )
