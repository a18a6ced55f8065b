"""What the policy refuses, and what it does not know."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from app.permissions import Words


class NoPolicyInForce(Unavailable):
    slug = "no-policy-in-force"
    title = "没有生效的制度"


class VersionNotFound(NotFound):
    slug = "policy-version-not-found"
    title = "没有这个制度版本"


class UnknownRule(NotFound):
    slug = "unknown-rule"
    title = "制度没有这条规则"


class FaultyPolicy(Invalid):
    slug = "faulty-policy"
    title = "制度文件有误"


class EffectiveInThePast(Invalid):
    slug = "effective-in-the-past"
    title = "生效时间已过"


class AlreadyScheduled(Conflict):
    slug = "already-scheduled"
    title = "同样的制度已定于其他时间生效"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document."""

    path: str
    """Where: `groups.types.project.join.steps[0].approver`; empty for the document as a whole."""
    message: str
    """In Chinese: what is wrong and what to do."""
    english: str = ""
    """The same, where pages have it in both languages."""

    @property
    def words(self) -> Words:
        return Words(self.message, self.english or self.message)

    def __str__(self) -> str:
        return f"{self.path or '（全文）'}：{self.message}"


class TwoPeopleNeeded(Forbidden):
    slug = "two-people-needed"
    title = "这件事需要两个人"
