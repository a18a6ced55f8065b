"""What a domain says about a kind of request so that it can be applied for and approved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.policy.sections.people import StepRule
from app.policy.service import Policy
from models.approvals import Request
from models.ids import GroupId, PersonId
from models.org import Person


@dataclass(frozen=True)
class RequestText:
    """What people read of a request, fixed on submission."""

    title: str
    """For example `申请加入“研发部-新品项目”`."""
    fields: Sequence[tuple[str, str]] = ()
    """(keyname, value) rows of the card, the most telling first: a full card says how many more there are."""
    group_id: GroupId | None = None
    """The group it concerns, for lists."""


class OutcomeHook(Protocol):
    """Runs in the deciding transaction. It may write rows and ledger calls; it never calls the platform."""

    async def __call__(self, session: AsyncSession, request: Request, /, *, actor: Actor, now: datetime) -> None: ...


P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class RequestKind(Generic[P]):
    name: str
    """`create_group`, `join` …: the `kind` of the REST resource."""
    rule_key: str
    payload: type[P]
    chain: Callable[[Policy, P], Sequence[StepRule]]
    """The steps out of the policy. No steps: the policy approves it at once."""
    subject_key: Callable[[P, Person], str]
    """What it is about: one open request per (kind, subject)."""
    describe: Callable[[AsyncSession, P, Person], Awaitable[RequestText]]
    check: Callable[[AsyncSession, P, Person, Policy, datetime], Awaitable[None]]
    """Raises a DomainError when it cannot be applied for."""
    on_approved: OutcomeHook
    """Also called again by a retry of a failed outcome: it makes new ledger calls each time."""
    on_rejected: OutcomeHook
    group_administrators: Callable[[AsyncSession, P], Awaitable[Sequence[PersonId]]]
    """Who the approvers `group_administrator` and `group_owner` are, for this payload."""
    concerns: Callable[[P], Collection[UUID | None]] = lambda _payload: ()
    """Whom it is about besides the applicant. They decide it no more than the applicant does (F56): otherwise anybody
    could have a colleague apply in their stead and agree to it themselves."""


Kinds = Mapping[str, RequestKind[Any]]


def kinds_of(*kinds: RequestKind[Any]) -> Kinds:
    """The registry: each name once."""
    registry = {kind.name: kind for kind in kinds}
    if len(registry) != len(kinds):
        raise ValueError("a kind of request is registered twice")
    return registry
