"""Decisions about announcements. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.announcements.errors import (
    AuthorNotActive,
    ClassNotAllowed,
    DeadlineInThePast,
    GroupNotActive,
    NotOneOwner,
    ReceiptNotPossible,
    TooLong,
    UnknownClass,
)
from app.audit.why import About
from app.org.rules import may_act, why_not
from app.policy.schema import PolicyDocument
from app.policy.sections.announcements import AnnouncementClassRule
from app.policy.service import Citation, Policy
from app.quotes import quoted
from models.announcements import Announcement, Receipt
from models.audit import ObjectKind
from models.groups import Group, GroupState
from models.org import Person

GROUP = "group:"
DEPARTMENT = "department:"
PERSON = "person"

_WHY_NOT = {
    GroupState.CREATING: "还在建立",
    GroupState.FAILED: "没有建成",
    GroupState.CLOSING: "正在关闭",
    GroupState.CLOSED: "已关闭",
    GroupState.LOST: "已被解散",
}


def about(announcement: Announcement) -> About:
    return About(ObjectKind.ANNOUNCEMENT, announcement.id)


class AnnouncementPurpose(StrEnum):
    """What a message about an announcement is for."""

    TEXT = "announcement.text"
    CARD = "announcement.card"
    GROUP_TEXT = "announcement.group_text"
    CHASE = "announcement.chase"
    FINAL_LIST = "announcement.final_list"
    ESCALATION = "announcement.escalation"


class ReceiptState(StrEnum):
    """Policy 3.6: who was not reached has not failed to answer."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    UNDELIVERED = "undelivered"


def state_of(receipt: Receipt) -> ReceiptState:
    if receipt.confirmed_at is not None:
        return ReceiptState.CONFIRMED
    return ReceiptState.UNDELIVERED if receipt.due_at is None else ReceiptState.UNCONFIRMED


@dataclass
class Audience:
    """Who is concerned, and why: the first reason found stays."""

    sources: dict[UUID, str] = field(default_factory=dict)

    def add(self, people: Iterable[UUID], source: str) -> None:
        for person_id in people:
            self.sources.setdefault(person_id, source)

    @property
    def in_groups(self) -> set[UUID]:
        """Who is a member of a group that it goes to."""
        return {person_id for person_id, source in self.sources.items() if source.startswith(GROUP)}

    def named(self) -> list[UUID]:
        """Who is concerned by name."""
        return [person_id for person_id, source in self.sources.items() if source == PERSON]

    def without(self, person_id: UUID) -> None:
        self.sources.pop(person_id, None)


def check_author(author: Person) -> None:
    if not may_act(author):
        raise AuthorNotActive(
            f"{author.name} 的账号{why_not(author)}，不能以其名义发布",
            f"The account of {author.name} is {author.status.value}: nothing can be published in their name",
        )


def class_rule(document: PolicyDocument, message_class: str) -> AnnouncementClassRule:
    """Policy 3.2: the class decides length, receipt and deadline."""
    rule = document.announcements.classes.get(message_class)
    if rule is None:
        known = "、".join(f"{key}({one.title})" for key, one in document.announcements.classes.items())
        raise UnknownClass(
            f"制度里没有类别 {message_class}；可用：{known}",
            f"The policy has no class {message_class}; there are {', '.join(document.announcements.classes)}",
        )
    return rule


def leave_one_owner(rule: AnnouncementClassRule, audience: Audience, groups: Iterable[Group]) -> None:
    """Policy 3.2: a problem has one owner. Everybody else reads of it in the group and confirms nothing."""
    owners = audience.named() or [one.desired_owner_id for one in groups if one.desired_owner_id in audience.sources]
    if len(owners) != 1 or any(source.startswith(DEPARTMENT) for source in audience.sources.values()):
        raise NotOneOwner(
            f"{quoted(rule.title)}要由一个人负责：请在 people 中写明一人，或只发到一个群，由群主负责（发布人本人除外）",
            f"{quoted(rule.title)} needs one owner: name one person in `people`, "
            "or send it to one group, whose owner it is",
        )
    audience.sources = {owners[0]: audience.sources[owners[0]]}


def check_length(rule: AnnouncementClassRule, body: str, *, citation: Citation) -> None:
    """Policy 3.1: long shared content goes behind a link."""
    if rule.max_characters is not None and len(body) > rule.max_characters:
        raise TooLong(
            f"{quoted(rule.title)}最多 {rule.max_characters} 字，现有 {len(body)} 字；"
            f"请把长内容放到链接里（{citation.label}）",
            f"{quoted(rule.title)} takes {rule.max_characters} characters and this has {len(body)}: put what is "
            f"long behind a link ({citation.english})",
        )


def check_group(policy: Policy, group: Group, message_class: str, rule: AnnouncementClassRule) -> None:
    """Policy 3.2: leisure content, for example, only in interest groups."""
    if group.state is not GroupState.ACTIVE:
        raise GroupNotActive(
            f"群{quoted(group.desired_name)}{_WHY_NOT[group.state]}，不能发消息",
            f"The group {quoted(group.desired_name)} takes no messages: it is {group.state.value}",
            state=group.state.value,
        )
    group_type = policy.document.groups.types.get(group.group_type)
    if group_type is not None and message_class not in group_type.allowed_classes:
        raise ClassNotAllowed(
            f"{group_type.title}{quoted(group.desired_name)}不允许发布{quoted(rule.title)}类信息"
            f"（{policy.cite('announcement.publish').label}）",
            f"The group {quoted(group.desired_name)} ({group_type.title}) takes nothing of the class "
            f"{quoted(rule.title)} ({policy.cite('announcement.publish').english})",
        )


def outside(audience: Iterable[UUID], led: Collection[UUID]) -> list[UUID]:
    """Policy 3.6: whom an author may not instruct, because they do not lead them."""
    return [person_id for person_id in audience if person_id not in led]


def wants_receipt(rule: AnnouncementClassRule, asked: bool | None) -> bool:
    """Policy 3.6. An announcement may ask for less than its class, not for more."""
    if asked and not rule.receipt:
        raise ReceiptNotPossible(
            f"{quoted(rule.title)}类信息按制度不要回执",
            f"By the policy, nobody confirms announcements of the class {quoted(rule.title)}",
        )
    return rule.receipt if asked is None else asked


def check_deadline(deadline: datetime, now: datetime) -> None:
    if deadline <= now:
        raise DeadlineInThePast("截止时间要晚于现在", "The deadline has to be in the future")


def is_late(due_at: datetime | None, now: datetime) -> bool:
    """`due_at`: the person's own. Whom the card has not reached is never late."""
    return due_at is not None and now > due_at


def check_takes_receipts(announcement: Announcement) -> None:
    if not announcement.receipt_required:
        raise ReceiptNotPossible("这个通知不要回执", "Nobody has to confirm this announcement")


def may_confirm(receipt: Receipt) -> bool:
    """False for a repeat: the first confirmation stands (F55, P2)."""
    return receipt.confirmed_at is None
