"""A company in the sandbox, our database beside it, and a hand that spoils answers on the way."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlmodel import col

from app.database import Sessions, transaction
from app.departures.jobs import LEAVER
from app.events.service import catalogue
from app.jobs.job import JobContext
from app.org import queries
from app.sync import runs
from app.sync.full_run import run_sync
from app.sync.job_payloads import DepartmentPayload, PersonPayload, TagPayload
from app.sync.jobs import refresh_department, refresh_person, refresh_tag
from models.org import OrgChange, Person, PersonStatus, PersonUserid, SyncRun
from tests.fakes.clock import FakeClock
from tests.fakes.queue import queued

Answer = dict[str, Any]
Rewrite = Callable[[httpx.Request, Answer], Answer]


@dataclass
class Spoiling(httpx.AsyncBaseTransport):
    """The sandbox over ASGI, with answers rewritten for chosen endpoints: an upstream that is wrong with errcode 0."""

    inner: httpx.AsyncBaseTransport
    rewrites: dict[str, Rewrite] = field(default_factory=dict)
    before: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What happens once, just before the next call of an endpoint is answered."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        endpoint = request.url.path.removeprefix("/cgi-bin/")
        if endpoint in self.before:
            await self.before.pop(endpoint)()
        response = await self.inner.handle_async_request(request)
        rewrite = self.rewrites.get(endpoint)
        if rewrite is None:
            return response
        answer = json.loads(await response.aread())
        right = rewrite(request, answer) if answer.get("errcode", 0) == 0 else answer
        return httpx.Response(response.status_code, json=right, request=request)


@dataclass
class World:
    sandbox: Any
    """`sandbox.client.SandboxClient`"""
    app: FastAPI
    spoiling: Spoiling
    sessions: Sessions
    ctx: JobContext
    clock: FakeClock

    async def sync(self, *, dry_run: bool = False) -> SyncRun:
        """One full run, an hour after whatever was before."""
        self.clock.advance(timedelta(hours=1))
        async with transaction(self.sessions) as session:
            run = await runs.request(session, reason="test", dry_run=dry_run, now=self.clock.now(), queue=False)
        self.clock.advance(timedelta(minutes=1))
        await run_sync(self.sessions, self.ctx.platform, self.clock, run_id=run.id)
        return await self.run(run)

    async def run(self, run: SyncRun) -> SyncRun:
        async with transaction(self.sessions) as session:
            found = await session.get(SyncRun, run.id)
            assert found is not None
            return found

    async def hint(self, userid: str, *, new_userid: str | None = None, deleted: bool = False) -> None:
        self.clock.advance(timedelta(minutes=1))
        await refresh_person(self.ctx, PersonPayload(userid=userid, new_userid=new_userid, deleted=deleted))

    async def hint_department(self, department_id: int, *, deleted: bool = False) -> None:
        self.clock.advance(timedelta(minutes=1))
        await refresh_department(self.ctx, DepartmentPayload(department_id=department_id, deleted=deleted))

    async def hint_tag(self, tag_id: int) -> None:
        self.clock.advance(timedelta(minutes=1))
        await refresh_tag(self.ctx, TagPayload(tag_id=tag_id))

    async def person(self, userid: str) -> Person:
        async with transaction(self.sessions) as session:
            found = await queries.person_by_userid(session, userid)
            assert found is not None, f"{userid} names nobody"
            return found

    async def person_or_none(self, userid: str) -> Person | None:
        async with transaction(self.sessions) as session:
            return await queries.person_by_userid(session, userid)

    async def by_id(self, person: Person) -> Person:
        async with transaction(self.sessions) as session:
            found = await session.get(Person, person.id)
            assert found is not None
            return found

    async def departments_of(self, person: Person) -> list[int]:
        async with transaction(self.sessions) as session:
            places = await queries.memberships_of(session, [person.id])
            return [place.department_id for place in places.get(person.id, [])]

    async def statuses(self) -> dict[str, int]:
        """How many people are in each status."""
        async with transaction(self.sessions) as session:
            rows = await session.execute(text("SELECT status, count(*) FROM people GROUP BY status"))
            return {row[0]: row[1] for row in rows}

    async def changes(self, userid: str) -> list[str]:
        person = await self.person(userid)
        return await self.changes_of(person)

    async def changes_of(self, person: Person) -> list[str]:
        async with transaction(self.sessions) as session:
            statement = (
                select(col(OrgChange.change))
                .where(col(OrgChange.object_id) == str(person.id), col(OrgChange.object_kind) == "person")
                .order_by(col(OrgChange.id))
            )
            return list((await session.scalars(statement)).all())

    async def departed(self) -> list[tuple[str, str]]:
        """(person id, why) of the queued departures."""
        async with transaction(self.sessions) as session:
            payloads = await queued(session, LEAVER)
        departures = [payload.read_as(catalogue.PersonDeparted) for payload in payloads]
        return [(str(event.person_id), event.why.value) for event in departures]

    async def written(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the organisation with the transaction that wrote it last."""
        tables = ("people", "person_userids", "memberships", "departments", "tags", "org_changes")
        async with transaction(self.sessions) as session:
            return {
                table: [
                    tuple(row)
                    for row in await session.execute(text(f"SELECT ctid::text, xmin::text FROM {table} ORDER BY 1"))  # noqa: S608 -- names from above
                ]
                for table in tables
            }

    def spoil(self, endpoint: str, rewrite: Rewrite) -> None:
        self.spoiling.rewrites[endpoint] = rewrite

    def unspoil(self) -> None:
        self.spoiling.rewrites.clear()

    async def userids(self, *, status: PersonStatus | None = None) -> list[str]:
        """Folded, current, sorted."""
        statement = (
            select(col(PersonUserid.userid))
            .join(Person, col(Person.id) == col(PersonUserid.person_id))
            .where(col(PersonUserid.ended_at).is_(None))
            .order_by(col(PersonUserid.userid))
        )
        if status is not None:
            statement = statement.where(col(Person.status) == status)
        async with transaction(self.sessions) as session:
            return list((await session.scalars(statement)).all())
