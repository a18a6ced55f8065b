"""Deadlines and substitutes of approvals (F52, F56)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.policy.sections.people import Expression
from app.policy.sections.values import Duration, Section


class ApprovalsRule(Section):
    """F52: defaults for steps that state none of their own, counted since the step opened."""

    remind_after: Duration
    due_after: Duration
    fallback: list[Expression] = Field(default=["department_head"], validate_default=True)
    """F56: who decides, in this order, where a head, a leader or a group's administrator is wanting: they are the
    applicant, or have left. A role, tag, post or userid that nobody holds has no substitute, and nobody decides in this
    way about somebody above whom nobody stands.
    """
    nobody_above: Literal["pass", "refuse"] = "pass"
    """What happens to a step about the applicant above whom nobody stands. `pass`: nobody decides it, which is
    recorded; `refuse`: the application is refused.
    """
