"""The wire of the groups. People are named by userid, departments by the platform's id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app.groups.directory.lists import OwnRole, Standing
from app.policy.sections.groups import Requirement
from app.policy.service import Policy
from app.web.schemas import AsText, ClauseOut, Detail, Input
from models.groups import FindingKind, FindingState, Group, GroupFinding, GroupMember, GroupState
from models.org import Person


class WantedAndSeen(BaseModel):
    """What is registered, and what the platform showed last (null: not seen yet)."""

    desired: str | None
    observed: str | None


class SuccessionOut(BaseModel):
    """The owner goes, or an administrator has named another: who accepts is the owner (policy 1.9)."""

    former: str | None = Field(description="userid of the owner so far")
    is_vacant: bool = Field(description="The former owner has gone or is to leave: the group waits for an owner.")
    asked: str | None = Field(description="userid of who is asked now. Null: nobody is left, see the finding.")
    request_id: UUID | None = Field(description="The request by which they are asked.")


class GroupOut(BaseModel):
    id: UUID
    chatid: str
    type: str
    state: GroupState
    state_detail: str | None = Field(description="Why it failed, is unknown, or is lost.")
    name: WantedAndSeen
    owner: WantedAndSeen = Field(description="userids. `desired` is null while the group waits for an owner.")
    succession: SuccessionOut | None = Field(description="While somebody is asked to own it, or nobody owns it.")
    deputy: str | None = Field(description="userid")
    purpose: str
    confidentiality: str
    department_id: int | None
    charter: str
    charter_version: int
    request_id: UUID | None = Field(description="The application it came from.")
    rule: ClauseOut
    registered_at: datetime
    created_at: datetime | None = Field(description="When the platform confirmed it.")
    observed_at: datetime | None = Field(description="When its roster was read last.")
    updated_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(
        cls, group: Group, *, userids: Mapping[UUID, str], policy: Policy, succession: SuccessionOut | None
    ) -> GroupOut:
        owner = None if succession and succession.is_vacant else userids.get(group.desired_owner_id)
        return cls(
            id=group.id,
            chatid=group.chatid,
            type=group.group_type,
            state=group.state,
            state_detail=group.state_detail,
            name=WantedAndSeen(desired=group.desired_name, observed=group.observed_name),
            owner=WantedAndSeen(desired=owner, observed=group.observed_owner_userid),
            succession=succession,
            deputy=userids.get(group.deputy_id) if group.deputy_id else None,
            purpose=group.purpose,
            confidentiality=group.confidentiality,
            department_id=group.department_id,
            charter=group.charter,
            charter_version=group.charter_version,
            request_id=group.request_id,
            rule=ClauseOut.of(policy.cite(group.rule_key)),
            registered_at=group.registered_at,
            created_at=group.created_at,
            observed_at=group.observed_at,
            updated_at=group.updated_at,
            ended_at=group.ended_at,
        )


class GroupMemberOut(BaseModel):
    userid: str | None
    name: str
    desired: bool = Field(description="Wanted in the group, by an approval or a rule.")
    observed: bool = Field(description="Seen in the group. What WeCom says is the truth; a difference is a finding.")
    reason: str = Field(examples=["creation", "join", "exit", "departure", "unapproved_leave"])
    request_id: UUID | None
    since: datetime = Field(description="Since when they are wanted, or wanted no more.")
    first_seen_at: datetime | None = Field(description="When they were seen first; the platform tells no joining time.")
    ended_at: datetime | None

    @classmethod
    def of(cls, stay: GroupMember, *, people: Mapping[UUID, Person], userids: Mapping[UUID, str]) -> GroupMemberOut:
        return cls(
            userid=userids.get(stay.person_id),
            name=people[stay.person_id].name,
            desired=stay.desired,
            observed=stay.observed,
            reason=stay.reason,
            request_id=stay.request_id,
            since=stay.desired_since,
            first_seen_at=stay.first_seen_at,
            ended_at=stay.ended_at,
        )


class FindingOut(BaseModel):
    id: UUID
    group_id: UUID
    kind: FindingKind
    userid: str | None = Field(description="Whom it is about, where it is about a person.")
    state: FindingState
    details: dict[str, Any]
    rule: ClauseOut
    first_seen_at: datetime
    resolved_at: datetime | None
    resolution: str | None

    @classmethod
    def of(cls, finding: GroupFinding, *, policy: Policy) -> FindingOut:
        return cls(
            id=finding.id,
            group_id=finding.group_id,
            kind=finding.kind,
            userid=finding.subject_userid or None,
            state=finding.state,
            details=finding.details,
            rule=ClauseOut.of(policy.cite(finding.rule_key)),
            first_seen_at=finding.first_seen_at,
            resolved_at=finding.resolved_at,
            resolution=finding.resolution,
        )


class GroupLineOut(BaseModel):
    """A group as one person sees it."""

    id: UUID
    name: str = Field(description="As WeCom shows it, or as it was registered.")
    type: str
    type_title: str = Field(examples=["项目群"])
    purpose: str
    department_id: int | None
    department: str
    state: GroupState
    confidential: bool
    owner: str | None = Field(description="userid. Null while the group waits for an owner.")
    deputy: str | None = Field(description="userid")
    wanted: int = Field(description="How many are to be in it.")
    seen: int = Field(description="How many WeCom shows in it.")
    standing: Standing = Field(description="Of the person: wanted (`joining`), seen (`leaving`), both, neither.")
    role: OwnRole | None
    since: datetime | None = Field(description="Since when the person is wanted, or wanted no more.")


class ApplicableOut(BaseModel):
    kind: str = Field(examples=["join"])
    allowed: bool
    takes_effect_at_once: bool = Field(description="Nobody decides it.")
    requires: list[Requirement] = Field(description="What the application has to say and WeCom does not show.")
    pending: UUID | None = Field(description="Their own open request of this kind.")
    why_not: str = Field(description="The sentence of the refusal.")
    why_not_english: str
    type: str | None = Field(description="Of the problem that applying would be answered with.")
    rule: ClauseOut


class GroupSeenOut(GroupLineOut):
    charter: str
    applicable: list[ApplicableOut] = Field(description="What the person may apply for, or why not.")


class NewGroupMember(Input):
    person: str = Field(description="userid", examples=["lijun"])
    reason: str = Field(min_length=1, examples=["项目新增成员"])


class Administration(Input):
    """Who answers for the group. What is left out stays as it is."""

    owner: str | None = Field(None, description="userid of a member, who is asked")
    deputy: str | None = Field(None, description="userid of a member")
    reason: str = Field(min_length=1)


class FindingResolution(Input):
    resolution: str = Field(min_length=1, description="What was done about it.", examples=["已谈话提醒"])


# ---------------------------------------------------------------- payloads of `POST /requests`


class CreateGroup(Input):
    """What an application for a group says (policy 1.1). People by userid, departments by id."""

    name: str = Field(min_length=1, examples=["研发部-新品项目"])
    type: str = Field(description="A group type of the policy", examples=["project"])
    purpose: str = Field(min_length=1, max_length=500, examples=["新品项目的日常协作"])
    department_id: int | None = Field(None, description="The department it belongs to")
    owner: str | None = Field(None, description="Empty: whom the policy names as administrator of such groups")
    deputy: str | None = Field(None, description="Takes over when the owner leaves")
    members: list[str] = Field([], description="userids; owner and deputy are members anyway")
    departments: list[int] = Field(
        [], description="Everybody in them and below. Neither this nor `members`: the department it belongs to"
    )
    confidentiality: Literal["open", "confidential"] = "open"


class RosterChange(Input):
    """Joining or leaving a group."""

    group_id: AsText[UUID] = Field(examples=["01a1fa05-ffd1-7117-b1d9-d592fb457143"])
    person: str | None = Field(None, description="userid; empty: the applicant themselves", examples=["lijun"])
    name: Detail = Field("", description="The person's true name, where WeCom does not show it to the app.")
    title: Detail = Field(
        "", description="The person's title. What stands in the contact book goes before it.", examples=["工程师"]
    )
    contact: Detail = Field(
        "",
        description="Telephone, extension or e-mail of the person. Empty: an extended attribute of the contact book "
        "with such a name. `requires` of the policy says which of these an application needs, and whether a `reason`.",
        examples=["分机 8021"],
    )


class Join(RosterChange):
    """Somebody wants to be in a group (policy 2.1)."""


class Exit(RosterChange):
    """Somebody wants to leave a group (policy 2.5)."""


class OwnGroup(Input):
    """Nothing: nobody applies to own a group, they are asked (policy 1.9)."""


# ---------------------------------------------------------------- subjects of requests, as they are stored


class CreationSubject(BaseModel):
    """The group that was applied for. People by our own ids: a userid that is renamed meanwhile changes nothing."""

    name: str
    group_type: str
    purpose: str
    department_id: int | None = None
    owner_id: UUID | None = None
    """Empty: whom the policy names as administrator of such groups, when the group is created."""
    deputy_id: UUID | None = None
    member_ids: list[UUID] = []
    departments: list[int] = []
    """Everybody who is in them when the group is created."""
    confidentiality: Literal["open", "confidential"] = "open"

    @property
    def whole_departments(self) -> list[int]:
        """Whose people join without being named: neither these nor members given, the one it belongs to (F44)."""
        if not self.departments and not self.member_ids and self.department_id is not None:
            return [self.department_id]
        return self.departments

    @property
    def people(self) -> list[UUID]:
        """Everybody whom the application names: owner, deputy, members."""
        return [one for one in (self.owner_id, self.deputy_id, *self.member_ids) if one is not None]


class MembershipSubject(BaseModel):
    """Who joins or leaves which group, and the type whose rules decide: the group's type on submission."""

    group_id: UUID
    person_id: UUID
    group_type: str
