"""A request with what is needed to act on it: its kind, its subject, its applicant, its policy version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.approvals import messages, queries
from app.approvals.kinds import Chain, ChainStep, RequestKind, kind_named
from app.approvals.messages import Given, Told
from app.audit.actor import Actor
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.events.service import catalogue, publish
from app.org import queries as org
from app.policy import service as policies
from app.policy.service import Policy
from app.wecom.message_bodies.card import Card
from models.approvals import Request, RequestStep, StepState
from models.audit import ObjectKind
from models.ids import PolicyVersionId
from models.org import Person


@dataclass(frozen=True)
class RequestContext:
    kind: RequestKind[Any, Any]
    request: Request
    subject: BaseModel
    requester: Person
    policy: Policy
    """The version that was in force on submission."""
    objections: Sequence[str] = ()
    """What people whom it is about say against it, a sentence each."""
    link: str | None = None
    """To the page of the request (`link_to`)."""

    @property
    def barred(self) -> frozenset[UUID]:
        """Who never decides it, whatever the routing says: the applicant, and the people whom it is about (F56)."""
        return frozenset({self.requester.id, *self.kind.concerns(self.subject)})

    @property
    def chain(self) -> list[ChainStep]:
        """The steps as the policy said on submission (F57), whatever it says today; behind them the offers."""
        return Chain.model_validate(self.request.chain).steps

    def rule_of(self, step: RequestStep) -> ChainStep:
        return self.chain[step.position - 1]

    def card(self, step: RequestStep, *, notice: str = "") -> Card:
        """What an approver decides on, or somebody answers. `notice`: why an earlier click had no effect."""
        if self.rule_of(step).is_offer:
            return messages.offer_card(self.told, step, notice=notice)
        steps = sum(not rule.is_offer for rule in self.chain)
        return messages.approval_card(self.told, step, steps=steps, notice=notice)

    @property
    def told(self) -> Told:
        requester = self.requester.name if self.kind.is_applied_for else ""
        return Told(self.request, requester, self.policy.cite(self.request.rule_key), self.objections, self.link)


async def load_context(session: AsyncSession, request: Request) -> RequestContext:
    kind = kind_named(session, request.kind)
    objected = [row for row in await queries.concerned_by(session, request.id) if row.objected_at]
    people = await org.people_by_id(session, [request.requester_id, *(row.person_id for row in objected)])
    return RequestContext(
        kind=kind,
        request=request,
        subject=kind.subject.model_validate(request.subject),
        requester=people[request.requester_id],
        policy=await policies.get(session, PolicyVersionId(request.policy_version_id)),
        objections=[messages.objected_because(people[row.person_id].name, row.objection) for row in objected],
        link=link_to(session, request),
    )


async def given_so_far(session: AsyncSession, context: RequestContext) -> list[Given]:
    """Every verdict on the request, and every step that went on without one, in order, as people read it."""
    decisions = await queries.decisions_about(session, context.request.id)
    people = await org.people_by_id(session, {decision.person_id for decision in decisions})
    timezone = calendars.timezone_of(session)
    steps = await queries.steps_of(session, context.request.id)
    offers = {step.id: step.name for step in steps if context.rule_of(step).is_offer}
    given = [
        Given(
            people[one.person_id].name,
            one.verdict,
            one.decided_at.astimezone(timezone),
            one.comment,
            one.step_id,
            offers.get(one.step_id, ""),
        )
        for one in decisions
    ]
    passed = [
        Given(step.name, None, step.decided_at.astimezone(timezone), step.note or "", step.id)
        for step in steps
        if step.state is StepState.SKIPPED and step.decided_at
    ]
    return sorted([*given, *passed], key=lambda one: one.at)


async def publish_about_request(
    session: AsyncSession,
    request: Request,
    event: type[catalogue.RequestEvent],
    *,
    actor: Actor,
    now: datetime,
    step: RequestStep | None = None,
    rule_key: str | None = None,
    **details: object,
) -> None:
    """Say that this has happened to a request or to a step of it. It rests on the rule of the step or the request,
    unless `rule_key` names another. Empty details are left out of the audit row.
    """
    known = {"kind": request.kind, "number": request.number}
    at = {"step": step.position} if step else {}
    happened = event.model_validate({"request_id": request.id, **known, **at})
    said = {"step": step.name if step else None, **details}
    why = Why(actor, rule_key or (step.rule_key if step else request.rule_key), request.policy_version_id)
    kept = {key: str(value) for key, value in said.items() if value}
    await publish(session, happened, why, now=now, details=known | kept)


def about(request: Request) -> About:
    return About(ObjectKind.REQUEST, request.id)


def link_to(session: AsyncSession, request: Request) -> str | None:
    """For cards and texts: the page where the request is followed and decided (F117)."""
    return addresses.link(session, addresses.me_request(request.id))
