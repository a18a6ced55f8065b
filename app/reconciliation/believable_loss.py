"""P6: a snapshot without nearly all members counts as wrong, until a person vouches for it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.findings import service as findings
from app.findings.service import Fact, FindingDetails
from app.policy.sections.org import LossBudget
from app.reconciliation.comparison import GroupComparison
from models.groups import FindingKind


def is_believable(comparison: GroupComparison) -> bool:
    budget = comparison.policy.document.org.loss_budget
    shows_somebody = bool(comparison.snapshot.userids)
    return shows_somebody and is_believable_loss(len(comparison.unexplained), comparison.seen_before, budget)


def is_believable_loss(lost: int, of: int, budget: LossBudget) -> bool:
    """By the organisation's loss budget, for one group. The loss of everybody is never believable."""
    return lost == 0 or (lost < of and not budget.is_exceeded(lost, of))


async def note_losses(session: AsyncSession, comparison: GroupComparison) -> None:
    """Ask a person about a snapshot that is not believed."""
    lost, seen = comparison.unexplained, comparison.seen_before
    fact = Fact(
        FindingKind.ROSTER_LOSS,
        detail=f"{len(lost)} 人（共 {seen} 人）",
        facts=FindingDetails(lost=len(lost), of=seen, userids=lost[:200]),
    )
    await findings.note(session, comparison.group, fact, policy=comparison.policy, now=comparison.now)
