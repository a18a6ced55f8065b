"""Groups for those who run them: what a sight reaches, the roster in two columns, the findings with their people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.calendar import service as calendars
from app.database import portions_of
from app.findings import queries as findings
from app.findings.service import FindingDetails
from app.groups import queries as groups
from app.groups.directory.lists import FIRST_PAGE, GroupLine, GroupPage, lines_for
from app.groups.queries import GroupFilter
from app.groups.sight import seen_by
from app.org import service as org
from app.org.service import NamedPerson
from app.permissions import Sight
from app.policy import service as policies
from app.policy.service import Citation
from app.spreadsheets.columns import Column, Sheet, number, person, words
from app.web.pagination import PageQuery, Sorting, paginate
from models.groups import FindingKind, FindingState, Group, GroupFinding, GroupMember, GroupState
from models.ids import GroupId, PersonId, PolicyVersionId


@dataclass(frozen=True)
class RosterLine:
    """One person's stay: wanted and seen are two facts (P4)."""

    person: NamedPerson | None
    desired: bool
    observed: bool
    reason: str
    desired_since: datetime
    first_seen_at: datetime | None

    @property
    def differs(self) -> bool:
        return self.desired != self.observed


@dataclass(frozen=True)
class RosterPage:
    items: Sequence[RosterLine]
    next_cursor: str | None


@dataclass(frozen=True)
class FindingLine:
    id: UUID
    kind: FindingKind
    state: FindingState
    group_id: UUID
    group: str
    person: NamedPerson | None
    detail: str
    clause: Citation
    first_seen_at: datetime
    resolution: str


@dataclass(frozen=True)
class AdministeredGroup:
    line: GroupLine
    charter: str
    registered_name: str
    clause: Citation
    state_detail: str
    observed_at: datetime | None
    correlation_id: str
    findings: Sequence[FindingLine]
    """Open ones."""


@dataclass(frozen=True)
class GroupSearch:
    """What somebody looks for among the groups that they may see."""

    name: str = ""
    group_type: str | None = None
    has_findings: bool = False
    member_id: PersonId | None = None


GROUPS_SORTED: Final = Sorting(
    {
        "name": col(Group.desired_name),
        "type": col(Group.group_type),
        "state": col(Group.state),
        "observed": col(Group.observed_at),
    },
    ties=col(Group.id),
    usual="name",
)


async def groups_seen(
    session: AsyncSession,
    sight: Sight,
    wanted: GroupSearch,
    *,
    reader_id: UUID,
    sort: str = "",
    page: PageQuery = FIRST_PAGE,
    now: datetime,
) -> GroupPage:
    """Groups that the sight reaches, whatever their state, by name unless another order is asked for."""
    rows, cursor = await GROUPS_SORTED.by(sort).page(session, searched(sight, wanted), page)
    policy = await policies.in_force(session, now=now)
    return GroupPage(await lines_for(session, rows, reader_id, policy), cursor)


def searched(sight: Sight, wanted: GroupSearch) -> Select[Group]:
    statement = groups.matching(GroupFilter(group_type=wanted.group_type, member_id=wanted.member_id)).where(
        seen_by(sight)
    )
    if wanted.name:
        statement = statement.where(col(Group.desired_name).icontains(wanted.name, autoescape=True))
    if wanted.has_findings:
        is_open = exists().where(
            col(GroupFinding.group_id) == col(Group.id), col(GroupFinding.state) == FindingState.OPEN
        )
        statement = statement.where(is_open)
    return statement


async def groups_by_id(
    session: AsyncSession, sight: Sight, ids: Collection[UUID], *, reader_id: UUID, now: datetime
) -> list[GroupLine]:
    """Those of these that the sight reaches, by name."""
    statement = searched(sight, GroupSearch()).where(col(Group.id).in_(ids))
    return await _by_name(session, statement, reader_id, now)


async def active_groups(
    session: AsyncSession, sight: Sight, name: str, *, reader_id: UUID, limit: int, now: datetime
) -> list[GroupLine]:
    """The first in use whose name has this in it, as far as the sight reaches."""
    statement = searched(sight, GroupSearch(name)).where(col(Group.state) == GroupState.ACTIVE).limit(limit)
    return await _by_name(session, statement, reader_id, now)


async def _by_name(session: AsyncSession, statement: Select[Group], reader_id: UUID, now: datetime) -> list[GroupLine]:
    rows = list(await session.scalars(GROUPS_SORTED.by("name").apply(statement)))
    return await lines_for(session, rows, reader_id, await policies.in_force(session, now=now))


