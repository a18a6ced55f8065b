"""A kind of request for the engine's own tests: borrowing a thing.

What the engine tells the kind is remembered, and what it says to people can be read from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import service
from app.approvals.jobs import card_actions
from app.approvals.kinds import Kinds, RequestKind, RequestText, kinds_of
from app.audit.actor import Actor, person_actor
from app.cards import service as delivery
from app.cards.service import Click
from app.errors import Invalid
from app.policy.sections.people import StepRule
from app.policy.service import Policy
from models.approvals import OutcomeState, Request, RequestStep, StepApprover, Verdict
from models.delivery import CallKind, CallState, Delivery, OutgoingCall
from models.ids import APP, PersonId, RequestId, new_id
from models.inbox import ReceivedEvent
from models.org import Person, PersonUserid
from tests.fakes.clock import MONDAY_9AM


class Borrowing(BaseModel):
    thing: str
    borrower: UUID | None = None
    """Whom it is for, when somebody else applies."""


@dataclass
class Library:
    """The domain above the engine: what may be borrowed, by which steps, and what it heard."""

    steps: Sequence[StepRule]
    administrators: Sequence[Person] = ()
    approved: list[Request] = field(default_factory=list)
    rejected: list[Request] = field(default_factory=list)
    refusal_on_approval: str | None = None
    fails_at_once: str | None = None
    also_told: Sequence[tuple[str, str]] = ()

    @property
    def kinds(self) -> Kinds:
        return kinds_of(
            RequestKind(
                name="borrow",
                rule_key="member.join",
                payload=Borrowing,
                chain=lambda _policy, _payload: self.steps,
                subject_key=lambda payload, requester: f"{payload.thing} person:{requester.id}",
                describe=self._describe,
                check=self._check,
                on_approved=self._on_approved,
                on_rejected=self._on_rejected,
                group_administrators=self._administrators,
                concerns=lambda payload: (payload.borrower,),
            )
        )

    async def _describe(self, _session: AsyncSession, payload: Borrowing, _requester: Person) -> RequestText:
        return RequestText(title=f"借用{payload.thing}", fields=[("物品", payload.thing), *self.also_told])

    async def _check(
        self, _session: AsyncSession, payload: Borrowing, _requester: Person, _policy: Policy, _now: datetime
    ) -> None:
        if payload.thing == "公章":
            raise Invalid("公章不外借")

    async def _on_approved(self, session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
        if self.refusal_on_approval:
            raise Invalid(self.refusal_on_approval)
        self.approved.append(request)
        if self.fails_at_once:
            await service.finish_outcome(
                session,
                request_id=RequestId(request.id),
                outcome=OutcomeState.FAILED,
                detail=self.fails_at_once,
                now=now,
            )

    async def _on_rejected(self, _session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
        self.rejected.append(request)

    async def _administrators(self, _session: AsyncSession, _payload: Borrowing) -> list[PersonId]:
        return [PersonId(one.id) for one in self.administrators]


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
    return await service.submit(
        session,
        library.kinds,
        kind="borrow",
        requester=requester,
        payload={"thing": thing, "borrower": str(borrower.id) if borrower else None},
        reason=reason,
        submitted_by=person_actor(requester.id),
        now=now,
    )


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
    return await service.decide(
        session,
        library.kinds,
        request_id=RequestId(request.id),
        person=by,
        verdict=verdict,
        comment=comment,
        via="rest",
        now=now,
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
    clicked = await delivery.record_click(
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
    await card_actions(library.kinds)[key](session, clicked, str(opened.id), now)


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
