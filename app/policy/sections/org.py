"""How much the organisation may lose at once (P6, F28)."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    Field,
)

from app.policy.sections.values import Section


class LossBudget(Section):
    """P6, F28: losses beyond it wait for a person. Held when the loss is more than `large_count` people and more than
    `large_share` of them, or at most `large_count` people and more than `small_share`.
    """

    large_count: Annotated[int, Field(ge=1)]
    large_share: Annotated[float, Field(gt=0, le=1)]
    small_share: Annotated[float, Field(gt=0, le=1)]

    def is_exceeded(self, lost: int, total: int) -> bool:
        """More than 50 of them and over 20 %, or up to 50 and over 80 %, in the default policy."""
        if lost <= 0 or total <= 0:
            return False
        share = self.large_share if lost > self.large_count else self.small_share
        return lost / total > share


class OrgRule(Section):
    loss_budget: LossBudget
    missing_runs: Annotated[int, Field(ge=1)] = 2
    """In how many successful runs in a row a person must be missing before they count as gone."""
