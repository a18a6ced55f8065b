"""The one company of the tests: who works there, the sandbox as its platform, and a worker that runs when told.

`found` puts the company into a session: enough for use cases that stay in one transaction. `open_company` gives it a
platform and a queue that `work()` runs dry; what a domain's tests say besides is a subclass of `OpenCompany` beside
them (`Office`, `Desk`, `World`). `serving` answers its REST API.

The sandbox is opened in tests/platform.py, for everybody. The journeys have a world of their own
(tests/journeys/world.py): there the service takes over the people whom the sandbox has, and workers run for real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.keys.find_caller import find_caller
from app.access.service import create_key, install_bootstrap_key
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.clock import Clock
from app.database import Sessions, transaction
from app.inbox.processor import InboxProcessor
from app.jobs.job import JobContext
from app.jobs.timers import sweep
from app.policy.service import Policy
from app.settings import Settings
from app.web import problems
from app.web.scopes import ANYBODY, ActsFor
from app.wecom.client import build_platform
from callbacks.handlers import build_handler
from models.org import Person
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from tests.builders import groups, org
from tests.builders.policy import policy_in_force
from tests.fakes.clock import FakeClock
from tests.fakes.queue import queued_names, take_all
from tests.platform import Line, open_sandbox

HEADQUARTERS, RESEARCH, PERSONNEL = 1, 2, 3

DEPARTMENTS = {HEADQUARTERS: "星辰科技", RESEARCH: "研发部", PERSONNEL: "人力资源部"}

CALLBACKS = "http://steward.test/callbacks/app"
BASE = "http://steward.test/api/v1"


# ---------------------------------------------------------------- who works there


@dataclass(frozen=True)
class Post:
    name: str
    department: int
    position: str = ""
    is_head: bool = False
    """Of the department."""


CAST = {
    "zhao": Post("赵总", HEADQUARTERS, "总裁", is_head=True),
    "wang": Post("王芳", RESEARCH, is_head=True),
    "li": Post("李军", RESEARCH),
    "chen": Post("陈晨", RESEARCH),
    "qian": Post("钱进", RESEARCH),
    "han": Post("韩梅", PERSONNEL, is_head=True),
    "sun": Post("孙宁", PERSONNEL),
    "zhou": Post("周敏", PERSONNEL),
}
"""Everybody, by userid. A test world may leave people out, or seat them elsewhere."""

SIX = {userid: CAST[userid] for userid in ("zhao", "wang", "li", "chen", "han", "sun")}
"""总裁 zhao over 研发部 (head wang; li, chen) and 人力资源部 (head han; sun), where everybody carries the tag HR."""

NOBODY: Mapping[str, Post] = {}


@dataclass(frozen=True)
class Company:
    """The departments, people in them, and the policy in force."""

    policy: Policy
    people: dict[str, Person]
    """By userid."""

    @property
    def zhao(self) -> Person:
        return self.people["zhao"]

    @property
    def wang(self) -> Person:
        return self.people["wang"]

    @property
    def li(self) -> Person:
        return self.people["li"]

    @property
    def chen(self) -> Person:
        return self.people["chen"]

    @property
    def han(self) -> Person:
        return self.people["han"]

    @property
    def sun(self) -> Person:
        return self.people["sun"]


async def found(session: AsyncSession, people: Mapping[str, Post] = SIX, **policy: Any) -> Company:
    """The company with these people. `policy` changes the default one: `delivery__jitter_seconds=0`.

    Without people there are no departments either: whoever wants none has the organisation synced.
    """
    await groups.app(session, agent_id=SandboxConfig().agent_id)
    if people:
        for department, name in DEPARTMENTS.items():
            heads = [userid for userid, post in people.items() if post.is_head and post.department == department]
            parent = None if department == HEADQUARTERS else HEADQUARTERS
            await org.department(session, department, name, parent=parent, leaders=heads)
    known = {
        userid: await org.person(session, userid, post.name, departments=[post.department], position=post.position)
        for userid, post in people.items()
    }
    personnel = [userid for userid, post in people.items() if post.department == PERSONNEL]
    if personnel:
        await org.tag(session, 1, "HR", userids=personnel)
    return Company(await policy_in_force(session, **policy), known)


# ---------------------------------------------------------------- its platform and its worker


@dataclass
class OpenCompany:
    """A company at work. Make it with `open_company`."""

    ctx: JobContext
    clock: FakeClock
    sandbox: SandboxClient
    line: Line
    company: Company

    kept: ClassVar[frozenset[str]] = frozenset()
    """Jobs that `work` leaves in the queue, for tests that look there."""

    @property
    def sessions(self) -> Sessions:
        return self.ctx.sessions

    async def hire(self, userid: str, name: str, department: int = RESEARCH, **fields: Any) -> Person:
        """Somebody new, on the platform and in our tables."""
        await self.sandbox.hire(userid, name)
        async with transaction(self.sessions) as session:
            person = await org.person(session, userid, name, departments=[department], **fields)
        self.company.people[userid] = person
        return person

    def serving(self, *scopes: str, acts_for: ActsFor = ANYBODY) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Its REST API, with a key for these scopes, or for everything."""
        platform = self.ctx.platform
        return serving(
            self.sessions,
            self.clock,
            self.ctx.settings,
            scopes=scopes or None,
            acts_for=acts_for,
            platform=platform,
        )

    async def work(self, *, with_inbox: bool = False, rounds: int = 60) -> int:
        """Run what is queued and what is due, and what comes of it, until nothing is left. Returns how many jobs ran.

        A job that is put off runs at once: the queue goes by the database's clock, which nobody moves.
        """
        ran = 0
        for _ in range(rounds):
            events = await self.read_inbox() if with_inbox else 0
            rung = await sweep(self.sessions, self.clock, REGISTRY.timers)
            jobs = await self.take_all_jobs()
            if not events and not rung and not jobs:
                return ran
            for name, payload in jobs:
                await REGISTRY.jobs[name](self.ctx, payload)
                ran += 1
        raise AssertionError("the queue does not run dry")

    async def read_inbox(self) -> int:
        """Handle the events that wait. Returns how many."""
        handler = build_handler(REGISTRY.card_actions, REGISTRY.card_absorbers)
        absorber_for = handler.absorber_for
        # One after another: the sessions may share a connection.
        inbox = InboxProcessor(self.sessions, self.clock, handler, absorber_for=absorber_for, workers=1)
        return await inbox.drain()

    async def pass_time(self, **by: Any) -> None:
        """Let time pass and do what is due: `pass_time(hours=1)`."""
        self.clock.advance(timedelta(**by))
        await self.work()

    async def take_all_jobs(self) -> list[tuple[str, dict[str, Any]]]:
        """Take what is queued out of the queue, as a worker does: names and payloads."""
        async with transaction(self.sessions) as session:
            return await take_all(session, but=self.kept)

    async def waiting(self) -> list[str]:
        """The names of the jobs in the queue."""
        async with transaction(self.sessions) as session:
            return await queued_names(session)


