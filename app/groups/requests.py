"""The kinds of requests about groups: creating one, joining, leaving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import service as approvals
from app.approvals.service import PERSONAL, Details, Headed, Offer, RequestKind, RequestText, Submission
from app.audit.actor import Actor
from app.errors import DomainError
from app.findings import service as findings
from app.groups import messages, queries, roster, rules
from app.groups.changes.cause import Cause
from app.groups.creation import first_owner, register
from app.groups.errors import AlreadyAMember, NotAMember, UnknownPeople
from app.groups.schemas import CreateGroup, CreationSubject, Exit, Join, MembershipSubject, RosterChange
from app.org import queries as org
from app.org.rules import contact_of
from app.policy import service as policies
from app.policy.sections.groups import MembershipRule, Requirement
from app.policy.sections.people import Expression, StepRule
from app.policy.service import Policy
from app.quotes import quoted
from models.approvals import OutcomeState, Request
from models.groups import FindingKind, Group, GroupMember
from models.ids import GroupId, PersonId, PolicyVersionId, RequestId, fold
from models.org import Person

ChangeT = TypeVar("ChangeT", bound=RosterChange)

WRITTEN_NAME: Final = "填写姓名"
NAMED_ON_CARD: Final = 10
"""Of the members of a new group; the page of the request names all of them."""


class CreateGroupKind(RequestKind[CreateGroup, CreationSubject]):
    name = "create_group"
    rule_key = "group.create"
    payload = CreateGroup
    subject = CreationSubject

    async def resolve(self, session: AsyncSession, payload: CreateGroup, _submission: Submission) -> CreationSubject:
        userids = [userid for userid in (payload.owner, payload.deputy, *payload.members) if userid]
        found = await org.people_by_userids(session, userids)
        if unknown := [userid for userid in userids if fold(userid) not in found]:
            raise UnknownPeople(
                f"通讯录中没有这些账号：{'、'.join(unknown)}",
                f"There is no member with the userid {', '.join(unknown)}",
                userids=unknown,
            )
        return CreationSubject(
            name=payload.name,
            group_type=payload.type,
            purpose=payload.purpose,
            department_id=payload.department_id,
            owner_id=found[fold(payload.owner)].id if payload.owner else None,
            deputy_id=found[fold(payload.deputy)].id if payload.deputy else None,
            member_ids=[found[fold(userid)].id for userid in payload.members if userid],
            departments=payload.departments,
            confidentiality=payload.confidentiality,
        )

    async def check(self, session: AsyncSession, subject: CreationSubject, submission: Submission) -> None:
        await register.plan(session, subject, submission.requester, policy=submission.policy)
        await register.check_name_is_free(session, subject.name)

    def steps(self, policy: Policy, subject: CreationSubject) -> Sequence[StepRule]:
        return roster.rule_of(policy, subject.group_type).create

    def subject_key(self, subject: CreationSubject) -> str:
        return f"name:{subject.name}"

    async def describe(self, session: AsyncSession, subject: CreationSubject, submission: Submission) -> RequestText:
        people = await org.people_by_id(session, subject.people)
        places = [*subject.whole_departments, *([subject.department_id] if subject.department_id is not None else [])]
        departments = await org.department_names(session, places)
        fields = [
            ("群名称", subject.name),
            ("密级", "保密群" if subject.confidentiality == rules.CONFIDENTIAL else "公开群"),
            ("类型", roster.rule_of(submission.policy, subject.group_type).title),
            ("成员", members_in_words(subject, people, departments) or submission.requester.name),
            ("群主", people[subject.owner_id].name if subject.owner_id else "按制度规定"),
            ("副群主", people[subject.deputy_id].name if subject.deputy_id else ""),
            ("部门", departments.get(subject.department_id, "") if subject.department_id is not None else ""),
            ("用途", subject.purpose),
        ]
        fields = [(key, value) for key, value in fields if value]
        return RequestText(title=f"申请建立群{quoted(subject.name)}", fields=fields)

    async def approved(
        self, session: AsyncSession, request: Request, subject: CreationSubject, *, actor: Actor, now: datetime
    ) -> None:
        await register.carry_out_creation(session, request, subject, actor=actor, now=now)

    async def offer(self, session: AsyncSession, subject: CreationSubject, submission: Submission) -> Offer:
        """1.9: nobody becomes the owner unasked."""
        rule = roster.rule_of(submission.policy, subject.group_type)
        people = await first_owner.candidates(session, subject, rule, submission.requester, submission.policy)
        return Offer("担任群主", "group.owner", people)

    def taken_on_by(self, subject: CreationSubject, person_id: UUID) -> CreationSubject:
        return subject.model_copy(update={"owner_id": person_id})

    async def headed_by(self, _session: AsyncSession, subject: CreationSubject, requester: Person) -> Headed:
        """1.2: the head of the group's own department, where it has one."""
        return Headed(requester, subject.department_id)

    async def group_administrators(self, _session: AsyncSession, subject: CreationSubject) -> Sequence[PersonId]:
        return [PersonId(one) for one in (subject.owner_id, subject.deputy_id) if one is not None]

    def lists(self, subject: CreationSubject) -> Collection[UUID]:
        """1.1: the rule of the members, which are named one by one."""
        return subject.member_ids

    def concerns(self, _subject: CreationSubject) -> Collection[UUID]:
        """Nobody: who would own the group or be in it may decide about it."""
        return ()


