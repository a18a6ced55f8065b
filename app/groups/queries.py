"""Every SELECT of the groups."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.groups.errors import GroupNotFound
from models.delivery import CallKind, CallState, OutgoingCall
from models.groups import Group, GroupMember, GroupState
from models.ids import GroupId, PersonId
from models.policy import Timer

OPEN = (CallState.READY, CallState.HELD, CallState.SENDING, CallState.UNKNOWN)
CHANGES = (CallKind.APPCHAT_CREATE, CallKind.APPCHAT_UPDATE)
LIVING = (GroupState.CREATING, GroupState.ACTIVE, GroupState.CLOSING)

# ---------------------------------------------------------------- groups


async def group(session: AsyncSession, group_id: GroupId) -> Group:
    return _found(await session.get(Group, group_id))


async def group_for_update(session: AsyncSession, group_id: GroupId) -> Group:
    """Locked: every change of a group and of its roster goes through here, one after another."""
    statement = select(Group).where(col(Group.id) == group_id).with_for_update(key_share=True)
    return _found((await session.scalars(statement.execution_options(populate_existing=True))).one_or_none())


def _found(found: Group | None) -> Group:
    if found is None:
        raise GroupNotFound("没有登记这个群")
    return found


async def group_of_request(session: AsyncSession, request_id: UUID) -> Group | None:
    return (await session.scalars(select(Group).where(col(Group.request_id) == request_id))).one_or_none()


async def living_group_named(session: AsyncSession, name: str) -> Group | None:
    statement = select(Group).where(col(Group.desired_name) == name, col(Group.state).in_(LIVING)).limit(1)
    return (await session.scalars(statement)).one_or_none()


async def ids_to_reconcile(session: AsyncSession) -> list[GroupId]:
    """Groups whose roster the platform can tell. A lost one is asked for by hand only."""
    statement = select(col(Group.id)).where(col(Group.state).in_(LIVING)).order_by(col(Group.id))
    return [GroupId(row) for row in await session.scalars(statement)]


@dataclass(frozen=True)
class GroupFilter:
    group_type: str | None = None
    state: GroupState | None = None
    member_id: PersonId | None = None
    """In the group by either column."""
    updated_since: datetime | None = None


def matching(wanted: GroupFilter) -> Select[Group]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.group_type is not None:
        conditions.append(col(Group.group_type) == wanted.group_type)
    if wanted.state is not None:
        conditions.append(col(Group.state) == wanted.state)
    if wanted.updated_since is not None:
        conditions.append(col(Group.updated_at) >= wanted.updated_since)
    if wanted.member_id is not None:
        inside = select(col(GroupMember.group_id)).where(
            col(GroupMember.person_id) == wanted.member_id,
            col(GroupMember.ended_at).is_(None),
            or_(col(GroupMember.desired), col(GroupMember.observed)),
        )
        conditions.append(col(Group.id).in_(inside))
    return select(Group).where(*conditions)


# ---------------------------------------------------------------- rosters


async def current_stays(session: AsyncSession, group_id: UUID) -> list[GroupMember]:
    """Who is in the group by either column, in the order in which they came."""
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
    """Where the person is in by either column, or is named as owner or deputy."""
    inside = select(col(GroupMember.group_id)).where(
        col(GroupMember.person_id) == person_id, col(GroupMember.ended_at).is_(None)
    )
    named = or_(col(Group.desired_owner_id) == person_id, col(Group.deputy_id) == person_id)
    statement = (
        select(col(Group.id))
        .where(or_(col(Group.id).in_(inside), named), col(Group.state).not_in([GroupState.CLOSED]))
        .order_by(col(Group.id))
    )
    return [GroupId(row) for row in await session.scalars(statement)]


async def groups_by_id(session: AsyncSession, group_ids: Sequence[UUID]) -> dict[UUID, Group]:
    rows = await session.scalars(select(Group).where(col(Group.id).in_(group_ids)))
    return {row.id: row for row in rows}


async def members_wanted_in(session: AsyncSession, group_id: UUID) -> list[PersonId]:
    """The roster as it is wanted now."""
    statement = select(col(GroupMember.person_id)).where(
        col(GroupMember.group_id) == group_id, col(GroupMember.desired), col(GroupMember.ended_at).is_(None)
    )
    return [PersonId(row) for row in await session.scalars(statement)]


def roster(group_id: UUID, *, with_former: bool) -> Select[GroupMember]:
    statement = select(GroupMember).where(col(GroupMember.group_id) == group_id)
    return statement if with_former else statement.where(col(GroupMember.ended_at).is_(None))


async def stays_carried_by(session: AsyncSession, call_ids: Collection[UUID]) -> list[GroupMember]:
    statement = select(GroupMember).where(col(GroupMember.call_id).in_(call_ids)).order_by(col(GroupMember.id))
    return list(await session.scalars(statement))


# ---------------------------------------------------------------- the ledger


async def call(session: AsyncSession, call_id: UUID) -> OutgoingCall | None:
    return await session.get(OutgoingCall, call_id)


async def attempts_of(session: AsyncSession, last: OutgoingCall) -> list[OutgoingCall]:
    """The call and those it replaces, the first one first: together they carry one change."""
    attempts = [last]
    while attempts[0].previous_id is not None:
        earlier = await session.get(OutgoingCall, attempts[0].previous_id)
        assert earlier is not None  # a foreign key
        attempts.insert(0, earlier)
    return attempts


async def changes_under_way(session: AsyncSession, group_id: UUID, *, since: datetime) -> list[OutgoingCall]:
    """Changes of the group that may not show in a reading begun at `since`."""
    statement = select(OutgoingCall).where(
        col(OutgoingCall.subject_kind) == "group",
        col(OutgoingCall.subject_id) == str(group_id),
        col(OutgoingCall.kind).in_(CHANGES),
        or_(col(OutgoingCall.state).in_(OPEN), col(OutgoingCall.finished_at) >= since),
    )
    return list(await session.scalars(statement))


async def unknown_changes(session: AsyncSession, group_id: UUID) -> list[OutgoingCall]:
    statement = select(OutgoingCall).where(
        col(OutgoingCall.subject_kind) == "group",
        col(OutgoingCall.subject_id) == str(group_id),
        col(OutgoingCall.kind).in_(CHANGES),
        col(OutgoingCall.state) == CallState.UNKNOWN,
    )
    return list(await session.scalars(statement.order_by(col(OutgoingCall.id))))


def body_of(call: OutgoingCall) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.request_body)
    return body


# ---------------------------------------------------------------- findings


async def timer(session: AsyncSession, kind: str, subject: str) -> Timer | None:
    return await session.get(Timer, (kind, subject), with_for_update={"key_share": True})
