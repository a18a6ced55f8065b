"""Who is meant, and the steps of an approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from app.policy.sections.values import Duration, Section, Text
from app.quotes import quoted


class ExpressionKind(StrEnum):
    DEPARTMENT_HEAD = "department_head"  # heads of the person's main department
    DIRECT_LEADER = "direct_leader"  # the person's direct leader
    GROUP_ADMINISTRATOR = "group_administrator"  # owner and deputy of the group concerned
    GROUP_OWNER = "group_owner"
    ROLE = "role"  # a role of this document
    TAG = "tag"  # who carries a tag of the contact book
    POST = "post"  # who holds a post (职务)
    USERID = "userid"  # one person


NAMED = frozenset({ExpressionKind.ROLE, ExpressionKind.TAG, ExpressionKind.POST, ExpressionKind.USERID})
"""Kinds that are followed by a colon and a name."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Who is meant: `department_head`, `role:hr` … Text in YAML, in JSON and in the database, parsed once."""

    kind: ExpressionKind
    name: str = ""
    """What follows the colon: the role, tag, post or userid. Empty for the other kinds."""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Raises `ValueError` with a sentence for people when nobody is meant by it."""
        kind, colon, name = text.partition(":")
        if kind in set(ExpressionKind) and bool(colon and name) == (ExpressionKind(kind) in NAMED):
            return cls(ExpressionKind(kind), name)
        raise ValueError(
            f"不认识{quoted(text)}，可写 department_head、direct_leader、group_administrator、group_owner、"
            "role:角色、tag:标签、post:职务、userid:账号"
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema()
        return core_schema.no_info_wrap_validator_function(
            cls._validated,
            text,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=text),
        )

    @classmethod
    def _validated(cls, value: Any, as_text: Callable[[Any], str]) -> Expression:
        return value if isinstance(value, cls) else cls.parse(as_text(value))


def _checked_role(expression: Expression) -> Expression:
    if expression.kind is not ExpressionKind.ROLE:
        raise ValueError("只能写角色，如 role:hr")
    return expression


RoleExpression = Annotated[Expression, AfterValidator(_checked_role)]


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
    approver: Expression
    needed: Literal["any", "all"] | Annotated[int, Field(ge=1)] = "any"
    """How many of the approvers must agree."""
    remind_after: Duration | None = None
    """Since the step opened. Empty: `approvals.remind_after`."""
    due_after: Duration | None = None
    """Since the step opened. Empty: `approvals.due_after`."""
