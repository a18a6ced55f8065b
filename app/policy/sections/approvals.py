"""Deadlines and substitutes of approvals (F52, F56)."""

from __future__ import annotations

from pydantic import Field

from app.policy.sections.people import Expression
from app.policy.sections.values import Duration, Section


class ApprovalsRule(Section):
    """F52: defaults for steps that state none of their own, counted since the step opened."""

    remind_after: Duration
    due_after: Duration
    fallback: list[Expression] = Field(default=["department_head"], validate_default=True)
    """F56: who decides, in this order, where a step is left with nobody: its approver is the applicant, or has left."""
