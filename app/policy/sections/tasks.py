"""Deadlines and escalation of tasks (policy 4)."""

from __future__ import annotations

from app.policy.sections.people import Expression
from app.policy.sections.values import Duration, Section


class EscalationRule(Section):
    """4.4: who hears of an overdue task, and when."""

    after: Duration
    """Since the task fell due; `0m`: at once."""
    to: Expression


class TasksRule(Section):
    accept_within: Duration
    """4.2: since the assignment; who has not accepted by then is reminded."""
    remind_before: list[Duration] = []
    """4.3, F77: reminders before the task is due. `1wd`: at the beginning of the working day before."""
    escalation: list[EscalationRule] = []
    """4.4, F80: in this order."""
