"""A kind of request for the engine's own tests: borrowing a thing.

What the engine tells the kind is remembered, and what it says to people can be read from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import service
from app.approvals.jobs import CARD_ACTIONS
from app.approvals.kinds import RequestKind, RequestText, Submission
from app.approvals.service import Application, Ballot
from app.audit.actor import Actor, person_actor
from app.cards import service as cards
from app.cards.service import Click
from app.errors import Invalid
from app.manifest import SESSION_KEY, registry_of
from app.policy.sections.people import StepRule
from app.policy.service import Policy
from models.approvals import OutcomeState, Request, RequestStep, StepApprover, Verdict
from models.delivery import CallKind, CallState, Delivery, OutgoingCall
from models.ids import APP, PersonId, RequestId, new_id
from models.inbox import ReceivedEvent
from models.org import Person, PersonUserid
from tests.builders.announcements import clocks_start
from tests.fakes.clock import MONDAY_9AM


class Borrowing(BaseModel):
    thing: str
    borrower: UUID | None = None
    """Whom it is for, when somebody else applies."""


class Loan(BaseModel):
    """The subject of a request to borrow."""

    thing: str
    applicant_id: UUID
    borrower_id: UUID | None


@dataclass
class Library(RequestKind[Borrowing, Loan]):
    """The domain above the engine: what may be borrowed, by which steps, and what it heard."""

    name = "borrow"
    rule_key = "member.join"
    payload = Borrowing
    subject = Loan

    asks: Sequence[StepRule]
    administrators: Sequence[Person] = ()
    lent: list[Request] = field(default_factory=list)
    """The approved requests it heard of."""
    refused: list[Request] = field(default_factory=list)
    """The rejected ones."""
    refusal_on_approval: str | None = None
    fails_at_once: str | None = None
    also_told: Sequence[tuple[str, str]] = ()

    def open_to(self, session: AsyncSession) -> None:
        """Register it: the only kind that this session knows."""
        session.info[SESSION_KEY] = replace(registry_of(session), kinds={self.name: self})

    async def resolve(self, _session: AsyncSession, payload: Borrowing, submission: Submission) -> Loan:
        return Loan(thing=payload.thing, applicant_id=submission.requester.id, borrower_id=payload.borrower)

    async def check(self, _session: AsyncSession, subject: Loan, _submission: Submission) -> None:
        if subject.thing == "公章":
            raise Invalid("公章不外借", "The seal is not lent")

    def steps(self, _policy: Policy, _subject: Loan) -> Sequence[StepRule]:
        return self.asks

    def subject_key(self, subject: Loan) -> str:
        return f"{subject.thing} person:{subject.applicant_id}"

    async def describe(self, _session: AsyncSession, subject: Loan, _submission: Submission) -> RequestText:
        return RequestText(title=f"借用{subject.thing}", fields=[("物品", subject.thing), *self.also_told])

    async def approved(
        self, session: AsyncSession, request: Request, _subject: Loan, *, actor: Actor, now: datetime
    ) -> None:
        if self.refusal_on_approval:
            raise Invalid(self.refusal_on_approval, "It cannot be lent")
        self.lent.append(request)
        if self.fails_at_once:
            await service.finish_outcome(
                session,
                request_id=RequestId(request.id),
                outcome=OutcomeState.FAILED,
                detail=self.fails_at_once,
                now=now,
            )

    async def rejected(
        self, _session: AsyncSession, request: Request, _subject: Loan, *, actor: Actor, now: datetime
    ) -> None:
        self.refused.append(request)

    async def group_administrators(self, _session: AsyncSession, _subject: Loan) -> list[PersonId]:
        return [PersonId(one.id) for one in self.administrators]

    def concerns(self, subject: Loan) -> list[UUID]:
        return [subject.borrower_id] if subject.borrower_id else []


def step(name: str, approver: str, **rule: Any) -> StepRule:
    return StepRule.model_validate({"name": name, "approver": approver, **rule})


async def borrowing(
    session: AsyncSession,
    library: Library,
    requester: Person,
    *,
    thing: str = "投影仪",
    borrower: Person | None = None,
    reason: str = "客户演示",
    now: datetime = MONDAY_9AM,
) -> Request:
    """`requester` applies to borrow a thing."""
    library.open_to(session)
    payload = {"thing": thing, "borrower": str(borrower.id) if borrower else None}
    application = Application("borrow", requester, payload, submitted_by=person_actor(requester.id), reason=reason)
    return await service.submit(session, application, now=now)


async def decide(
    session: AsyncSession,
    library: Library,
    request: Request,
    by: Person,
    verdict: Verdict = Verdict.APPROVE,
    *,
    comment: str = "",
    now: datetime = MONDAY_9AM,
) -> Request:
    """The person's verdict on the open step, by REST."""
    library.open_to(session)
    return await service.decide(
        session, Ballot(by, verdict, "rest", comment), request_id=RequestId(request.id), now=now
    )


