"""What happens to groups, to the people in them, and to differences from what the platform shows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.events.event import CallRef, Event, FindingRef, GroupRef, ListRef, PersonRef, RequestRef
from models.audit import ObjectKind

_Request = Annotated[RequestRef | None, Field(examples=["019a0000-0000-7000-8000-000000000002"])]


class GroupEvent(Event):
    """Something that happened to a group."""

    about_kind = ObjectKind.GROUP
    about_field = "group_id"

    group_id: GroupRef
    request_id: _Request = None
    """The request that it comes from, if it comes from one."""


class GroupPersonEvent(GroupEvent):
    """Something that happened to one person's part in a group."""

    person_id: PersonRef


class FindingEvent(Event):
    """Something about a difference between the roster we want and the one the platform shows."""

    about_kind = ObjectKind.GROUP_FINDING
    about_field = "finding_id"

    finding_id: FindingRef
    group_id: GroupRef
    kind: Annotated[str, Field(examples=["unapproved_leave"])]
    person_id: Annotated[PersonRef | None, Field(examples=["019a0000-0000-7000-8000-000000000002"])] = None


class GroupRegistered(GroupEvent):
    """A group was entered into the register; the platform is asked to create it."""

    type = "group.registered"

    people: Annotated[int, Field(examples=[8], description="How many are wanted in it")]


class GroupCreated(GroupEvent):
    """The platform has created the group."""

    type = "group.created"

    call_id: CallRef


class GroupFailed(GroupEvent):
    """The platform refused to create the group."""

    type = "group.failed"


class GroupLost(GroupEvent):
    """The platform knows the group no more: somebody dissolved it."""

    type = "group.lost"

    errcode: Annotated[int, Field(examples=[86008], description="What the platform answered")]


class GroupFoundAgain(GroupEvent):
    """The platform shows a group that was thought lost."""

    type = "group.found_again"


class GroupOwnerLeft(GroupPersonEvent):
    """The owner goes, and the group waits for another: `person_id` is who goes. Who would follow is asked."""

    type = "group.owner_left"


class GroupOwnerChanged(GroupPersonEvent):
    """The register names another owner, who has accepted: `person_id`."""

    type = "group.owner_changed"


class GroupDeputyChanged(GroupPersonEvent):
    """The register names another deputy: `person_id`."""

    type = "group.deputy_changed"


class GroupDeputyLeft(GroupPersonEvent):
    """The deputy left the company: the group has none."""

    type = "group.deputy_left"


class MemberAdmitted(GroupPersonEvent):
    """It was decided that the person belongs in the group."""

    type = "member.admitted"


class MemberJoined(GroupPersonEvent):
    """The platform shows the person in the group."""

    type = "member.joined"


class MemberLetGo(GroupPersonEvent):
    """It was decided that the person may leave the group."""

    type = "member.let_go"


class MemberLeft(GroupPersonEvent):
    """The platform shows the person in the group no more, as was decided."""

    type = "member.left"


class MemberDeparted(GroupPersonEvent):
    """The person left the company, so they are taken out of the group."""

    type = "member.departed"


class MemberStaysOut(GroupPersonEvent):
    """The person is back, but elsewhere in the company, or the group is confidential: nobody puts them in unasked."""

    type = "member.stays_out"


class MemberLeftUnapproved(GroupPersonEvent):
    """The person is gone from the group, and nobody decided it."""

    type = "member.left_unapproved"


class RosterFailed(GroupEvent):
    """The platform refused a change to the people in a group."""

    type = "roster.failed"

    call_id: CallRef
    person_ids: Annotated[tuple[PersonRef, ...], Field(examples=[["019a0000-0000-7000-8000-000000000002"]])] = ()


class FindingOpened(FindingEvent):
    """The platform shows something that nobody approved."""

    type = "finding.opened"


class FindingResolved(FindingEvent):
    """A difference is gone, or a person dealt with it."""

    type = "finding.resolved"


class GroupComparisonAsked(GroupEvent):
    """Somebody asked for a comparison of the group with the platform now."""

    type = "group.comparison_asked"


class GroupLossAccepted(GroupEvent):
    """Somebody vouched for a reading of the group that was held back because too many people were gone."""

    type = "group.loss_accepted"


class ComparisonAsked(Event):
    """Somebody asked for a comparison of every group with the platform now."""

    type = "groups.comparison_asked"
    about_kind = ObjectKind.LIST
    about_field = "list"

    list: ListRef = "groups"


__all__ = [
    "ComparisonAsked",
    "FindingEvent",
    "FindingOpened",
    "FindingResolved",
    "GroupComparisonAsked",
    "GroupCreated",
    "GroupDeputyChanged",
    "GroupDeputyLeft",
    "GroupEvent",
    "GroupFailed",
    "GroupFoundAgain",
    "GroupLossAccepted",
    "GroupLost",
    "GroupOwnerChanged",
    "GroupOwnerLeft",
    "GroupRegistered",
    "MemberAdmitted",
    "MemberDeparted",
    "MemberJoined",
    "MemberLeft",
    "MemberLeftUnapproved",
    "MemberLetGo",
    "MemberStaysOut",
    "RosterFailed",
]
