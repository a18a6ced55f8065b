"""What the differences would take away, and whether that is beyond the budget of the policy (8.5)."""

from __future__ import annotations

from dataclasses import dataclass

from app.policy.sections.org import LossBudget


@dataclass(frozen=True)
class LossCount:
    """How many would be lost, and of how many."""

    lost: int
    total: int


NOTHING = LossCount(0, 0)


@dataclass(frozen=True)
class Losses:
    people: LossCount
    departments: LossCount
    group_places: LossCount
    """Memberships in groups that these people would lose."""
    sight: LossCount = NOTHING
    """Who would become invisible, of those whom the app has seen: others could not."""


@dataclass(frozen=True)
class BudgetDecision:
    """Which kinds of losses are beyond the budget. People and their places in groups are held together."""

    people: bool
    departments: bool
    group_places: bool
    sight: bool = False

    @property
    def holds_people(self) -> bool:
        return self.people or self.sight or self.group_places

    @property
    def holds(self) -> bool:
        return self.holds_people or self.departments


def beyond_budget(losses: Losses, budget: LossBudget) -> BudgetDecision:
    return BudgetDecision(
        people=budget.is_exceeded(losses.people.lost, losses.people.total),
        departments=budget.is_exceeded(losses.departments.lost, losses.departments.total),
        group_places=budget.is_exceeded(losses.group_places.lost, losses.group_places.total),
        sight=budget.is_exceeded(losses.sight.lost, losses.sight.total),
    )
