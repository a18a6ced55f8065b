"""Bundles of permissions, and who holds them (D21)."""

from __future__ import annotations

from pydantic import Field, model_validator

from app.dual_control import TwoPersonAct
from app.permissions import Permission, Reach
from app.policy.sections.people import Expression
from app.policy.sections.values import Section, Text

EVERYONE = "everyone"
"""Held by whoever is employed."""


class BundleRule(Section):
    """Permissions that go together, where they hold, and whose they are without a grant."""

    title: Text
    """What people read: 部门负责人."""
    english: Text
    reach: Reach
    permissions: list[Permission] = Field(min_length=1)
    derived: Text | None = None
    """What makes somebody a holder, with the place it holds in: `everyone`, `department_head`, `group_administrator`
    (`app.manifest.Domain.standings`).
    """
    held_by: list[Expression] = []
    """Whose it is in the whole company: `role:hr`."""

    @model_validator(mode="after")
    def _named_holders_have_a_place(self) -> BundleRule:
        if self.held_by and self.reach is not Reach.COMPANY:
            raise ValueError("held_by 只能用于 reach: company 的权限组，其他权限组请用 derived 或逐个授予")
        if self.derived == EVERYONE and self.reach not in {Reach.COMPANY, Reach.OWN}:
            raise ValueError("derived: everyone 只能与 reach: own 或 company 一起使用")
        return self


class AccessRule(Section):
    bundles: dict[Text, BundleRule] = Field(min_length=1)
    two_person: list[TwoPersonAct] = []
    """Acts on pages that one person asks for and another confirms (F197). Empty in versions that are older."""
    two_person_keys: bool = False
    """Whether API keys, too, cannot do these alone: they ask (`POST /confirmations`)."""