_STATES: Final = {
    GroupState.CREATING: ("正在建立", "being created"),
    GroupState.ACTIVE: ("使用中", "in use"),
    GroupState.FAILED: ("没有建成", "could not be created"),
    GroupState.CLOSING: ("正在关闭", "being closed"),
    GroupState.CLOSED: ("已关闭", "closed"),
    GroupState.LOST: ("已被解散", "dissolved"),
}


def group_sheet(session: AsyncSession, *, in_english: bool) -> Sheet[GroupLine]:
    columns: list[Column[GroupLine]] = [
        words("群名称", "Name", lambda line: line.name, width=40),
        words("类型", "Type", lambda line: line.type_title),
        words("状态", "State", lambda line: _STATES[line.state][in_english]),
        *person(lambda line: line.owner, role="群主", english="Owner"),
        words("部门", "Department", lambda line: line.department, width=28),
        number("登记人数", "Registered", lambda line: line.counts.wanted),
        number("实际人数", "Seen", lambda line: line.counts.seen),
    ]
    return Sheet("groups" if in_english else "群", columns, calendars.timezone_of(session), in_english)


async def group_lines(
    session: AsyncSession, sight: Sight, wanted: GroupSearch, *, reader_id: UUID, sort: str = "", now: datetime
) -> AsyncIterator[Sequence[GroupLine]]:
    """Everything that the list holds, in its order, a portion at a time."""
    policy = await policies.in_force(session, now=now)
    async for part in portions_of(session, GROUPS_SORTED.by(sort).apply(searched(sight, wanted))):
        yield await lines_for(session, part, reader_id, policy)


async def administered(
    session: AsyncSession, group_id: GroupId, *, reader_id: UUID, now: datetime
) -> AdministeredGroup:
    """Whether the reader may see it is for the caller to ask. Raises `GroupNotFound`."""
    row = await groups.group(session, group_id)
    in_force = await policies.in_force(session, now=now)
    registered_under = await policies.get(session, PolicyVersionId(row.policy_version_id))
    [line] = await lines_for(session, [row], reader_id, in_force)
    return AdministeredGroup(
        line=line,
        charter=row.charter,
        registered_name=row.desired_name,
        clause=registered_under.cite(row.rule_key),
        state_detail=row.state_detail or "",
        observed_at=row.observed_at,
        correlation_id=row.correlation_id,
        findings=await finding_lines(session, await findings.open_findings(session, row.id)),
    )


async def roster_of(session: AsyncSession, group_id: GroupId, *, page: PageQuery = FIRST_PAGE) -> RosterPage:
    """Whoever is wanted or seen in it now, by name."""
    statement = groups.roster(group_id, with_former=False)
    rows, cursor = await org.page_by_name(session, statement, col(GroupMember.person_id), page=page)
    people = await org.named_people(session, {row.person_id for row in rows})
    lines = [
        RosterLine(
            people.get(row.person_id), row.desired, row.observed, row.reason, row.desired_since, row.first_seen_at
        )
        for row in rows
    ]
    return RosterPage(lines, cursor)


@dataclass(frozen=True)
class FindingPage:
    items: Sequence[FindingLine]
    next_cursor: str | None


async def findings_seen(
    session: AsyncSession, sight: Sight, *, state: FindingState | None, page: PageQuery = FIRST_PAGE
) -> FindingPage:
    """Of every group that the sight reaches, the newest first."""
    seen = select(col(Group.id)).where(seen_by(sight))
    statement = findings.findings(group_id=None, state=state).where(col(GroupFinding.group_id).in_(seen))
    rows, cursor = await paginate(session, statement, col(GroupFinding.id), page=page)
    return FindingPage(await finding_lines(session, rows), cursor)


async def finding_lines(session: AsyncSession, rows: Sequence[GroupFinding]) -> list[FindingLine]:
    """In their order: a handful of statements, however many there are."""
    people = await org.named_people(session, {row.person_id for row in rows if row.person_id})
    names = select(col(Group.id), col(Group.desired_name)).where(col(Group.id).in_({row.group_id for row in rows}))
    named = {row[0]: row[1] for row in await session.execute(names)}
    cited = {
        version_id: await policies.get(session, PolicyVersionId(version_id))
        for version_id in {row.policy_version_id for row in rows}
    }
    return [
        FindingLine(
            id=row.id,
            kind=row.kind,
            state=row.state,
            group_id=row.group_id,
            group=named.get(row.group_id, ""),
            person=people.get(row.person_id) if row.person_id else None,
            detail=FindingDetails.model_validate(row.details).detail or "",
            clause=cited[row.policy_version_id].cite(row.rule_key),
            first_seen_at=row.first_seen_at,
            resolution=row.resolution or "",
        )
        for row in rows
    ]
