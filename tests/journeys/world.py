"""One small company with phones, the service and its real workers, all in this process and on one clock.

Everything is asked for as people and programs do: over the REST API, through the platform's callbacks, on phones. The
only look behind the counter is at the bookkeeping: what still waits, and whether the ledger adds up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.bootstrap import Services, build
from app.database import transaction
from app.installation import prepare
from app.jobs.queue import enqueue
from app.main import create_app
from app.settings import Settings
from sandbox.config import Like, SandboxConfig
from tests.builders.groups import said_of
from tests.fakes.clock import FakeClock
from tests.journeys.cast import CAST
from tests.journeys.processes import PATIENCE_SECONDS, Worker
from tests.platform import Sandbox, open_sandbox

T = TypeVar("T")
Json = dict[str, Any]

LOOK_EVERY_SECONDS = 0.05

REST = "http://steward.test/api/v1"
CALLBACKS = "http://steward.test/callbacks"


class WaitedInVain(AssertionError):
    """Something that had to happen did not."""


@dataclass(frozen=True)
class Phone:
    """A card on somebody's phone."""

    userid: str
    task_id: str
    card: Json
    greyed: str

    @property
    def title(self) -> str:
        return str(self.card.get("main_title", {}).get("title", ""))

    @property
    def face(self) -> str:
        """The grey text in place of the buttons, empty while there are buttons."""
        return str(self.card.get("replace_text", "")) or self.greyed

    @property
    def buttons(self) -> list[str]:
        return [] if self.face else [str(button["key"]) for button in self.card.get("button_list", [])]

    @property
    def text(self) -> str:
        """Everything that can be read on it."""
        rows = [f"{row['keyname']} {row.get('value', '')}" for row in self.card.get("horizontal_content_list", [])]
        title, quote = self.card.get("main_title", {}), self.card.get("quote_area", {})
        parts = [title.get("title"), title.get("desc"), *rows, self.card.get("sub_title_text"), quote.get("quote_text")]
        return "\n".join(str(part) for part in parts if part)


