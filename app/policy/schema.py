"""The policy document: one section per domain, every number with its unit and the clause it carries out.

Frozen values. Reading a stored version needs nothing but this schema; what a *new* document must satisfy besides (each
rule key mapped, each clause and role there) is checked in `document.py`, so that old versions stay readable. For the
same reason a new field needs a default.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from app.policy.sections.access import AccessRule
from app.policy.sections.announcements import AnnouncementsRule
from app.policy.sections.approvals import ApprovalsRule
from app.policy.sections.clauses import CarriedOut
from app.policy.sections.delivery import DeliveryRule
from app.policy.sections.groups import GroupsRule
from app.policy.sections.org import OrgRule
from app.policy.sections.people import RoleRule
from app.policy.sections.tasks import TasksRule
from app.policy.sections.values import Section, Text
from app.policy.sections.working_time import WorkingTimeRule, within
from app.working_time import PolicyDuration

__all__ = ["PolicyDocument", "PolicyDuration"]


class About(Section):
    """7.8: who stands behind this version."""

    interpreted_by: Text
    approved_by: str = ""
    replaces: str = ""
    next_review: date | None = None


class PolicyDocument(Section):
    title: Text
    about: About
    clauses: dict[Text, Text]
    """Clause number → text, as this company numbers and words it."""
    carried_out: dict[Text, CarriedOut] = Field(default_factory=dict)
    """Clause number → how it is carried out. Empty only in versions that are older than this section."""
    rules: dict[Text, Text]
    """Rule key (app/policy/rule_keys.py) → number of the clause that it carries out."""
    roles: dict[Text, RoleRule]
    working_time: WorkingTimeRule
    delivery: DeliveryRule
    org: OrgRule
    groups: GroupsRule
    approvals: ApprovalsRule
    announcements: AnnouncementsRule
    tasks: TasksRule
    access: AccessRule | None = None
    """Who may do what on the pages. None in versions that are older than this section: the default document's."""

    @model_validator(mode="after")
    def _work_outside_of_the_rest_period(self) -> PolicyDocument:
        quiet, work = self.delivery.quiet, self.working_time
        if quiet and all(within(at, quiet) for at in (work.work_start, work.work_end)):
            raise ValueError("working_time 在 delivery.quiet（休息时段）之内，工作信息将无法发出，请改正其一")
        return self