async def step_of(session: AsyncSession, request: Request, position: int = 1) -> RequestStep:
    statement = select(RequestStep).where(
        col(RequestStep.request_id) == request.id, col(RequestStep.position) == position
    )
    return (await session.scalars(statement.execution_options(populate_existing=True))).one()


async def asked(session: AsyncSession, request: Request, position: int = 1) -> set[str]:
    """The names of a step's approvers."""
    opened = await step_of(session, request, position)
    statement = (
        select(Person)
        .join(StepApprover, col(StepApprover.person_id) == col(Person.id))
        .where(col(StepApprover.step_id) == opened.id)
    )
    return {one.name for one in await session.scalars(statement)}


async def everything_arrives(session: AsyncSession, *, now: datetime = MONDAY_9AM) -> None:
    """The platform takes every card that waits, and gives each a response code."""
    waiting = (await session.scalars(select(OutgoingCall).where(col(OutgoingCall.state) == CallState.READY))).all()
    for call in waiting:
        call.state, call.sent_at, call.finished_at = CallState.DONE, now, now
        if call.task_id:
            call.response_code, call.response_code_expires_at = f"rc-{call.id}", now + timedelta(hours=72)
    await session.flush()
    await clocks_start(session, waiting, now=now)


async def said_to(session: AsyncSession, whom: Person) -> list[dict[str, Any]]:
    """Bodies of the calls that bring this person something new, in order."""
    statement = (
        select(OutgoingCall)
        .join(Delivery, col(Delivery.call_id) == col(OutgoingCall.id))
        .where(col(Delivery.person_id) == whom.id, col(OutgoingCall.kind) == CallKind.MESSAGE_SEND)
        .order_by(col(OutgoingCall.id))
    )
    return [json.loads(call.request_body) for call in await session.scalars(statement)]


async def texts_to(session: AsyncSession, whom: Person) -> list[str]:
    return [body["text"]["content"] for body in await said_to(session, whom) if "text" in body]


async def cards_to(session: AsyncSession, whom: Person) -> list[dict[str, Any]]:
    return [body["template_card"] for body in await said_to(session, whom) if "template_card" in body]


async def faces_of(session: AsyncSession, whom: Person) -> list[dict[str, Any]]:
    """The new faces that this person's cards were given, in order."""
    userid = (
        await session.scalars(select(col(PersonUserid.shown)).where(col(PersonUserid.person_id) == whom.id))
    ).one()
    statement = select(OutgoingCall).where(col(OutgoingCall.kind) == CallKind.CARD_UPDATE)
    bodies = [json.loads(call.request_body) for call in await session.scalars(statement.order_by(col(OutgoingCall.id)))]
    return [body["template_card"] for body in bodies if userid in body["userids"]]


async def click(
    session: AsyncSession,
    library: Library,
    by: Person,
    request: Request,
    verdict: Verdict = Verdict.APPROVE,
    *,
    position: int = 1,
    now: datetime = MONDAY_9AM,
) -> None:
    """The person presses a button of their newest card of the step."""
    opened = await step_of(session, request, position)
    statement = (
        select(OutgoingCall, col(PersonUserid.shown))
        .join(Delivery, col(Delivery.call_id) == col(OutgoingCall.id))
        .join(StepApprover, col(StepApprover.card_message_id) == col(Delivery.message_id))
        .join(PersonUserid, col(PersonUserid.person_id) == col(Delivery.person_id))
        .where(col(StepApprover.step_id) == opened.id, col(Delivery.person_id) == by.id)
        .order_by(col(OutgoingCall.id).desc())
        .limit(1)
    )
    call, userid = (await session.execute(statement)).one()
    key = f"approval.{verdict.value}"
    event = _event(key, now)
    session.add(event)
    await session.flush()
    clicked = await cards.record_click(
        session,
        Click(
            app_id=APP,
            task_id=call.task_id or "",
            userid=userid,
            event_key=f"{key}:{opened.id}",
            response_code=f"rc-click-{event.id}",
            event_id=event.id or 0,
        ),
        now=now,
    )
    assert clicked is not None
    library.open_to(session)
    await CARD_ACTIONS[key](session, clicked, str(opened.id), now)


def _event(key: str, now: datetime) -> ReceivedEvent:
    digest = new_id().bytes
    return ReceivedEvent(
        app_id=APP,
        dedup_key=digest,
        body_digest=digest,
        event_type="template_card_event",
        subject=f"card:{key}",
        occurred_at=now,
        received_at=now,
        correlation_id=new_id().hex,
    )
