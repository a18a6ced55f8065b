"""Who is meant, and the steps of an approval."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    Field,
)

from app.policy.sections.values import Duration, Section, Text


class ApproverKind(StrEnum):
    DEPARTMENT_HEAD = "department_head"  # heads of the applicant's main department
    DIRECT_LEADER = "direct_leader"  # the applicant's direct leader
    GROUP_ADMINISTRATOR = "group_administrator"  # owner and deputy of the group concerned
    GROUP_OWNER = "group_owner"
    ROLE = "role"  # a role of this document
    TAG = "tag"  # who carries a tag of the contact book
    POST = "post"  # who holds a post (职务)
    USERID = "userid"  # one person


NAMED = frozenset({ApproverKind.ROLE, ApproverKind.TAG, ApproverKind.POST, ApproverKind.USERID})


class Approver(NamedTuple):
    kind: ApproverKind
    name: str
    """What follows the colon: the role, tag, post or userid. Empty for the others."""


def parse_approver(expression: str) -> Approver:
    """`department_head`, `role:hr`, … taken apart."""
    kind, colon, name = expression.partition(":")
    if kind in set(ApproverKind) and bool(colon and name) == (ApproverKind(kind) in NAMED):
        return Approver(ApproverKind(kind), name)
    raise ValueError(
        f"不认识“{expression}”，可写 department_head、direct_leader、group_administrator、group_owner、"
        "role:角色、tag:标签、post:职务、userid:账号"
    )


def _checked_approver(expression: str) -> str:
    parse_approver(expression)
    return expression


def _checked_role(expression: str) -> str:
    if parse_approver(expression).kind is not ApproverKind.ROLE:
        raise ValueError("只能写角色，如 role:hr")
    return expression


ApproverExpression = Annotated[str, AfterValidator(_checked_approver)]

RoleExpression = Annotated[str, AfterValidator(_checked_role)]


class RoleRule(Section):
    """Who holds a named role: everybody whom one of the lists names."""

    title: Text
    """What people read: 人力资源."""
    departments: list[Text] = []
    """Department names, with everything below them."""
    tags: list[Text] = []
    posts: list[Text] = []
    userids: list[Text] = []
    leaders_only: bool = False
    """Of the departments named, only the leaders."""


class StepRule(Section):
    """One step of an approval (F49). Steps go in sequence."""

    name: Text
    """What people read: 部门负责人."""
    approver: ApproverExpression
    needed: Literal["any", "all"] | Annotated[int, Field(ge=1)] = "any"
    """How many of the approvers must agree."""
    remind_after: Duration | None = None
    """Since the step opened. Empty: `approvals.remind_after`."""
    due_after: Duration | None = None
    """Since the step opened. Empty: `approvals.due_after`."""
