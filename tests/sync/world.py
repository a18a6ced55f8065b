"""The sandbox's company and our tables beside it: full runs, hints, and answers that are spoilt on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, text
from sqlmodel import col

from app.database import transaction
from app.departures.jobs import LEAVER
from app.events.service import catalogue
from app.org import queries
from app.sync import runs
from app.sync.full_run import run_sync
from app.sync.job_payloads import DepartmentPayload, PersonPayload, TagPayload
from app.sync.jobs import refresh_department, refresh_person, refresh_tag
from models.org import OrgChange, Person, PersonStatus, PersonUserid, SyncRun
from tests.company import OpenCompany
from tests.fakes.queue import queued
from tests.platform import Rewrite


class World(OpenCompany):
    """The company as the sandbox has it, read by the sync."""

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
        self.line.rewrites[endpoint] = rewrite

    def unspoil(self) -> None:
        self.line.rewrites.clear()

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


@dataclass
class Rest:
    http: httpx.AsyncClient

    async def get(self, path: str, *, expect: int = 200, **query: Any) -> Any:
        return self._checked(await self.http.get(path, params=query), expect)

    async def post(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        return self._checked(await self.http.post(path, json=body), expect)

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()
