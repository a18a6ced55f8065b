"""The policy document: one section per domain, every number with its unit and the clause it carries out.

Frozen values. Reading a stored version needs nothing but this schema; what a *new* document must satisfy besides (each
rule key mapped, each clause and role there) is checked in `document.py`, so that old versions stay readable. For the
same reason a new field needs a default.
"""

from __future__ import annotations

import re
from datetime import date, time
from enum import StrEnum
from string import Formatter
from typing import Annotated, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from app.working_days import PolicyDuration, WorkingHours

__all__ = ["PolicyDocument", "PolicyDuration"]

PLATFORM_GROUP_SIZE = 2000  # the platform's cap on a group, the app included
PLATFORM_NAME_LENGTH = 50  # longer group names are cut silently
PLATFORM_DUPLICATE_WINDOW = 14_400  # seconds; the longest duplicate check of message/send


class Section(BaseModel):
    """Every part of the document: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _to_duration(value: object) -> PolicyDuration:
    return value if isinstance(value, PolicyDuration) else PolicyDuration.parse(str(value))


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"不是有效的正则表达式（{error}）") from error
    return pattern


def _only(*names: str) -> AfterValidator:
    """A text with blanks in braces: only these names may stand in them."""

    def check(text: str) -> str:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        if unknown := sorted(used - set(names)):
            allowed = "、".join(f"{{{name}}}" for name in names)
            raise ValueError(f"文字里只能用 {allowed}，不认识 {'、'.join(unknown)}")
        return text

    return AfterValidator(check)


Duration = Annotated[PolicyDuration, BeforeValidator(_to_duration), PlainSerializer(str, return_type=str)]
"""`30m`, `2h`, `3d`, `8s` on the clock; `30wm`, `4wh` in working time; `1wd` = to the end of the next working day."""
Text = Annotated[str, Field(min_length=1)]
Pattern = Annotated[Text, AfterValidator(_compiles)]


# ---------------------------------------------------------------- people


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


# ---------------------------------------------------------------- time


LocalTime = Annotated[
    time,
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$", "examples": ["09:00:00"]}),
]
"""A time of day where the company is. JSON Schema's own `time` would ask for an offset."""


class TimeSpan(Section):
    """Local times. `start` later than `end` means over midnight."""

    start: LocalTime
    end: LocalTime


def within(at: time, span: TimeSpan) -> bool:
    """Whether a local time lies in the span; its end does not."""
    if span.start <= span.end:
        return span.start <= at < span.end
    return at >= span.start or at < span.end


class WorkingTimeRule(Section):
    """D14: the hours of a working day; which days are working days is the calendar's matter."""

    work_start: LocalTime
    work_end: LocalTime
    lunch: TimeSpan | None = None

    @model_validator(mode="after")
    def _in_order(self) -> WorkingTimeRule:
        self.as_hours()
        return self

    def as_hours(self) -> WorkingHours:
        lunch = (self.lunch.start, self.lunch.end) if self.lunch else None
        return WorkingHours(self.work_start, self.work_end, lunch)


class Hours(StrEnum):
    """When messages of a class may go (3.4)."""

    WORK = "work"  # in working time
    NOT_QUIET = "not_quiet"  # any time outside of the rest period
    ANY = "any"


class DeliveryClassRule(Section):
    hours: Hours


class DeliveryRule(Section):
    """3.4, F62: when a message may go, and how held messages are released."""

    quiet: TimeSpan | None = None
    """The rest period: classes `work` and `not_quiet` never go in it."""
    jitter_seconds: Annotated[int, Field(ge=0, le=1500)] = 0
    """Held messages are released up to this long after the hours begin, so that not all go at once."""
    avoid_marks: bool = False
    """Never release in the minutes :00 and :30, when everybody's timers go off."""
    classes: dict[str, DeliveryClassRule]
    """By message class. `answer` is what a person gets in reply to their own act."""
    duplicate_window_seconds: Annotated[int, Field(ge=1, le=PLATFORM_DUPLICATE_WINDOW)] = 1800
    """`duplicate_check_interval` of message/send."""

    def hours_of(self, message_class: str) -> Hours:
        """A class the document does not know is treated as work: it is held rather than sent at night."""
        rule = self.classes.get(message_class)
        return rule.hours if rule else Hours.WORK


# ---------------------------------------------------------------- organisation


class LossBudget(Section):
    """P6, F28: losses beyond it wait for a person. Held when the loss is more than `large_count` people and more than
    `large_share` of them, or at most `large_count` people and more than `small_share`.
    """

    large_count: Annotated[int, Field(ge=1)]
    large_share: Annotated[float, Field(gt=0, le=1)]
    small_share: Annotated[float, Field(gt=0, le=1)]


class OrgRule(Section):
    loss_budget: LossBudget
    missing_runs: Annotated[int, Field(ge=1)] = 2
    """In how many successful runs in a row a person must be missing before they count as gone."""


# ---------------------------------------------------------------- groups


class JoinRule(Section):
    """2.1. `approve`: the steps decide; `open`: whoever asks is in (no steps)."""

    mode: Literal["approve", "open"] = "approve"
    steps: list[StepRule] = []

    @model_validator(mode="after")
    def _consistent(self) -> JoinRule:
        _check_steps(self.mode, self.steps)
        return self


class ExitRule(Section):
    """2.5. `approve`: the steps decide; `notify`: told to the administrator, takes effect; `free`: takes effect."""

    mode: Literal["approve", "notify", "free"] = "approve"
    steps: list[StepRule] = []

    @model_validator(mode="after")
    def _consistent(self) -> ExitRule:
        _check_steps(self.mode, self.steps)
        return self