C = TypeVar("C", bound=OpenCompany)


@asynccontextmanager
async def open_company(
    kind: type[C],
    sessions: Sessions,
    clock: FakeClock,
    settings: Settings,
    *,
    people: Mapping[str, Post] = NOBODY,
    config: SandboxConfig | None = None,
    **policy: Any,
) -> AsyncIterator[C]:
    """The company with these of its people, here and on the platform. Callbacks go to an address where nobody reads.

    Over `databases.rolled_back` it serves one worker at a time; over a database of its own, several.
    """
    config = config or SandboxConfig(people=10, app_callback_url=CALLBACKS, callback_retries=1)
    nobody_reads = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    async with transaction(sessions) as session:
        company = await found(session, people, **policy)
    async with nobody_reads, open_sandbox(config, callbacks=nobody_reads) as sandbox:
        platform = build_platform(settings, sessions, clock, transport=sandbox.line, retry_delays=())
        try:
            for userid, post in people.items():
                await sandbox.client.hire(userid, post.name)
            ctx = JobContext(sessions, clock, platform, settings)
            yield kind(ctx, clock, sandbox.client, sandbox.line, company)
        finally:
            await platform.aclose()


# ---------------------------------------------------------------- its REST API


@cache
def _api() -> APIRouter:
    """Built once: making the routes anew for each test takes longer than most of the tests."""
    api = APIRouter(prefix="/api/v1")
    for router in REGISTRY.routers:
        api.include_router(router)
    return api


@asynccontextmanager
async def serving(
    sessions: Sessions,
    clock: Clock,
    settings: Settings,
    *,
    scopes: Sequence[str] | None = None,
    acts_for: ActsFor = ANYBODY,
    **more: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    """The REST API of all domains, with a key for these scopes; without scopes, the bootstrap key, which may all.

    `more` is what else routers look for in the services (`platform`).
    """
    app = FastAPI(openapi_url=None)
    app.state.services = SimpleNamespace(
        settings=settings,
        sessions=sessions,
        clock=clock,
        registry=REGISTRY,
        find_caller=find_caller,
        **more,
    )
    app.router.routes.extend(_api().routes)
    problems.install(app)
    async with transaction(sessions) as session:
        if scopes is None:
            key = await _bootstrap_key(session, clock, settings)
        else:
            _, key = await create_key(
                session, name="test", scopes=list(scopes), acts_for=acts_for, actor=SYSTEM, now=clock.now()
            )
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as client:
        yield client


async def _bootstrap_key(session: AsyncSession, clock: Clock, settings: Settings) -> str:
    assert settings.bootstrap_api_key is not None
    key = settings.bootstrap_api_key.get_secret_value()
    await install_bootstrap_key(session, key=key, now=clock.now())
    return key


async def answer(call: Awaitable[httpx.Response], status: int = 200) -> Any:
    """The body of an answer with this status."""
    response = await call
    assert response.status_code == status, response.text
    return response.json()