def members_in_words(subject: CreationSubject, people: Mapping[UUID, Person], departments: Mapping[int, str]) -> str:
    """研发部及其下级、王芳、赵云 等 20 人: the page has the whole list."""
    named = [people[one].name for one in dict.fromkeys(subject.member_ids)]
    first = named[:NAMED_ON_CARD]
    counted = f" 等 {len(named)} 人" if len(named) > len(first) else f"（{len(named)} 人）"
    wholes = [f"{departments.get(one, one)}及其下级" for one in subject.whole_departments]
    return "、".join([*wholes, *first]) + (counted if named else "")


@dataclass(frozen=True)
class ApprovedChange:
    """A join or an exit that may be carried out: the locked group, the person, and the policy of the application."""

    request: Request
    group: Group
    person: Person
    policy: Policy
    cause: Cause


class MembershipKind(RequestKind[ChangeT, MembershipSubject]):
    """What joining and leaving have in common: a group and a person."""

    subject = MembershipSubject
    has_details = True
    verb: str
    """For the title: 加入, 退出."""

    async def resolve(self, session: AsyncSession, payload: ChangeT, submission: Submission) -> MembershipSubject:
        group = await queries.group(session, GroupId(payload.group_id))
        person = await org.person_by_userid(session, payload.person) if payload.person else submission.requester
        if person is None:
            raise UnknownPeople(
                f"通讯录中没有账号 {payload.person}",
                f"There is no member with the userid {payload.person}",
                userids=[payload.person],
            )
        return MembershipSubject(group_id=group.id, person_id=person.id, group_type=group.group_type)

    async def details(self, session: AsyncSession, payload: ChangeT, subject: MembershipSubject) -> Details:
        """2.1: true name and title as the contact book has them, and what the application says otherwise beside it."""
        _, person = await _group_and_person(session, subject)
        written = payload.name if person.name and payload.name != person.name else ""
        return Details(
            person.name or payload.name,
            _beside(person.position, payload.title),
            payload.contact or contact_of(person),
            written_name=written,
        )

    @abstractmethod
    def rule(self, policy: Policy, subject: MembershipSubject) -> MembershipRule:
        """What the type of the group says about it."""

    def requires(self, policy: Policy, subject: MembershipSubject) -> Sequence[Requirement]:
        return self.rule(policy, subject).requires

    def applied_by(self, policy: Policy, subject: MembershipSubject) -> Sequence[Expression]:
        return self.rule(policy, subject).applicants

    def steps(self, policy: Policy, subject: MembershipSubject) -> Sequence[StepRule]:
        return self.rule(policy, subject).steps

    async def approved(
        self, session: AsyncSession, request: Request, subject: MembershipSubject, *, actor: Actor, now: datetime
    ) -> None:
        group, person = await _group_and_person(session, subject, for_update=True)
        policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
        cause = Cause(self.name, self.rule_key, policy.id, actor, request.id, request.reason)
        await self.carry_out(session, ApprovedChange(request, group, person, policy, cause), now=now)

    @abstractmethod
    async def carry_out(self, session: AsyncSession, change: ApprovedChange, *, now: datetime) -> None:
        """What has become impossible meanwhile is the outcome's failure (F59)."""

    def subject_key(self, subject: MembershipSubject) -> str:
        return rules.membership_key(subject.group_id, subject.person_id)

    async def describe(self, session: AsyncSession, subject: MembershipSubject, submission: Submission) -> RequestText:
        group, person = await _group_and_person(session, subject)
        details = submission.details
        is_own = person.id == submission.requester.id
        # A card has six rows, two are the number and the applicant. The title says whose it is and names the group.
        who = [] if is_own and person.name else [("成员", details.name)]
        personal = [(PERSONAL["title"], details.title), (PERSONAL["contact"], details.contact)]
        where = [("群", group.desired_name)] if is_own else []
        written = [(WRITTEN_NAME, details.written_name)]
        fields = [*who, *written, *personal, *where, ("用途", group.purpose)]
        whose = "" if is_own else details.name
        return RequestText(
            title=f"申请{whose}{self.verb}{quoted(group.desired_name)}",
            fields=[(key, value) for key, value in fields if value],
            group_id=GroupId(group.id),
        )

    async def headed_by(self, session: AsyncSession, subject: MembershipSubject, _requester: Person) -> Headed:
        """2.1: the head of who joins or leaves, whoever has applied for them."""
        _, person = await _group_and_person(session, subject)
        return Headed(person)

    async def group_administrators(self, session: AsyncSession, subject: MembershipSubject) -> Sequence[PersonId]:
        return await findings.administrators(session, await queries.group(session, GroupId(subject.group_id)))

    def concerns(self, subject: MembershipSubject) -> Collection[UUID]:
        return (subject.person_id,)


