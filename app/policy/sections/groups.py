"""Groups and their types (policy 1 and 2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from app.policy.sections.people import Expression, RoleExpression, StepRule
from app.policy.sections.values import PLATFORM_GROUP_SIZE, PLATFORM_NAME_LENGTH, Pattern, Section, Text, only_blanks

Requirement = Literal["name", "title", "contact", "reason"]
"""What an application may be asked to say: the true name, the title, a contact, a reason for it."""

SUPERIORS = ("department_head", "direct_leader", "group_administrator")


class MembershipRule(Section):
    """What joining and leaving have in common."""

    steps: list[StepRule] = []
    requires: list[Requirement] = []
    """What the application must say. Versions from before this key ask for nothing."""
    applied_by: list[Expression] | None = None
    """Who may apply for somebody else, besides the person. Versions from before this key: the person's heads, their
    direct leader, the group's administrators, and whom the steps name.
    """

    @property
    def applicants(self) -> list[Expression]:
        """Who may apply for somebody else. Nobody where nobody decides: it would be done before they could object."""
        if not self.steps:
            return []
        if self.applied_by is not None:
            return self.applied_by
        return [*map(Expression.parse, SUPERIORS), *(step.approver for step in self.steps if step.approver.name)]

    def check_steps(self, mode: str) -> None:
        if (mode == "approve") != bool(self.steps):
            raise ValueError("mode 为 approve 时要写 steps，其他 mode 不写 steps")
        if self.applied_by and not self.steps:
            raise ValueError("mode 不为 approve 时只能由本人申请，不写 applied_by")


class JoinRule(MembershipRule):
    """2.1. `approve`: the steps decide; `open`: whoever asks is in (no steps)."""

    mode: Literal["approve", "open"] = "approve"

    @model_validator(mode="after")
    def _consistent(self) -> JoinRule:
        self.check_steps(self.mode)
        return self


class ExitRule(MembershipRule):
    """2.5. `approve`: the steps decide; `notify`: told to the administrator, takes effect; `free`: takes effect."""

    mode: Literal["approve", "notify", "free"] = "approve"

    @model_validator(mode="after")
    def _consistent(self) -> ExitRule:
        self.check_steps(self.mode)
        return self


class GroupTypeRule(Section):
    """1.2: the type decides who approves, who administers, who belongs, who is informed."""

    title: Text
    """部门群, 项目群 …"""
    enabled: bool = True
    """Whether such groups may be applied for."""
    create: Annotated[list[StepRule], Field(min_length=1)]
    join: JoinRule
    exit: ExitRule
    listed: bool = True
    """1.14: whether everybody finds such groups in the directory. Confidential ones (1.4) nobody finds."""
    administered_by: Expression | Literal["applicant"]
    """Who becomes the owner when the application names nobody. `applicant`: who applied."""
    informed: list[Expression] = []
    """备案: who is told of the creation."""
    max_members: Annotated[int, Field(ge=2, le=PLATFORM_GROUP_SIZE)] = PLATFORM_GROUP_SIZE
    """1.6, the app included."""
    name_pattern: Pattern
    """1.3: a regular expression that the whole name must match."""
    name_hint: Text
    """The same, for people: 部门名称-工作事项."""
    charter: Annotated[Text, only_blanks("name", "owner")]
    """1.5: the group rules posted on creation. Blanks: {name}, {owner}."""
    allowed_classes: Annotated[list[str], Field(min_length=1)]
    """3.2: announcement classes that may go into such a group."""
    external: Literal["forbid"] = "forbid"
    """2.2: groups made by the app hold internal people only."""


_WELCOME_BLANKS = ("name", "purpose", "owner", "charter", "introduction", "leaving", "clause")


class GroupsRule(Section):
    types: dict[str, GroupTypeRule]
    """By the key that requests and the `groups` table carry: `department`, `project` …"""
    first_message: Annotated[Text, only_blanks("name", "type", "purpose", "owner", "charter")]
    """F39: the first post of a new group. Without it the platform does not show the group to anybody."""
    welcome: Annotated[Text, only_blanks(*_WELCOME_BLANKS)]
    """2.11, 2.4: what a person who was added is told. Blanks: {name} {purpose} {owner} {charter},
    {leaving} = how the type lets people leave (2.5, `exit.mode`),
    {introduction} = the number of 2.4, {clause} = the number and the text of 2.11.
    """
    supervised_by: RoleExpression
    """Who hears of a group that has no administrator left: `role:…`."""
    reconcile_interval_seconds: Annotated[int, Field(ge=1)]
    """2.7: how often each roster is compared with the platform."""
    max_name_length: Annotated[int, Field(ge=1, le=PLATFORM_NAME_LENGTH)] = PLATFORM_NAME_LENGTH
    """1.3, in characters."""
