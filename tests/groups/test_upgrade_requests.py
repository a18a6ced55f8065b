"""Requests that were under way when `requests.subject` came: they go on as if nothing had happened.

The rows are written by SQL, as the last version without subjects wrote them (revision 0007_speed).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.approvals import service
from app.approvals.service import Ballot
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.database import Sessions, create_engine, create_sessions, migrate, migration_config, transaction
from app.policy.document import default_document
from models.approvals import OutcomeState, Request, RequestState, Verdict
from models.groups import Group, GroupMember
from models.ids import APP, RequestId, new_id
from models.org import Person
from tests.databases import clone, dsn
from tests.fakes.clock import MONDAY_9AM

BEFORE = "0007_speed"
LONG_AGO = MONDAY_9AM - timedelta(days=400)
LATER = MONDAY_9AM + timedelta(hours=1)
PAYLOADS: dict[str, dict[str, Any]] = {
    "create_group": {
        "name": "研发部-新品项目",
        "type": "project",
        "purpose": "新品项目协作",
        "department_id": None,
        "owner": "wang",
        "deputy": None,
        "members": ["Han", "li"],
        "departments": [],
        "confidentiality": "open",
    },
    "join": {"person": None, "group_type": "project"},
    "exit": {"person": "zhao", "group_type": "project"},
}
RULES = {"create_group": "group.create", "join": "member.join", "exit": "member.exit"}


@dataclass
class OldCompany:
    """A database of the version before, filled by SQL."""

    connection: asyncpg.Connection
    people: dict[str, UUID] = field(default_factory=dict)
    policy_id: UUID = field(default_factory=new_id)
    group_id: UUID = field(default_factory=new_id)
    number: int = 0

    async def insert(self, table: str, **columns: Any) -> None:
        names, places = ", ".join(columns), ", ".join(f"${one}" for one in range(1, len(columns) + 1))
        await self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *columns.values())  # noqa: S608 -- names of ours

    async def fill(self) -> None:
        await self.insert("apps", id=APP, name="自建应用", agent_id=1000021, created_at=LONG_AGO)
        await self.insert(
            "policy_versions",
            id=self.policy_id,
            number=1,
            title="制度",
            document=default_document().model_dump(mode="json"),
            source="",
            sha256="test-1",
            effective_at=LONG_AGO,
            created_at=LONG_AGO,
            created_by="operator:test",
        )
        for userid, name in (
            ("wang", "王强"),
            ("li", "李雷"),
            ("han", "韩梅"),
            ("zhao", "赵云"),
            ("sun", "孙悦"),
            ("zhou", "周敏"),
        ):
            self.people[userid] = await self.hire(userid, name)
        await self.group("wang", "li", "han", "zhao")

    async def hire(self, userid: str, name: str, *, at: datetime = LONG_AGO) -> UUID:
        person_id = new_id()
        await self.insert(
            "people",
            id=person_id,
            name=name,
            alias="",
            position="",
            status="active",
            direct_leader_userids=[],
            details_known=True,
            missing_runs=0,
            first_seen_at=LONG_AGO,
            updated_at=LONG_AGO,
        )
        await self.insert("person_userids", person_id=person_id, userid=userid, shown=userid, started_at=at)
        return person_id

    async def rename(self, userid: str, new: str) -> None:
        person_id = self.people[userid]
        await self.connection.execute("UPDATE person_userids SET ended_at = $2 WHERE userid = $1", userid, LATER)
        await self.insert("person_userids", person_id=person_id, userid=new, shown=new, started_at=LATER)

    async def group(self, owner: str, *members: str) -> None:
        await self.insert(
            "groups",
            id=self.group_id,
            app_id=APP,
            chatid=f"c{self.group_id.hex[:30]}",
            group_type="project",
            purpose="日常协作",
            confidentiality="open",
            desired_name="研发部-旧项目",
            desired_owner_id=self.people[owner],
            charter="群规",
            charter_version=1,
            state="active",
            policy_version_id=self.policy_id,
            rule_key="group.create",
            correlation_id="test",
            registered_at=LONG_AGO,
            updated_at=LONG_AGO,
        )
        for userid in (owner, *members):
            await self.insert(
                "group_members",
                group_id=self.group_id,
                person_id=self.people[userid],
                desired=True,
                observed=True,
                reason="creation",
                desired_since=LONG_AGO,
            )

    async def request(self, kind: str, requester: str, *, state: str = "pending", outcome: str = "none") -> RequestId:
        """One that waits for zhou, or has its result."""
        self.number += 1
        request_id, step_id = new_id(), new_id()
        payload = dict(PAYLOADS[kind])
        if kind != "create_group":
            person = self.people[payload["person"] or requester]
            payload |= {"group_id": str(self.group_id), "person_id": str(person)}
        rule = {"name": "人力资源", "approver": "userid:zhou", "needed": "any", "remind_after": None, "due_after": None}
        await self.insert(
            "requests",
            id=request_id,
            number=self.number,
            kind=kind,
            subject_key=f"{kind} {self.number}",
            title="申请",
            payload=payload,
            shown={"fields": [["群", "研发部-旧项目"]]},
            reason="工作需要",
            requester_id=self.people[requester],
            submitted_by=f"person:{self.people[requester]}",
            state=state,
            current_step=1,
            outcome=outcome,
            chain={"steps": [rule]},
            policy_version_id=self.policy_id,
            rule_key=RULES[kind],
            correlation_id="test",
            submitted_at=MONDAY_9AM,
            updated_at=MONDAY_9AM,
        )
        await self.insert(
            "request_steps",
            id=step_id,
            request_id=request_id,
            position=1,
            name="人力资源",
            approver="userid:zhou",
            needed=1,
            state="open" if state == "pending" else state,
            rule_key=RULES[kind],
        )
        await self.insert("step_approvers", step_id=step_id, person_id=self.people["zhou"], added_at=MONDAY_9AM)
        return RequestId(request_id)


@dataclass
class Upgrade:
    url: str
    engine: AsyncEngine
    before: OldCompany

    async def run(self) -> Sessions:
        await asyncio.to_thread(migrate, self.url)
        return create_sessions(self.engine, registry=REGISTRY)

    async def undo(self) -> None:
        config = migration_config(self.url)
        subjects = ScriptDirectory.from_config(config).get_revision("0010_subjects")
        await asyncio.to_thread(command.downgrade, config, str(subjects.down_revision))


@pytest.fixture
async def upgrade(server_url: str) -> AsyncIterator[Upgrade]:
    async with clone(server_url, "template0") as url:
        await asyncio.to_thread(migrate, url, BEFORE)
        connection = await asyncpg.connect(dsn(url))
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        company = OldCompany(connection)
        await company.fill()
        engine = create_engine(url)
        yield Upgrade(url, engine, company)
        await engine.dispose()
        await connection.close()


async def approve(sessions: Sessions, request_id: RequestId, approver: UUID) -> Request:
    async with transaction(sessions) as session:
        person = await session.get_one(Person, approver)
        return await service.decide(session, Ballot(person, Verdict.APPROVE, "rest"), request_id=request_id, now=LATER)


async def wanted(sessions: Sessions, group_id: UUID) -> set[UUID]:
    async with transaction(sessions) as session:
        statement = select(col(GroupMember.person_id)).where(
            col(GroupMember.group_id) == group_id, col(GroupMember.desired)
        )
        return set(await session.scalars(statement))


async def test_a_join_that_waited_is_decided_and_carried_out(upgrade: Upgrade) -> None:
    company = upgrade.before
    request_id = await company.request("join", "sun")
    sessions = await upgrade.run()

    request = await approve(sessions, request_id, company.people["zhou"])

    assert (request.state, request.outcome) == (RequestState.APPROVED, OutcomeState.PENDING)
    assert company.people["sun"] in await wanted(sessions, company.group_id)


async def test_an_exit_for_somebody_else_that_waited_is_decided_and_carried_out(upgrade: Upgrade) -> None:
    company = upgrade.before
    request_id = await company.request("exit", "li")
    sessions = await upgrade.run()

    request = await approve(sessions, request_id, company.people["zhou"])

    assert (request.state, request.outcome) == (RequestState.APPROVED, OutcomeState.PENDING)
    left = {company.people[userid] for userid in ("wang", "li", "han")}
    assert await wanted(sessions, company.group_id) == left


async def test_a_new_group_has_those_who_were_named_on_submission(upgrade: Upgrade) -> None:
    """Meanwhile 韩梅 has another userid, and somebody new has hers."""
    company = upgrade.before
    request_id = await company.request("create_group", "li")
    await company.rename("han", "hanmei")
    await company.hire("han", "韩冰", at=LATER)
    sessions = await upgrade.run()

    request = await approve(sessions, request_id, company.people["zhou"])
    assert request.state is RequestState.PENDING, "王芳, whom 李军 named, is asked whether she wants to be the owner"
    request = await approve(sessions, request_id, company.people["wang"])

    assert request.outcome is OutcomeState.PENDING, request.outcome_detail
    async with transaction(sessions) as session:
        group = (await session.scalars(select(Group).where(col(Group.request_id) == request.id))).one()
    assert (group.group_type, group.purpose, group.desired_owner_id) == (
        "project",
        "新品项目协作",
        company.people["wang"],
    )
    assert await wanted(sessions, group.id) == {company.people[userid] for userid in ("wang", "han", "li")}


async def test_what_failed_before_is_carried_out_again(upgrade: Upgrade) -> None:
    company = upgrade.before
    request_id = await company.request("exit", "li", state="approved", outcome="failed")
    sessions = await upgrade.run()

    async with transaction(sessions) as session:
        request = await service.retry_outcome(session, request_id=request_id, actor=SYSTEM, now=LATER)

    assert request.outcome is OutcomeState.PENDING
    assert company.people["zhao"] not in await wanted(sessions, company.group_id)


async def test_the_way_back_gives_the_version_before_what_it_reads(upgrade: Upgrade) -> None:
    company = upgrade.before
    request_id = await company.request("join", "sun")
    await upgrade.run()
    await company.connection.execute("UPDATE requests SET payload = payload - 'person_id' - 'group_type'")

    await upgrade.undo()

    payload = await company.connection.fetchval("SELECT payload FROM requests WHERE id = $1", request_id)
    assert (payload["person_id"], payload["group_type"]) == (str(company.people["sun"]), "project")