class JoinKind(MembershipKind[Join]):
    name = "join"
    rule_key = "member.join"
    payload = Join
    keeps_details = True
    verb = "加入"

    async def check(self, session: AsyncSession, subject: MembershipSubject, submission: Submission) -> None:
        group, person = await _group_and_person(session, subject)
        await roster.check_may_join(session, group, person, policy=submission.policy)

    def rule(self, policy: Policy, subject: MembershipSubject) -> MembershipRule:
        return roster.rule_of(policy, subject.group_type).join

    async def carry_out(self, session: AsyncSession, change: ApprovedChange, *, now: datetime) -> None:
        """The person may come in (2.1)."""
        request_id = change.request.id
        try:
            stay = await roster.admit(
                session, change.group, change.person, policy=change.policy, cause=change.cause, now=now
            )
        except AlreadyAMember:
            await finish(session, request_id, OutcomeState.DONE, "已在群内", now=now)
        except DomainError as refusal:
            await finish(session, request_id, OutcomeState.FAILED, str(refusal), now=now)
        else:
            if stay.call_id is None:
                await finish(session, request_id, OutcomeState.DONE, now=now)


class ExitKind(MembershipKind[Exit]):
    name = "exit"
    rule_key = "member.exit"
    payload = Exit
    objection_ends = True
    """Against their will nobody is let go: that is a removal for cause (2.8)."""
    verb = "退出"

    async def check(self, session: AsyncSession, subject: MembershipSubject, _submission: Submission) -> None:
        group, person = await _group_and_person(session, subject)
        await roster.check_may_leave(session, group, person)

    def rule(self, policy: Policy, subject: MembershipSubject) -> MembershipRule:
        return roster.rule_of(policy, subject.group_type).exit

    async def carry_out(self, session: AsyncSession, change: ApprovedChange, *, now: datetime) -> None:
        """The person goes (2.5): approved, or free by the rule of the group's type."""
        request, group, person = change.request, change.group, change.person
        try:
            stay = await roster.let_go(session, group, person, cause=change.cause, now=now)
            if stay.call_id is None:
                return  # an owner: they go when somebody follows, who reads why
        except NotAMember:
            # They went before the answer: the leave was not approved when it happened, but it is now.
            await findings.resolve_about(
                session,
                group,
                FindingKind.UNAPPROVED_LEAVE,
                person_id=person.id,
                resolution=f"退群申请 #{request.number} 事后同意",
                now=now,
            )
            await finish(session, request.id, OutcomeState.DONE, "已不在群内", now=now)
        except DomainError as refusal:
            await finish(session, request.id, OutcomeState.FAILED, str(refusal), now=now)
            return
        if roster.rule_of(change.policy, group.group_type).exit.mode == "notify":
            await tell_of_leave(session, group, person, policy=change.policy, cause=change.cause, now=now)


async def tell_of_leave(
    session: AsyncSession, group: Group, person: Person, *, policy: Policy, cause: Cause, now: datetime
) -> None:
    """`exit.mode` notify (2.5): the administrators hear that somebody has left, as they may."""
    text = messages.left_quietly(group, name=person.name, citation=policy.cite(cause.rule_key))
    await findings.tell_administrators(session, group, text, policy=policy, why=cause.why, now=now, without=[person.id])


def _beside(known: str, written: str) -> str:
    """What the contact book has, and what the application writes where that is something else."""
    return f"{known}（填写：{written}）" if known and written and written != known else known or written


KINDS: dict[str, RequestKind[Any, Any]] = {kind.name: kind for kind in (CreateGroupKind(), JoinKind(), ExitKind())}


async def _group_and_person(
    session: AsyncSession, subject: MembershipSubject, *, for_update: bool = False
) -> tuple[Group, Person]:
    find = queries.group_for_update if for_update else queries.group
    group = await find(session, GroupId(subject.group_id))
    people = await org.people_by_id(session, [subject.person_id])
    return group, people[subject.person_id]


async def finish(
    session: AsyncSession, request_id: UUID | None, outcome: OutcomeState, detail: str | None = None, *, now: datetime
) -> None:
    """Tell the approval engine, when the change came from an application."""
    if request_id is not None:
        await approvals.finish_outcome(
            session, request_id=RequestId(request_id), outcome=outcome, detail=detail, now=now
        )


async def abandon(session: AsyncSession, stay: GroupMember, why: str, *, now: datetime) -> None:
    """End the application of a person who was to join, has not joined yet, and no longer is to."""
    if stay.desired and not stay.observed:
        await finish(session, stay.request_id, OutcomeState.FAILED, why, now=now)
