"""What a key may, in words for people: for `steward doctor` and whoever looks through the keys (D21). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.web.scopes import EVERYTHING
from models.access import ActAs, ApiKey

NOUNS: Final = {
    "admin": "接口密钥、授权",
    "announcements": "通知",
    "audit": "审计记录",
    "callbacks": "回调",
    "confirmations": "双人确认",
    "deliveries": "发送记录",
    "events": "事件",
    "groups": "群",
    "org": "组织架构",
    "overview": "概览",
    "personal": "个人资料",
    "policy": "制度",
    "quota": "额度",
    "requests": "申请",
    "tasks": "任务",
}
"""The resources of the scopes. One without a word is shown by its name."""

_NOUNS_IN_ENGLISH: Final = {
    "admin": "keys and access",
    "audit": "the audit trail",
    "confirmations": "acts of two people",
    "org": "the organisation",
    "overview": "the overview",
    "personal": "personal records",
    "policy": "the policy",
    "quota": "limits",
}
"""Where the name of the resource is not its English."""

ACTS: Final = {
    "admin:write": "授予和收回权限",
    "requests:write": "提交申请",
    "requests:decide": "审批",
    "announcements:write": "发布通知",
    "announcements:confirm": "确认通知",
    "confirmations:write": "提出需要两人的操作",
    "confirmations:decide": "确认需要两人的操作",
    "tasks:write": "布置任务",
    "tasks:act": "办理任务",
}
"""Scopes of writes in which somebody acts, and what they do."""

_ACTS_IN_ENGLISH: Final = {
    "admin:write": "grant and revoke access",
    "requests:write": "submit requests",
    "requests:decide": "decide requests",
    "announcements:write": "publish announcements",
    "announcements:confirm": "confirm announcements",
    "confirmations:write": "ask for acts of two people",
    "confirmations:decide": "confirm acts of two people",
    "tasks:write": "give tasks",
    "tasks:act": "work on tasks",
}


@dataclass(frozen=True, slots=True)
class Powers:
    """What a key may, or is to."""

    scopes: Sequence[str]
    act_as: ActAs
    departments: Sequence[str] = ()
    """Their names, where it acts for people of departments."""

    @property
    def acts(self) -> list[str]:
        """What it may do in people's names, if it may act for anybody at all."""
        return [ACTS[scope] for scope in self._acting]

    @property
    def _acting(self) -> list[str]:
        return [scope for scope in ACTS if EVERYTHING in self.scopes or scope in self.scopes]

    @property
    def is_wide(self) -> bool:
        """It may do something in the name of anybody."""
        return self.act_as is ActAs.ANYBODY and bool(self.acts)

    @property
    def sentence(self) -> str:
        """可写申请，可代任何人提交申请、审批"""
        return "，".join(part for part in (self.by_itself, self.for_people) if part)

    @property
    def by_itself(self) -> str:
        """可写申请，只读组织架构. Empty where all scopes are about acts in people's names."""
        if EVERYTHING in self.scopes:
            return "全部权限"
        written, only_read, content = self._resources
        said = (("可写", written, ""), ("只读", only_read, ""), ("可看", content, "的内容"))
        return "，".join(f"{verb}{_listed(resources)}{what}" for verb, resources, what in said if resources)

    @property
    def _resources(self) -> tuple[list[str], list[str], list[str]]:
        """What it may write, what it may only read, and of what it may read the content."""
        split = [scope.partition(":") for scope in self.scopes]
        written = {resource for resource, _, verb in split if verb == "write"}
        only_read = {resource for resource, _, verb in split if verb == "read"} - written
        content = {resource for resource, _, verb in split if verb == "content"}
        return sorted(written), sorted(only_read), sorted(content)

    @property
    def for_people(self) -> str:
        """可代销售部及其下级的人审批. Empty where it could do nothing for anybody."""
        if not self.acts:
            return ""
        if self.act_as is ActAs.NOBODY:
            return "不能代任何人办理"
        whom = "任何人" if self.act_as is ActAs.ANYBODY else f"{'、'.join(self.departments)}及其下级的人"
        return f"可代{whom}{'、'.join(self.acts)}"

    @property
    def chinese(self) -> str:
        return self.sentence

    @property
    def english(self) -> str:
        """May write requests; may submit requests, decide requests for anybody"""
        said = "; ".join(part for part in (self._by_itself_in_english, self._for_people_in_english) if part)
        return said[:1].upper() + said[1:]

    @property
    def _by_itself_in_english(self) -> str:
        if EVERYTHING in self.scopes:
            return "may do everything"
        written, only_read, content = self._resources
        said = (("may write", written), ("may read", only_read), ("may read the content of", content))
        return "; ".join(f"{verb} {_listed_in_english(resources)}" for verb, resources in said if resources)

    @property
    def _for_people_in_english(self) -> str:
        if not self.acts:
            return ""
        if self.act_as is ActAs.NOBODY:
            return "acts for nobody"
        whom = f"people of {', '.join(self.departments)} and of everything below"
        acts = ", ".join(_ACTS_IN_ENGLISH[scope] for scope in self._acting)
        return f"may {acts} for {'anybody' if self.act_as is ActAs.ANYBODY else whom}"


@dataclass(frozen=True, slots=True)
class KeyPowers:
    """A living key with what it may."""

    row: ApiKey
    powers: Powers

    @property
    def sentence(self) -> str:
        """监控（stw_x1y2…）：可写申请，可代任何人提交申请、审批"""
        return f"{self.row.name}（{self.row.prefix}…）：{self.powers.sentence}"


def _listed(resources: Sequence[str]) -> str:
    return "、".join(NOUNS.get(one, one) for one in resources)


def _listed_in_english(resources: Sequence[str]) -> str:
    return ", ".join(_NOUNS_IN_ENGLISH.get(one, one) for one in resources)
