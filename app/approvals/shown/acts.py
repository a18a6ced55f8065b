"""What one person may do about a request now, and why not: what the engine itself would say to each act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import rules
from app.approvals.applying.objections import check_may_object
from app.approvals.context import RequestContext
from app.approvals.decide import check_may_decide
from app.errors import DomainError
from models.approvals import Verdict
from models.org import Person


class ActName(StrEnum):
    APPROVE = "approve"  # of an offer: they take it on
    REJECT = "reject"
    WITHDRAW = "withdraw"
    OBJECT = "object"


@dataclass(frozen=True)
class Act:
    name: ActName
    why_not: str = ""
    """The sentence with which the act would be refused. Empty: they may."""
    why_not_english: str = ""
    reason: str = ""
    """What the refusal is called: `own-request`, `already-decided` …"""

    @property
    def is_allowed(self) -> bool:
        return not self.why_not


Check = Callable[[AsyncSession, RequestContext, Person], Awaitable[None]]


async def acts_of(session: AsyncSession, context: RequestContext, person: Person) -> list[Act]:
    """Every act there is about a request, in the order of the buttons."""
    return [await _act(name, check(session, context, person)) for name, check in _CHECKS.items()]


async def _act(name: ActName, check: Awaitable[None]) -> Act:
    try:
        await check
    except DomainError as refusal:
        return Act(name, str(refusal), refusal.english, refusal.slug)
    return Act(name)


async def _approve(session: AsyncSession, context: RequestContext, person: Person) -> None:
    await check_may_decide(session, context, person, Verdict.APPROVE)


async def _reject(session: AsyncSession, context: RequestContext, person: Person) -> None:
    await check_may_decide(session, context, person, Verdict.REJECT)


async def _withdraw(_session: AsyncSession, context: RequestContext, person: Person) -> None:
    rules.check_may_withdraw(context.request, person.id, is_applied_for=context.kind.is_applied_for)


_CHECKS: dict[ActName, Check] = {
    ActName.APPROVE: _approve,
    ActName.REJECT: _reject,
    ActName.WITHDRAW: _withdraw,
    ActName.OBJECT: check_may_object,
}
