"""Every SELECT of the groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, exists, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.groups.changes.update import Account, GroupUpdate, PendingChanges
from app.groups.errors import GroupNotFound
from app.groups.sight import of_departments, seen_by
from app.org import queries as org
from app.overview.service import Ages, Asked, Figure, Level, Measure, Place, found_in
from app.permissions import Permission, Sight
from models.delivery import CallKind, CallState, OutgoingCall
from models.groups import (
    Group,
    GroupChange,
    GroupChangeDirection,
    GroupChangePerson,
    GroupChangeState,
    GroupFinding,
    GroupMember,
    GroupState,
)
from models.ids import GroupId, PersonId, WecomUserId, fold
from models.policy import Timer

OPEN = (CallState.READY, CallState.HELD, CallState.SENDING, CallState.UNKNOWN)
CHANGES = (CallKind.APPCHAT_CREATE, CallKind.APPCHAT_UPDATE)
LIVING = (GroupState.CREATING, GroupState.ACTIVE, GroupState.CLOSING)

# ---------------------------------------------------------------- groups


async def group(session: AsyncSession, group_id: GroupId) -> Group:
    return _found(await session.get(Group, group_id))


async def group_for_update(session: AsyncSession, group_id: GroupId) -> Group:
    """The group, locked. Every change of a group and of its roster locks it, so that they happen one after another."""
    statement = select(Group).where(col(Group.id) == group_id).with_for_update(key_share=True)
    return _found((await session.scalars(statement.execution_options(populate_existing=True))).one_or_none())


def _found(found: Group | None) -> Group:
    if found is None:
        raise GroupNotFound("没有登记这个群", "There is no such registered group")
    return found


async def group_of_request(session: AsyncSession, request_id: UUID) -> Group | None:
    return (await session.scalars(select(Group).where(col(Group.request_id) == request_id))).one_or_none()


async def living_group_named(session: AsyncSession, name: str) -> Group | None:
    statement = select(Group).where(col(Group.desired_name) == name, col(Group.state).in_(LIVING)).limit(1)
    return (await session.scalars(statement)).one_or_none()


async def ids_to_reconcile(session: AsyncSession) -> list[GroupId]:
    """Groups whose roster the platform can show. A lost group is compared only when somebody asks for it."""
    statement = select(col(Group.id)).where(col(Group.state).in_(LIVING)).order_by(col(Group.id))
    return [GroupId(row) for row in await session.scalars(statement)]


async def waiting_for_owner(session: AsyncSession, group_ids: Collection[UUID]) -> set[UUID]:
    """Those of these living groups whose registered owner is not wanted in them any more, or is not there (1.9)."""
    wanted = exists().where(
        col(GroupMember.group_id) == col(Group.id),
        col(GroupMember.person_id) == col(Group.desired_owner_id),
        col(GroupMember.ended_at).is_(None),
        col(GroupMember.desired),
    )
    statement = select(col(Group.id)).where(
        col(Group.id).in_(group_ids), col(Group.state).not_in([GroupState.LOST, GroupState.CLOSED]), ~wanted
    )
    return set(await session.scalars(statement))


@dataclass(frozen=True)
class GroupFilter:
    group_type: str | None = None
    state: GroupState | None = None
    member_id: PersonId | None = None
    """In the group by the desired or the observed column."""
    updated_since: datetime | None = None
    owner_id: PersonId | None = None
    department_ids: Collection[int] | None = None
    """Of exactly these departments, or owned by somebody there."""
    has_findings: bool | None = None
    """Differences that nobody has closed."""
    sight: Sight | None = None
    """As far as the reader sees (D21); everything without one."""


def matching(filters: GroupFilter) -> Select[Group]:
    conditions: list[ColumnElement[bool]] = []
    if filters.group_type is not None:
        conditions.append(col(Group.group_type) == filters.group_type)
    if filters.state is not None:
        conditions.append(col(Group.state) == filters.state)
    if filters.updated_since is not None:
        conditions.append(col(Group.updated_at) >= filters.updated_since)
    if filters.member_id is not None:
        conditions.append(_with(filters.member_id))
    if filters.owner_id is not None:
        conditions.append(col(Group.desired_owner_id) == filters.owner_id)
    if filters.department_ids is not None:
        conditions.append(of_departments(filters.department_ids))
    if filters.has_findings is not None:
        # A literal, for the index of open ones.
        found = col(Group.id).in_(select(col(GroupFinding.group_id)).where(text("group_findings.state = 'open'")))
        conditions.append(found if filters.has_findings else ~found)
    if filters.sight is not None:
        conditions.append(seen_by(filters.sight))
    return select(Group).where(*conditions)


# ---------------------------------------------------------------- rosters


async def current_stays(session: AsyncSession, group_id: UUID) -> list[GroupMember]:
    """The stays of everybody in the group by either column, in the order in which they joined."""
    statement = (
        select(GroupMember)
        .where(col(GroupMember.group_id) == group_id, col(GroupMember.ended_at).is_(None))
        .order_by(col(GroupMember.id))
    )
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def current_stay(session: AsyncSession, group_id: UUID, person_id: UUID) -> GroupMember | None:
    statement = select(GroupMember).where(
        col(GroupMember.group_id) == group_id,
        col(GroupMember.person_id) == person_id,
        col(GroupMember.ended_at).is_(None),
    )
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def groups_of(session: AsyncSession, person_id: UUID) -> list[GroupId]:
    """The groups in which the person is by either column, which name them as owner or deputy, or which the platform
    shows as theirs.
    """
    inside = select(col(GroupMember.group_id)).where(
        col(GroupMember.person_id) == person_id, col(GroupMember.ended_at).is_(None)
    )
    userids = [fold(userid) for userid in (await org.last_userids_of(session, [PersonId(person_id)])).values()]
    named = or_(
        col(Group.desired_owner_id) == person_id,
        col(Group.deputy_id) == person_id,
        col(Group.observed_owner_userid).in_(userids),
    )
    statement = (
        select(col(Group.id))
        .where(or_(col(Group.id).in_(inside), named), col(Group.state).not_in([GroupState.CLOSED]))
        .order_by(col(Group.id))
    )
    return [GroupId(row) for row in await session.scalars(statement)]


def _with(person_id: UUID) -> ColumnElement[bool]:
    """Of a group: the person is in it by either column."""
    inside = select(col(GroupMember.group_id)).where(
        col(GroupMember.person_id) == person_id,
        col(GroupMember.ended_at).is_(None),
        or_(col(GroupMember.desired), col(GroupMember.observed)),
    )
    return col(Group.id).in_(inside)


async def gone_since(session: AsyncSession, group_id: UUID, person_id: UUID) -> datetime | None:
    """Since when the person is not wanted in the group any more. None while they are, or if they never were."""
    last = (
        select(GroupMember)
        .where(col(GroupMember.group_id) == group_id, col(GroupMember.person_id) == person_id)
        .order_by(col(GroupMember.id).desc())
        .limit(1)
    )
    stay = (await session.scalars(last.execution_options(populate_existing=True))).one_or_none()
    return stay.desired_since if stay is not None and not stay.desired else None


async def founded_without_some(session: AsyncSession, *, since: datetime) -> list[GroupId]:
    """Groups that were founded since then, and whose departments had people whom no reading showed."""
    left_out = func.jsonb_array_length(func.coalesce(col(Group.roster_rule)["left_out"], literal([], JSONB)))
    statement = select(col(Group.id)).where(
        col(Group.state) == GroupState.ACTIVE, col(Group.registered_at) >= since, left_out > 0
    )
    return [GroupId(row) for row in await session.scalars(statement.order_by(col(Group.id)))]


async def lost_founders(session: AsyncSession, request_id: UUID, reason: str, *, since: datetime) -> bool:
    """Whether the group of this request is wanted without some of its people since then, for this reason."""
    gone = exists().where(
        col(GroupMember.group_id) == col(Group.id),
        ~col(GroupMember.desired),
        col(GroupMember.reason) == reason,
        col(GroupMember.desired_since) > since,
    )
    return bool(await session.scalar(select(exists().where(col(Group.request_id) == request_id, gone))))


async def left_for(
    session: AsyncSession, person_ids: Collection[UUID], reason: str, *, since: datetime
) -> list[GroupMember]:
    """Stays of these people that were to end for this reason since then, and after which nothing was decided."""
    later = aliased(GroupMember)
    again = exists().where(
        col(later.group_id) == col(GroupMember.group_id),
        col(later.person_id) == col(GroupMember.person_id),
        col(later.id) > col(GroupMember.id),
    )
    statement = select(GroupMember).where(
        col(GroupMember.person_id) == any_(literal(list(person_ids), ARRAY(Uuid))),
        ~col(GroupMember.desired),
        col(GroupMember.reason) == reason,
        col(GroupMember.desired_since) >= since,
        ~again,
    )
    order = (col(GroupMember.group_id), col(GroupMember.person_id))
    return list(await session.scalars(statement.order_by(*order).execution_options(populate_existing=True)))


async def groups_by_id(session: AsyncSession, group_ids: Sequence[UUID]) -> dict[UUID, Group]:
    rows = await session.scalars(select(Group).where(col(Group.id).in_(group_ids)))
    return {row.id: row for row in rows}


def inside(group_id: UUID) -> Select[UUID]:
    """Ids of those who are in the group now as the platform last showed it (P4), whoever is wanted there."""
    statement = select(col(GroupMember.person_id)).where(
        col(GroupMember.group_id) == group_id, col(GroupMember.observed), col(GroupMember.ended_at).is_(None)
    )
    return statement.order_by(col(GroupMember.person_id))


async def members_inside(session: AsyncSession, group_id: UUID) -> list[PersonId]:
    return [PersonId(row) for row in await session.scalars(inside(group_id))]


def roster(group_id: UUID, *, with_former: bool) -> Select[GroupMember]:
    statement = select(GroupMember).where(col(GroupMember.group_id) == group_id)
    return statement if with_former else statement.where(col(GroupMember.ended_at).is_(None))


# ---------------------------------------------------------------- changes and the calls that carry them


async def call(session: AsyncSession, call_id: UUID) -> OutgoingCall | None:
    return await session.get(OutgoingCall, call_id)


async def first_call_of(session: AsyncSession, call: OutgoingCall) -> OutgoingCall:
    """The call that asked for the change: this one, or the first of those that it replaced."""
    first = call
    while first.previous_id is not None:
        first = await session.get_one(OutgoingCall, first.previous_id)
    return first


async def change_asked_for_by(session: AsyncSession, first: OutgoingCall) -> GroupChange | None:
    statement = select(GroupChange).where(col(GroupChange.call_id) == first.id)
    return (await session.scalars(statement)).one_or_none()


async def open_calls(session: AsyncSession, group_id: UUID) -> list[OutgoingCall]:
    """Calls that change the group and have not ended, or of unknown outcome."""
    statement = select(OutgoingCall).where(
        col(OutgoingCall.subject_kind) == "group",
        col(OutgoingCall.subject_id) == str(group_id),
        col(OutgoingCall.kind).in_(CHANGES),
        col(OutgoingCall.state).in_(OPEN),
    )
    return list(await session.scalars(statement))


async def last_call_of(session: AsyncSession, change: GroupChange) -> OutgoingCall:
    """The call that carries the change now: its first call, or the last of those that replaced it."""
    last = await session.get_one(OutgoingCall, change.call_id)
    while last.state is CallState.REPLACED:
        statement = select(OutgoingCall).where(col(OutgoingCall.previous_id) == last.id)
        last = (await session.scalars(statement)).one()
    return last


async def unfinished_part(session: AsyncSession, change: GroupChange) -> GroupUpdate:
    """What the change asks for, without the people for whom it is done already."""
    statement = (
        select(GroupChangePerson)
        .where(col(GroupChangePerson.change_id) == change.id)
        .where(col(GroupChangePerson.state) != GroupChangeState.DONE)
        .order_by(col(GroupChangePerson.id))
        .execution_options(populate_existing=True)
    )
    rows = (await session.scalars(statement)).all()
    accounts = {
        direction: tuple(Account(row.shown, row.person_id) for row in rows if row.direction is direction)
        for direction in GroupChangeDirection
    }
    return GroupUpdate(
        add=accounts[GroupChangeDirection.ADD],
        remove=accounts[GroupChangeDirection.REMOVE],
        owner=change.owner_userid,
        name=change.name,
    )


async def stays_carried_by(
    session: AsyncSession, change: GroupChange, person_ids: Collection[UUID]
) -> list[GroupMember]:
    """The stays of these people whose last change this is."""
    statement = (
        select(GroupMember)
        .where(col(GroupMember.call_id) == change.call_id, col(GroupMember.person_id).in_(person_ids))
        .order_by(col(GroupMember.id))
    )
    return list(await session.scalars(statement))


async def is_under_way(session: AsyncSession, change: GroupChange, person_id: UUID) -> bool:
    """Whether nobody knows yet what became of the change for this person."""
    unsettled = exists().where(
        col(GroupChangePerson.change_id) == change.id,
        col(GroupChangePerson.person_id) == person_id,
        col(GroupChangePerson.state).in_((GroupChangeState.PENDING, GroupChangeState.UNKNOWN)),
    )
    return bool(await session.scalar(select(unsettled)))


async def pending_changes(session: AsyncSession, group_id: UUID, *, since: datetime) -> PendingChanges:
    """As recorded: `roster.pending_changes` asks for it."""
    people = (
        select(col(GroupChangePerson.userid))
        .join(GroupChange, col(GroupChange.id) == col(GroupChangePerson.change_id))
        .where(col(GroupChange.group_id) == group_id)
        .where(or_(col(GroupChangePerson.settled_at).is_(None), col(GroupChangePerson.settled_at) >= since))
    )
    fields = (
        select(col(GroupChange.owner_userid), col(GroupChange.name))
        .where(col(GroupChange.group_id) == group_id)
        .where(or_(col(GroupChange.settled_at).is_(None), col(GroupChange.settled_at) >= since))
    )
    changes = (await session.execute(fields)).all()
    return PendingChanges(
        userids=frozenset(WecomUserId(userid) for userid in await session.scalars(people)),
        owner=any(owner is not None for owner, _ in changes),
        name=any(name is not None for _, name in changes),
    )


async def calls_of_unknown_outcome(session: AsyncSession, group_id: UUID) -> list[UUID]:
    """Calls that change the group and whose outcome is unknown, the oldest first."""
    statement = (
        select(col(OutgoingCall.id))
        .where(col(OutgoingCall.subject_kind) == "group", col(OutgoingCall.subject_id) == str(group_id))
        .where(col(OutgoingCall.kind).in_(CHANGES), col(OutgoingCall.state) == CallState.UNKNOWN)
        .order_by(col(OutgoingCall.id))
    )
    return list(await session.scalars(statement))


async def is_continued(session: AsyncSession, change: GroupChange) -> bool:
    """Whether another change asks again for what this one did not bring."""
    return bool(await session.scalar(select(exists().where(col(GroupChange.previous_id) == change.id))))


# ---------------------------------------------------------------- findings


async def timer(session: AsyncSession, kind: str, subject: str) -> Timer | None:
    return await session.get(Timer, (kind, subject), with_for_update={"key_share": True})


# ---------------------------------------------------------------- the overview

_FINDINGS = Measure(
    "findings.open",
    Level.WRONG,
    "群的差异",
    "differences in groups that nobody approved",
    Permission.GROUP_READ,
    found_in(Place.FINDINGS, state="open"),
    is_scoped=True,
)


async def counted(session: AsyncSession, asked: Asked) -> list[Figure]:
    """Findings that nobody has closed."""
    visible = select(col(Group.id)).where(seen_by(asked.sight_of(Permission.GROUP_READ)))
    since = col(GroupFinding.first_seen_at)
    # A literal, for the index of open ones.
    statement = select(func.count(), func.min(since), *Ages.columns(since, asked.now)).where(
        text("group_findings.state = 'open'"), col(GroupFinding.group_id).in_(visible)
    )
    row = (await session.execute(statement)).one()
    return [_FINDINGS.figure(row[0], row[1], ages=Ages(*row[2:6]))]
