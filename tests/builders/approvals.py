"""A kind of request for the engine's own tests: borrowing a thing. What the engine tells it is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import service
from app.approvals.kinds import Kinds, RequestKind, RequestText, kinds_of
from app.audit.actor import Actor, person_actor
from app.errors import Invalid
from app.policy.schema import StepRule
from app.policy.service import Policy
from models.approvals import Request
from models.ids import PersonId
from models.org import Person
from tests.fakes.clock import MONDAY_9AM


class Borrowing(BaseModel):
    thing: str


@dataclass
class Library:
    """The domain above the engine: what may be borrowed, by which steps, and what it heard."""

    steps: Sequence[StepRule]
    administrators: Sequence[Person] = ()
    approved: list[Request] = field(default_factory=list)
    rejected: list[Request] = field(default_factory=list)
    refusal_on_approval: str | None = None

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
            )
        )

    async def _describe(self, _session: AsyncSession, payload: Borrowing, _requester: Person) -> RequestText:
        return RequestText(title=f"借用{payload.thing}", fields=[("物品", payload.thing)])

    async def _check(
        self, _session: AsyncSession, payload: Borrowing, _requester: Person, _policy: Policy, _now: datetime
    ) -> None:
        if payload.thing == "公章":
            raise Invalid("公章不外借")

    async def _on_approved(self, _session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
        if self.refusal_on_approval:
            raise Invalid(self.refusal_on_approval)
        self.approved.append(request)

    async def _on_rejected(self, _session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
        self.rejected.append(request)

    async def _administrators(self, _session: AsyncSession, _payload: Borrowing) -> list[PersonId]:
        return [PersonId(person.id) for person in self.administrators]


def step(name: str, approver: str, **rule: Any) -> StepRule:
    return StepRule.model_validate({"name": name, "approver": approver, **rule})


async def borrowing(
    session: AsyncSession,
    library: Library,
    requester: Person,
    *,
    thing: str = "投影仪",
    reason: str = "客户演示",
    now: datetime = MONDAY_9AM,
) -> Request:
    """`requester` applies to borrow a thing."""
    return await service.submit(
        session,
        library.kinds,
        kind="borrow",
        requester=requester,
        payload={"thing": thing},
        reason=reason,
        submitted_by=person_actor(requester.id),
        now=now,
    )