def _check_steps(mode: str, steps: list[StepRule]) -> None:
    if (mode == "approve") != bool(steps):
        raise ValueError("mode 为 approve 时要写 steps，其他 mode 不写 steps")


class GroupTypeRule(Section):
    """1.2: the type decides who approves, who administers, who belongs, who is informed."""

    title: Text
    """部门群, 项目群 …"""
    enabled: bool = True
    """Whether such groups may be applied for."""
    create: Annotated[list[StepRule], Field(min_length=1)]
    join: JoinRule
    exit: ExitRule
    administered_by: ApproverExpression | Literal["applicant"]
    """Who becomes the owner when the application names nobody. `applicant`: who applied."""
    informed: list[ApproverExpression] = []
    """备案: who is told of the creation."""
    max_members: Annotated[int, Field(ge=2, le=PLATFORM_GROUP_SIZE)] = PLATFORM_GROUP_SIZE
    """1.6, the app included."""
    name_pattern: Pattern
    """1.3: a regular expression that the whole name must match."""
    name_hint: Text
    """The same, for people: 部门名称-工作事项."""
    charter: Annotated[Text, _only("name", "owner")]
    """1.5: the group rules posted on creation. Blanks: {name}, {owner}."""
    allowed_classes: Annotated[list[str], Field(min_length=1)]
    """3.2: announcement classes that may go into such a group."""
    external: Literal["forbid"] = "forbid"
    """2.2: groups made by the app hold internal people only."""


class GroupsRule(Section):
    types: dict[str, GroupTypeRule]
    """By the key that requests and the `groups` table carry: `department`, `project` …"""
    first_message: Annotated[Text, _only("name", "type", "purpose", "owner", "charter")]
    """F39: the first post of a new group. Without it the platform does not show the group to anybody."""
    welcome: Annotated[Text, _only("name", "purpose", "owner", "charter", "clause")]
    """2.11, 2.4: what a person who was added is told. Blanks: {name} {purpose} {owner} {charter} {clause}."""
    supervised_by: RoleExpression
    """Who hears of a group that has no administrator left: `role:…`."""
    reconcile_interval_seconds: Annotated[int, Field(ge=1)]
    """2.7: how often each roster is compared with the platform."""
    max_name_length: Annotated[int, Field(ge=1, le=PLATFORM_NAME_LENGTH)] = PLATFORM_NAME_LENGTH
    """1.3, in characters."""


# ---------------------------------------------------------------- approvals


class ApprovalsRule(Section):
    """F52: defaults for steps that state none of their own, counted since the step opened."""

    remind_after: Duration
    due_after: Duration
    fallback: list[ApproverExpression] = [ApproverKind.DEPARTMENT_HEAD.value]
    """F56: who decides, in this order, where a step is left with nobody: its approver is the applicant, or has left."""


# ---------------------------------------------------------------- announcements


class AnnouncementClassRule(Section):
    """3.2: what a class of announcements means."""

    title: Text
    """紧急, 工作 …"""
    receipt: bool
    """3.6: whether those concerned must confirm (an announcement may ask for less, not for more)."""
    default_deadline: Duration | None = None
    """3.6: for the confirmation, since publication, when the announcement names none. Needed with `receipt`."""
    chase_before: Duration | None = None
    """3.6: who has not confirmed is chased once, this long before the deadline. Empty: at the deadline itself."""
    max_characters: Annotated[int, Field(ge=1)] | None = None
    """3.1: longer content goes behind a link. Empty: no limit of the policy's."""

    @model_validator(mode="after")
    def _has_deadline(self) -> AnnouncementClassRule:
        if self.receipt and self.default_deadline is None:
            raise ValueError("要回执的类别要写 default_deadline（如 1wd）")
        return self


class AnnouncementsRule(Section):
    classes: dict[str, AnnouncementClassRule]
    chase_text: Annotated[Text, _only("title", "deadline", "clause")]
    """What the chase says. Blanks: {title}, {deadline}, {clause}."""


# ---------------------------------------------------------------- tasks


class EscalationRule(Section):
    """4.4: who hears of an overdue task, and when."""

    after: Duration
    """Since the task fell due; `0m`: at once."""
    to: ApproverExpression


class TasksRule(Section):
    accept_within: Duration
    """4.2: since the assignment; who has not accepted by then is reminded."""
    remind_before: list[Duration] = []
    """4.3, F77: reminders before the task is due. `1wd`: at the beginning of the working day before."""
    escalation: list[EscalationRule] = []
    """4.4, F80: in this order."""


# ---------------------------------------------------------------- the whole


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
    rules: dict[Text, Text]
    """Rule key (app/policy/rule_keys.py) → clause number."""
    roles: dict[Text, RoleRule]
    working_time: WorkingTimeRule
    delivery: DeliveryRule
    org: OrgRule
    groups: GroupsRule
    approvals: ApprovalsRule
    announcements: AnnouncementsRule
    tasks: TasksRule

    @model_validator(mode="after")
    def _work_outside_of_the_rest_period(self) -> PolicyDocument:
        quiet, work = self.delivery.quiet, self.working_time
        if quiet and all(within(at, quiet) for at in (work.work_start, work.work_end)):
            raise ValueError("working_time 在 delivery.quiet（休息时段）之内，工作信息将无法发出，请改正其一")
        return self
