"""Processing: events about people handled from the inbox, where those that wait together make one refetch.

While the worker is stopped (SIGSTOP) the events arrive through the service's own door, as after an import into the
company's contacts; then it goes on, and the clock runs until every event is done. The refetches themselves wait for the
platform, and follow.
"""

from __future__ import annotations

import signal
import statistics
import time

from bench.load import Generator
from bench.report import Line, at_least, per_second
from bench.stage import Failed, Process, Stage, connection
from bench.sync import sync_ended
from sandbox.config import SandboxConfig

EVENTS = 5_000
EACH = 10
"""Events about one person: an import changes several fields, one after the other."""
PEOPLE = 1_000
ROUNDS = 3
BAR = 500
PATH = "/callbacks/app"


async def measure(stage: Stage) -> list[Line]:
    events = stage.scaled(EVENTS, least=EACH * 10)
    sandbox = await stage.sandbox(stage.scaled(PEOPLE, least=100))
    url = await stage.database()
    serve = await stage.serve(url, sandbox)
    worker = await stage.worker(url, sandbox)
    await sync_ended(stage, url, worker, number=1)
    stage.say("contacts: the first sync has ended")
    async with connection(url) as sql:
        userids = [row["shown"] for row in await sql.fetch("SELECT shown FROM person_userids WHERE ended_at IS NULL")]
    rates: list[float] = []
    refetches: list[int] = []
    with Generator() as generator:
        for number in stage.rounds(ROUNDS):
            named = [userids[index % min(len(userids), events // EACH)] for index in range(events)]
            plaintexts = [_changed(userid, number * events + index) for index, userid in enumerate(named)]
            rate, made = await _drain(stage, generator, serve, worker, url, plaintexts)
            rates.append(rate)
            refetches.append(made)
            stage.say(f"contacts: round {number + 1}: {rate:,.0f} events/s, {made:,} refetches")
    figures = {"drained": per_second(rates), "events": f"{events:,}", "refetches": f"{max(refetches):,}"}
    return [
        Line(
            "processing: events about people, from the inbox to their refetches",
            f"{EACH} events about each person wait together",
            statistics.median(rates),
            at_least(BAR, "events/s"),
            figures,
            tuple(rates),
        )
    ]


def _changed(userid: str, number: int) -> str:
    return (
        f"<xml><ToUserName><![CDATA[{SandboxConfig().corp_id}]]></ToUserName><FromUserName>sys</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>event</MsgType><Event>change_contact</Event>"
        f"<ChangeType>update_user</ChangeType><UserID><![CDATA[{userid}]]></UserID><Alias>{number}</Alias></xml>"
    )


async def _drain(
    stage: Stage, generator: Generator, serve: Process, worker: Process, url: str, plaintexts: list[str]
) -> tuple[float, int]:
    """Events per second from the moment the worker may begin, and how many refetches they became."""
    async with connection(url) as sql:
        made = "SELECT coalesce(max(id), 0) FROM pgqueuer"
        newest = await sql.fetchval(made)
        worker.popen.send_signal(signal.SIGSTOP)
        try:
            outcome = await generator.deliver(serve.base + PATH, plaintexts)
            if outcome.refused or outcome.answered != len(plaintexts):
                raise Failed(f"{outcome.refused} events were not accepted:\n{serve.tail()}")
        finally:
            worker.popen.send_signal(signal.SIGCONT)
        began = time.perf_counter()

        async def over() -> bool:
            waiting = "SELECT EXISTS (SELECT FROM received_events WHERE state IN ('pending', 'running'))"
            return not await sql.fetchval(waiting)

        took = await stage.until(over, alive=worker, what="the events to be handled") - began

        async def settled() -> bool:
            waiting = "SELECT EXISTS (SELECT FROM pgqueuer WHERE entrypoint = 'org.refresh_person')"
            return not await sql.fetchval(waiting)

        await stage.until(settled, alive=worker, what="the refetches")
        counted = (
            "SELECT count(DISTINCT job_id) FROM pgqueuer_log WHERE entrypoint = 'org.refresh_person' AND job_id > $1"
        )
        refetches = int(await sql.fetchval(counted, newest))
    return len(plaintexts) / took, refetches