class World:
    """Use as `async with open_world(…) as world`; the fixture `world` does."""

    def __init__(
        self, settings: Settings, database: str, clock: FakeClock, stack: AsyncExitStack, platform: Sandbox
    ) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.stack = stack
        self.platform = platform
        self.line = platform.line
        self.sandbox = platform.client
        self.workers: list[Worker] = []
        self.accepted_trouble: set[str] = set()

    async def open(self) -> None:
        self.services = self.new_services()
        await prepare(self.services)
        self.app = await self.serve(self.services)
        self.rest = self.client_of(self.app)
        await self.route_callbacks(self.app)

    # ------------------------------------------------------------ processes

    def new_services(self) -> Services:
        """What a process of its own has: nothing is shared but the database."""
        services = build(
            self.settings,
            self.database,
            clock=self.clock,
            platform_transport=self.line,
        )
        self.stack.push_async_callback(services.aclose)
        return services

    async def serve(self, services: Services) -> FastAPI:
        app = create_app(services)
        await self.stack.enter_async_context(app.router.lifespan_context(app))
        return app

    def client_of(self, app: FastAPI) -> httpx.AsyncClient:
        key = self.settings.bootstrap_api_key
        assert key is not None
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=REST,
            headers={"Authorization": f"Bearer {key.get_secret_value()}"},
        )
        self.stack.push_async_callback(client.aclose)
        return client

    async def route_callbacks(self, app: FastAPI) -> None:
        """Where the platform pushes to; it verifies the addresses first, as the console does."""
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))
        self.stack.push_async_callback(http.aclose)
        self.platform.state.pusher.given_http = http
        await self.sandbox.set_callback_urls(app=f"{CALLBACKS}/app", contacts=f"{CALLBACKS}/contacts")

    def start_worker(self, services: Services | None = None) -> Worker:
        worker = Worker(services or self.new_services())
        worker.start()
        self.workers.append(worker)
        return worker

    async def stop_workers(self) -> None:
        workers, self.workers = self.workers, []
        for worker in workers:
            worker.stop.set()
        for worker in workers:
            await worker.end()

    async def kill_workers(self) -> None:
        """And let the queue notice: its clock is the database's, so half a minute passes for it alone."""
        workers, self.workers = self.workers, []
        self.line.drop()
        for worker in workers:
            await worker.kill()
        await self.until("the statements of the dead to end", self._nothing_runs)
        async with transaction(self.services.sessions) as session:
            await session.execute(text("UPDATE pgqueuer SET heartbeat = now() - interval '1 minute'"))

    async def _nothing_runs(self) -> bool:
        """A job can be picked by a statement that was sent before the kill and ends after it, on a busy machine: its
        heartbeat would then be younger than the one that `kill_workers` puts back.
        """
        row = await self._one(
            "SELECT count(*) AS running FROM pg_stat_activity WHERE datname = current_database()"
            " AND state <> 'idle' AND pid <> pg_backend_pid()"
        )
        return not row["running"]

    async def lose_contact_events(self) -> None:
        """From now on the platform changes people without a word to us."""
        await self.sandbox.forget_callback_urls()
        await self.sandbox.set_callback_urls(app=f"{CALLBACKS}/app")

    # ------------------------------------------------------------ time

    def advance(self, by: timedelta) -> None:
        self.clock.advance(by)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look again and again until there is something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for worker in self.workers:
                if worker.task is not None and worker.task.done():
                    worker.task.result()
            found = await look()
            if found:
                return found
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise WaitedInVain(f"waited {PATIENCE_SECONDS:.0f} s in vain: {what}; at work: {await self.at_work()}")

    async def settled(self) -> None:
        """Until nothing is on its way any more, now: no push, event, job or due timer, and the feed has everything.

        What has not happened then does not happen before the clock moves.
        """

        async def quiet() -> bool:
            await self.sandbox.wait_idle()
            return not await self.at_work()

        await self.until("everything to settle", quiet)

    async def job(self, name: str) -> None:
        """Queue a recurring job now: its crontab goes by the time on the wall."""
        async with transaction(self.services.sessions) as session:
            await enqueue(session, name, {})
        await self.settled()

    async def pass_time(self, by: timedelta) -> None:
        """Move the clock and wait until everything that was due has happened."""
        self.advance(by)
        await self.settled()

    async def be(self, at: datetime) -> None:
        """It is that moment now, and everything that was due on the way has happened."""
        await self.pass_time(at - self.clock.now())

    # ------------------------------------------------------------ bookkeeping

    async def at_work(self) -> Json:
        """What waits or runs, in one snapshot: work is handed over within transactions, so none slips between."""
        row = await self._one(
            """
            SELECT (SELECT count(*) FROM pgqueuer WHERE status = 'picked'
                        OR (status = 'queued' AND execute_after <= now())) AS jobs,
                   (SELECT count(*) FROM received_events WHERE state = 'running'
                        OR (state = 'pending' AND (not_before IS NULL OR not_before <= :now))) AS events,
                   (SELECT count(*) FROM timers WHERE parked_at IS NULL AND due_at <= :now) AS timers,
                   (SELECT count(*) FROM events WHERE position IS NULL) AS unplaced
            """
        )
        return {name: count for name, count in row.items() if count}

    async def unbalanced(self) -> int:
        """Messages whose recipients, by state, do not add up to the audience (P3)."""
        row = await self._one(
            """
            SELECT count(*) AS messages FROM messages m
            WHERE m.audience <> (SELECT count(*) FROM deliveries d WHERE d.message_id = m.id
                AND d.state IN ('sent', 'failed', 'unknown', 'held'))
            """
        )
        return int(row["messages"])

    async def trouble(self) -> Json:
        """What no story expects unless it says so: errors in jobs, events, timers; a ledger that does not add up."""
        row = await self._one(
            """
            SELECT (SELECT string_agg(DISTINCT entrypoint || ': ' || coalesce(traceback ->> 'exception_message', ''),
                        '; ') FROM pgqueuer_log WHERE traceback IS NOT NULL) AS jobs,
                   (SELECT string_agg(event_type || ': ' || last_error, '; ') FROM received_events
                        WHERE attempts > 0 OR state IN ('parked', 'unknown')) AS events,
                   (SELECT string_agg(kind || ': ' || last_error, '; ') FROM timers WHERE attempts > 0) AS timers
            """
        )
        found = {name: text for name, text in row.items() if text and name not in self.accepted_trouble}
        return found | ({"ledger": n} if (n := await self.unbalanced()) else {})

    def accept_trouble(self, *kinds: str) -> None:
        """Errors that belong to the story: `jobs`, `events`, `timers`."""
        self.accepted_trouble |= set(kinds)

    async def _one(self, statement: str) -> Json:
        async with transaction(self.services.sessions) as session:
            result = await session.execute(text(statement), {"now": self.clock.now()} if ":now" in statement else {})
            return dict(result.mappings().one())

    # ------------------------------------------------------------ the REST API

    async def get(self, path: str, **query: Any) -> Json:
        return answer(await self.rest.get(path, params=query))

    async def post(self, path: str, body: Json | None = None, *, status: int | None = None) -> Json:
        """`status`: the refusal that is expected; its problem document is returned."""
        return answer(await self.rest.post(path, json=body or {}), status)

    async def every(self, path: str, **query: Any) -> list[Json]:
        """All pages of a list."""
        items: list[Json] = []
        cursor: Json = {}
        while True:
            page = await self.get(path, limit=200, **query, **cursor)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    async def field(self, path: str, name: str, wanted: object) -> Json:
        """Wait until the object shows this value."""

        async def look() -> Json | None:
            seen = await self.get(path)
            return seen if seen[name] == wanted else None

        return await self.until(f"{path} {name} == {wanted}", look)

    # ------------------------------------------------------------ phones

    async def cards(self, userid: str) -> list[Phone]:
        """The cards on this person's phone, the oldest first."""
        messages = await self.sandbox.app_messages(userid)
        return [
            Phone(userid, message["task_id"], message["card"], message["greyed"] or "")
            for message in messages
            if message.get("card")
        ]

    async def card_with(self, userid: str, key: str) -> Phone:
        """The newest card on this person's phone that has a button with this key."""

        async def look() -> Phone | None:
            return next((card for card in reversed(await self.cards(userid)) if key in card.buttons), None)

        return await self.until(f"a card with {key} on the phone of {userid}", look)

    async def press(self, userid: str, key: str) -> Phone:
        """Press the button with this key. Returns the card as it was."""
        phone = await self.card_with(userid, key)
        await self.sandbox.click(userid, phone.task_id, key)
        return phone

    async def again(self, phone: Phone) -> Phone:
        """The same card as it looks now."""
        return next(card for card in await self.cards(phone.userid) if card.task_id == phone.task_id)

    async def texts(self, userid: str) -> list[str]:
        """The plain texts that the app wrote to this person."""
        messages = await self.sandbox.app_messages(userid)
        return [str(message["text"]) for message in messages if message["msgtype"] == "text" and not message["mine"]]

    async def told(self, userid: str, words: str) -> str:
        """Wait for a text with these words."""

        async def look() -> str | None:
            return next((text for text in await self.texts(userid) if words in text), None)

        return await self.until(f"{userid} to be told “{words}”", look)

    # ------------------------------------------------------------ things that stories begin with

    async def taken_over(self) -> None:
        """The first sync, which a worker begins by itself, has ended."""

        async def ended() -> bool:
            return bool((await self.get("/sync-runs", state="done"))["items"])

        await self.until("the first sync", ended)
        await self.settled()

    async def forget_tokens(self) -> None:
        """Every world has a platform of its own, which issued none of the tokens in a copied database; and nobody
        was away between the copy and the world.
        """
        async with transaction(self.services.sessions) as session:
            await session.execute(text("DELETE FROM access_tokens"))
            await session.execute(text("DELETE FROM intake_servers"))

    async def sync(self) -> Json:
        run = await self.post("/sync-runs")

        async def ended() -> Json | None:
            seen = await self.get(f"/sync-runs/{run['id']}")
            return seen if seen["state"] != "running" else None

        return await self.until("the sync", ended)

    async def apply(self, kind: str, requester: str, payload: Json, *, reason: str = "工作需要") -> Json:
        body = {"kind": kind, "requester": requester, "reason": reason, "payload": said_of(kind) | payload}
        return await self.post("/requests", body)

    async def refused(self, kind: str, requester: str, payload: Json, *, status: int) -> Json:
        """An application that is turned down at once: the problem document. Nobody was asked, nothing was sent."""
        calls = len(await self.every("/deliveries/calls"))
        body = {"kind": kind, "requester": requester, "reason": "工作需要", "payload": said_of(kind) | payload}
        problem = await self.post("/requests", body, status=status)
        assert len(await self.every("/deliveries/calls")) == calls
        return problem

    async def decide(self, request: Json, position: int, *, by: str | None = None, verdict: str = "approve") -> Phone:
        """An approver of this step presses the button on their phone. Returns the card as it was."""

        async def opened() -> Json | None:
            step: Json = (await self.get(f"/requests/{request['id']}"))["steps"][position - 1]
            return step if step["state"] == "open" else None

        step = await self.until(f"step {position} of the request", opened)
        return await self.press(by or step["approvers"][0], f"approval.{verdict}:{step['id']}")

    async def approve(self, request: Json) -> Json:
        """All steps, and what came of it."""
        for position in range(1, len(request["steps"]) + 1):
            await self.decide(request, position)
        return await self.field(f"/requests/{request['id']}", "outcome", "done")

    async def group(self, members: Sequence[str] = CAST.team, *, name: str = CAST.group_name) -> Json:
        """A group of the marketing department: applied for, approved and created a minute ago."""
        request = await self.approve(await self.apply("create_group", CAST.applicant, group_asked(members, name=name)))
        await self.settled()
        await self.pass_time(timedelta(minutes=1))
        return await self.get(f"/groups/{request['group_id']}")

    async def in_group(self, group: Json) -> Json:
        """The group as the platform has it."""
        return await self.sandbox.group(group["chatid"])

    async def said_in(self, group: Json) -> list[str]:
        return [
            str(message["body"]["content"])
            for message in (await self.in_group(group))["messages"]
            if message["msgtype"] == "text"
        ]


def group_asked(members: Sequence[str] = CAST.team, *, name: str = CAST.group_name) -> Json:
    """What an application for a group says."""
    return {
        "name": name,
        "type": "department",
        "purpose": "协调新品上线",
        "department_id": CAST.department,
        "owner": CAST.applicant,
        "deputy": members[0],
        "members": list(members),
    }


def answer(response: httpx.Response, status: int | None = None) -> Json:
    where = f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
    assert response.status_code == status if status else response.is_success, where
    body: Json = response.json()
    return body


@asynccontextmanager
async def open_world(
    settings: Settings, database: str, clock: FakeClock, *, people: int = 60, like: Like | None = None
) -> AsyncIterator[World]:
    """A world without a worker yet."""
    config = SandboxConfig(people=people) if like is None else SandboxConfig(people=people, like=like)
    async with open_sandbox(config, clock=clock) as platform, AsyncExitStack() as stack:
        world = World(settings, database, clock, stack, platform)
        await world.open()
        try:
            yield world
        finally:
            await world.stop_workers()
