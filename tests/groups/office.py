"""The company with its groups: applications, approvals, departures, and what came of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.approvals.service import Application, Ballot
from app.audit.actor import Actor, ActorKind, person_actor
from app.bootstrap import REGISTRY
from app.database import transaction
from app.inbox.job_payloads import ReconcilePayload
from app.jobs.job import Job, Payload
from app.reconciliation import jobs as reconciliation_jobs
from app.sync.domain import DOMAIN as SYNC
from app.sync.job_payloads import PERSON_DEPARTED, DeparturePayload
from models.approvals import Request, RequestState, Verdict
from models.audit import AuditEntry
from models.delivery import CallKind, CallState, Message, OutgoingCall
from models.groups import FindingState, Group, GroupFinding, GroupMember
from models.ids import GroupId, PersonId, RequestId, StepId
from models.org import Person, PersonStatus, PersonUserid
from tests.builders.groups import said_of
from tests.company import CAST, HEADQUARTERS, RESEARCH, OpenCompany, Post

P = TypeVar("P", bound=Payload)

PEOPLE = {
    "wang": CAST["wang"],
    "zhou": replace(CAST["zhou"], is_head=True),
    "li": CAST["li"],
    "han": Post("韩梅", RESEARCH),
    "zhao": Post("赵云", RESEARCH),
    "qian": CAST["qian"],
    "sun": Post("孙悦", RESEARCH),
}
"""Most of the cast sit in the research department here, and zhou is head of HR: a group needs many equals."""


class Office(OpenCompany):
    """What a test of groups does."""

    kept = frozenset(SYNC.jobs)

    @property
    def people(self) -> dict[str, Person]:
        return self.company.people

    # ------------------------------------------------------------ applications

    async def apply(self, kind: str, requester: str, reason: str = "工作需要", **payload: Any) -> Request:
        """Title and contact of policy 2.1 come by themselves."""
        person, payload = self.people[requester], said_of(kind) | payload
        async with transaction(self.sessions) as session:
            application = Application(kind, person, payload, submitted_by=person_actor(person.id), reason=reason)
            return await approvals.submit(session, application, now=self.clock.now())

    async def decide(self, request: Request, verdict: Verdict = Verdict.APPROVE) -> Request:
        """Whoever may decide the open step does so, and the next, until there is a result."""
        for _ in range(5):
            async with transaction(self.sessions) as session:
                now = await request_queries.get(session, RequestId(request.id))
                if now.state is not RequestState.PENDING:
                    break
                step = (await request_queries.steps_of(session, request.id))[now.current_step - 1]
                approver = (await request_queries.approvers_of(session, step.id))[0]
                person = await session.get_one(Person, approver.person_id)
                ballot = Ballot(person, verdict, "rest")
                await approvals.decide(session, ballot, step_id=StepId(step.id), now=self.clock.now())
        return await self.request(request)

    async def asked_to_own(self, group: Group) -> Person | None:
        """Who is asked now whether they own the group."""
        async with self.sessions() as session:
            asked = await request_queries.open_questions(session, kind="own_group", group_ids=[group.id])
            return await session.get_one(Person, asked[group.id].person_id) if asked else None

    async def answers(self, group: Group, verdict: Verdict = Verdict.APPROVE, comment: str = "") -> str:
        """Whoever is asked to own the group answers. Returns their name."""
        async with transaction(self.sessions) as session:
            asked = (await request_queries.open_questions(session, kind="own_group", group_ids=[group.id]))[group.id]
            person = await session.get_one(Person, asked.person_id)
            ballot = Ballot(person, verdict, "rest", comment)
            await approvals.decide(session, ballot, request_id=RequestId(asked.request_id), now=self.clock.now())
        await self.work()
        return person.name

    async def asked(self, request: Request) -> set[str]:
        """The names of those who may decide the open step."""
        async with self.sessions() as session:
            step = (await request_queries.steps_of(session, RequestId(request.id)))[request.current_step - 1]
            ids = [row.person_id for row in await request_queries.approvers_of(session, StepId(step.id))]
            return {(await session.get_one(Person, one)).name for one in ids}

    async def granted(self, kind: str, requester: str, **payload: Any) -> Request:
        """Applied for, approved by everybody, carried out."""
        request = await self.decide(await self.apply(kind, requester, **payload))
        await self.work()
        return await self.request(request)

    async def retry(self, request: Request) -> Request:
        async with transaction(self.sessions) as session:
            await approvals.retry_outcome(
                session,
                request_id=RequestId(request.id),
                actor=person_actor(self.people["zhou"].id),
                now=self.clock.now(),
            )
        await self.work()
        return await self.request(request)

    async def project(self, *members: str, owner: str = "wang", **payload: Any) -> Group:
        """A project group that has been through everything."""
        asked = {"name": "研发部-新品项目", "type": "project", "purpose": "新品项目协作", "owner": owner}
        request = await self.granted("create_group", "li", members=list(members), **(asked | payload))
        self.clock.advance(timedelta(minutes=10))
        return await self.group_of(request)

    async def hire_president(self) -> Person:
        """Somebody above the heads of departments, who stand at the top without one."""
        return await self.hire("boss", "总裁", HEADQUARTERS, position="总裁")

    # ------------------------------------------------------------ work

    async def run_only(self, job: Job[P], payload: P) -> None:
        """Run one job and nothing of what it queues: what if the process ends here?"""
        await REGISTRY.jobs[job.name](self.ctx, payload.model_dump(mode="json"))

    async def exhaust(self, kind: CallKind) -> None:
        """Let the ledger's automatic recovery of the open calls come to its end: then the outcome is unknown."""
        async with transaction(self.sessions) as session:
            tried_often = update(OutgoingCall).where(col(OutgoingCall.kind) == kind)
            await session.execute(tried_often.values(attempts=10_000))
        await self.pass_time(hours=1)
        assert {call.state for call in await self.calls(kind)} <= {CallState.DONE, CallState.UNKNOWN}

    async def reconcile(self, group: Group, *, accept_losses: bool = False) -> None:
        self.clock.advance(timedelta(minutes=10))
        payload = ReconcilePayload(group_id=GroupId(group.id), accept_losses=accept_losses)
        await reconciliation_jobs.reconcile_groups(self.ctx, payload)
        await self.work()

    async def leaves_the_company(self, userid: str, why: str = "left") -> DeparturePayload:
        """As the organisation's sync leaves it: status, userid ended, the job's payload."""
        person = self.people[userid]
        async with transaction(self.sessions) as session:
            row = await session.get_one(Person, person.id)
            row.status = PersonStatus(why)
            if why == "left":
                name = (await session.scalars(_current(person.id))).one()
                name.ended_at = self.clock.now()
        return DeparturePayload(person_id=PersonId(person.id), why=why)

    async def departed(self, payload: DeparturePayload) -> None:
        await REGISTRY.jobs[PERSON_DEPARTED.name](self.ctx, payload.model_dump(mode="json"))
        await self.work()

    # ------------------------------------------------------------ what there is

    async def request(self, request: Request) -> Request:
        async with self.sessions() as session:
            return await session.get_one(Request, request.id)

    async def group_of(self, request: Request) -> Group:
        async with self.sessions() as session:
            return (await session.scalars(select(Group).where(col(Group.request_id) == request.id))).one()

    async def now(self, group: Group) -> Group:
        async with self.sessions() as session:
            return await session.get_one(Group, group.id)

    async def stay(self, group: Group, userid: str) -> GroupMember:
        """The person's latest stay."""
        async with self.sessions() as session:
            statement = (
                select(GroupMember)
                .where(col(GroupMember.group_id) == group.id)
                .where(col(GroupMember.person_id) == self.people[userid].id)
                .order_by(col(GroupMember.id).desc())
            )
            return (await session.scalars(statement.limit(1))).one()

    async def findings(self, group: Group, state: FindingState | None = FindingState.OPEN) -> list[GroupFinding]:
        async with self.sessions() as session:
            statement = select(GroupFinding).where(col(GroupFinding.group_id) == group.id)
            if state is not None:
                statement = statement.where(col(GroupFinding.state) == state)
            return list(await session.scalars(statement.order_by(col(GroupFinding.id))))

    async def kinds_found(self, group: Group) -> list[str]:
        return [finding.kind.value for finding in await self.findings(group)]

    async def calls(self, kind: CallKind) -> list[OutgoingCall]:
        async with self.sessions() as session:
            statement = select(OutgoingCall).where(col(OutgoingCall.kind) == kind).order_by(col(OutgoingCall.id))
            return list(await session.scalars(statement))

    async def updates(self) -> list[dict[str, Any]]:
        return [json.loads(call.request_body) for call in await self.calls(CallKind.APPCHAT_UPDATE)]

    async def messages(self, purpose: str) -> list[str]:
        async with self.sessions() as session:
            statement = select(Message).where(col(Message.purpose) == purpose).order_by(col(Message.number))
            return [str(message.content["text"]) for message in await session.scalars(statement)]

    async def actions(self) -> list[str]:
        async with self.sessions() as session:
            return list(await session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.id))))

    async def roster(self, group: Group) -> set[str]:
        """Who is in it on the platform."""
        return set((await self.sandbox.group(group.chatid))["userlist"])

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.API_KEY, "test")

    def id(self, userid: str) -> UUID:
        return self.people[userid].id


def _current(person_id: UUID) -> Any:
    return select(PersonUserid).where(col(PersonUserid.person_id) == person_id, col(PersonUserid.ended_at).is_(None))
