"""Two lists of groups for one person: those they are in, and the directory (1.14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import queries as requests
from app.groups import queries as groups
from app.groups import rules
from app.groups.directory import queries
from app.groups.directory.queries import DirectoryFilter, RosterCounts
from app.org import queries as places
from app.org import service as org
from app.org.service import NamedPerson
from app.policy import service as policies
from app.policy.service import Policy
from app.web.pagination import PageQuery, paginate
from models.approvals import Request
from models.groups import Group, GroupMember, GroupState

FIRST_PAGE = PageQuery(cursor=None, limit=50)


class OwnRole(StrEnum):
    OWNER = "owner"
    DEPUTY = "deputy"
    MEMBER = "member"


class Standing(StrEnum):
    """Whether somebody is in a group: what the platform shows, and what we want (P4)."""

    OUTSIDE = "outside"
    INSIDE = "inside"
    JOINING = "joining"  # wanted, and not seen yet
    LEAVING = "leaving"  # seen, and wanted no more


@dataclass(frozen=True)
class GroupLine:
    """A group as a list shows it to one person."""

    id: UUID
    name: str
    """As the platform shows it, or as it was registered."""
    group_type: str
    type_title: str
    purpose: str
    department_id: int | None
    department: str
    state: GroupState
    is_confidential: bool
    owner: NamedPerson | None
    """None while the group waits for one."""
    deputy: NamedPerson | None
    counts: RosterCounts
    standing: Standing
    role: OwnRole | None
    """Of the reader. None outside."""
    since: datetime | None
    """Since when the reader is wanted, or wanted no more. The platform tells no joining time."""
    pending: Request | None = None
    """The open application that the reader joins or leaves. Filled in their own lists alone."""


@dataclass(frozen=True)
class GroupPage:
    items: Sequence[GroupLine]
    next_cursor: str | None


async def groups_of_member(
    session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE, now: datetime
) -> GroupPage:
    """The groups that this person is in as the platform shows, comes into or leaves; by name."""
    policy = await policies.in_force(session, now=now)
    columns = (col(Group.desired_name), col(Group.id))
    rows, cursor = await paginate(session, queries.in_groups(person_id), *columns, page=page, descending=False)
    return GroupPage(await _own_lines(session, rows, person_id, policy), cursor)


@dataclass(frozen=True)
class DirectorySearch:
    """What somebody looks for, as they say it."""

    name: str = ""
    department_id: int | None = None
    """Also groups of departments below it."""
    group_type: str | None = None


async def find_groups(
    session: AsyncSession, person_id: UUID, wanted: DirectorySearch, *, page: PageQuery = FIRST_PAGE, now: datetime
) -> GroupPage:
    """The directory as this person sees it, by name: no confidential groups and no types that are not listed, unless
    they are in them.
    """
    policy = await policies.in_force(session, now=now)
    below = None
    if wanted.department_id is not None:
        below = await places.departments_below(session, [wanted.department_id])
    statement = queries.listed(person_id, DirectoryFilter(wanted.name.strip(), below, wanted.group_type), policy)
    columns = (col(Group.desired_name), col(Group.id))
    rows, cursor = await paginate(session, statement, *columns, page=page, descending=False)
    return GroupPage(await _own_lines(session, rows, person_id, policy), cursor)


async def _own_lines(session: AsyncSession, rows: Sequence[Group], person_id: UUID, policy: Policy) -> list[GroupLine]:
    """Lines that say which application of the reader is open already: they offer nothing twice."""
    keys = {row.id: rules.membership_key(row.id, person_id) for row in rows}
    pending = await requests.pending_about_any(session, kinds=rules.MEMBERSHIP_KINDS, subject_keys=list(keys.values()))
    lines = await lines_for(session, rows, person_id, policy)
    return [replace(line, pending=pending.get(keys[line.id])) for line in lines]


async def lines_for(session: AsyncSession, rows: Sequence[Group], person_id: UUID, policy: Policy) -> list[GroupLine]:
    """Any groups as lists show them to this person: five statements, however many there are."""
    ids = [row.id for row in rows]
    vacant = await groups.waiting_for_owner(session, ids)
    counts = await queries.roster_counts(session, ids)
    stays = await queries.stays_of(session, person_id, ids)
    named = {row.desired_owner_id for row in rows} | {row.deputy_id for row in rows if row.deputy_id}
    people = await org.named_people(session, named)
    departments = await places.department_names(session, {row.department_id for row in rows if row.department_id})
    types = policy.document.groups.types
    return [
        GroupLine(
            id=row.id,
            name=row.observed_name or row.desired_name,
            group_type=row.group_type,
            type_title=types[row.group_type].title if row.group_type in types else row.group_type,
            purpose=row.purpose,
            department_id=row.department_id,
            department=departments.get(row.department_id, "") if row.department_id else "",
            state=row.state,
            is_confidential=row.confidentiality == rules.CONFIDENTIAL,
            owner=None if row.id in vacant else people.get(row.desired_owner_id),
            deputy=people.get(row.deputy_id) if row.deputy_id else None,
            counts=counts.get(row.id, RosterCounts()),
            standing=_standing(stays.get(row.id)),
            role=_role(row, person_id, stays.get(row.id), is_vacant=row.id in vacant),
            since=stays[row.id].desired_since if row.id in stays else None,
        )
        for row in rows
    ]


def _standing(stay: GroupMember | None) -> Standing:
    match (stay is not None and stay.desired, stay is not None and stay.observed):
        case True, True:
            return Standing.INSIDE
        case True, False:
            return Standing.JOINING
        case False, True:
            return Standing.LEAVING
        case _:
            return Standing.OUTSIDE


def _role(group: Group, person_id: UUID, stay: GroupMember | None, *, is_vacant: bool) -> OwnRole | None:
    if stay is None or not (stay.desired or stay.observed):
        return None
    if group.desired_owner_id == person_id and not is_vacant:
        return OwnRole.OWNER
    return OwnRole.DEPUTY if group.deputy_id == person_id else OwnRole.MEMBER
