"""REST for groups. Creating, joining and leaving are applications: `POST /requests`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.findings import queries as findings_queries
from app.groups import presentation as views
from app.groups import queries, service
from app.groups.queries import GroupFilter
from app.groups.schemas import (
    Administration,
    FindingOut,
    FindingResolution,
    GroupLineOut,
    GroupMemberOut,
    GroupOut,
    GroupSeenOut,
    NewGroupMember,
)
from app.groups.service import DirectorySearch
from app.org import service as org
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import Moment, QueryBool, QueryInt
from models.groups import FindingState, Group, GroupFinding, GroupMember, GroupState
from models.ids import FindingId, GroupId

router = APIRouter(prefix="/groups", tags=["groups"], route_class=IdempotentRoute)

of_members = APIRouter(prefix="/members", tags=["personal"], dependencies=[Depends(require("personal:read"))])

READ = [Depends(require("groups:read"))]
WRITE = [Depends(require("groups:write"))]


async def get_wanted(
    session: SessionDep,
    member: Annotated[str | None, Query(description="userid of somebody who is in it")] = None,
    owner: Annotated[str | None, Query(description="userid of the owner that is wanted")] = None,
    department: Annotated[
        QueryInt | None, Query(description="WeCom id of the group's or its owner's department, or of one above it")
    ] = None,
) -> GroupFilter:
    return GroupFilter(
        member_id=await org.id_named_or_former(session, member),
        owner_id=await org.id_named_or_former(session, owner),
        department_ids=await org.subtree(session, department),
    )


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_groups(
    session: SessionDep,
    page: PageDep,
    of_people: Annotated[GroupFilter, Depends(get_wanted)],
    type: Annotated[str | None, Query(description="A group type of the policy")] = None,  # noqa: A002 -- the wire's name
    state: GroupState | None = None,
    findings: Annotated[QueryBool | None, Query(description="With open findings, or without")] = None,
    updated_since: Moment | None = None,
) -> Page[GroupOut]:
    """Registered groups, the latest change first. A new one is applied for: `POST /requests`, kind `create_group`."""
    wanted = replace(of_people, group_type=type, state=state, has_findings=findings, updated_since=updated_since)
    rows, next_cursor = await paginate(
        session, queries.matching(wanted), col(Group.updated_at), col(Group.id), page=page
    )
    return Page(items=await views.groups(session, rows), next_cursor=next_cursor)


@router.get("/findings", dependencies=READ, responses=problems(400))
async def list_all_findings(
    session: SessionDep, page: PageDep, state: FindingState | None = FindingState.OPEN
) -> Page[FindingOut]:
    """Differences nobody approved, in all groups, the newest first."""
    rows, next_cursor = await paginate(
        session, findings_queries.findings(group_id=None, state=state), col(GroupFinding.id), page=page
    )
    return Page(items=await views.findings(session, rows), next_cursor=next_cursor)


@router.get("/{group_id}", dependencies=READ, responses=problems(404))
async def get_group(group_id: UUID, session: SessionDep) -> GroupOut:
    """A group: what is registered, what the platform shows, its charter, the clause it rests on."""
    return await views.group(session, await queries.group(session, GroupId(group_id)))


@router.patch("/{group_id}", dependencies=WRITE, responses=problems(400, 404, 409))
async def change_administration(
    group_id: UUID, body: Administration, session: SessionDep, caller: CallerDep, now: NowDep
) -> GroupOut:
    """Register another deputy, or name another owner, with the reason: they are asked, and are the owner when they
    accept. `succession` says who is asked.
    """
    group = await service.change_owner(
        session,
        group_id=GroupId(group_id),
        owner=await org.person_named_or_former(session, body.owner) if body.owner else None,
        deputy=await org.person_named_or_former(session, body.deputy) if body.deputy else None,
        reason=body.reason,
        actor=caller.actor,
        now=now,
    )
    return await views.group(session, group)


@router.get("/{group_id}/members", dependencies=READ, responses=problems(400, 404))
async def list_members(
    group_id: UUID,
    session: SessionDep,
    page: PageDep,
    former: Annotated[QueryBool, Query(description="Also who is there no more")] = False,
) -> Page[GroupMemberOut]:
    """The roster in two columns, wanted and seen, in the order in which people came."""
    group = await queries.group(session, GroupId(group_id))
    statement = queries.roster(group.id, with_former=former)
    rows, next_cursor = await paginate(session, statement, col(GroupMember.id), page=page, descending=False)
    return Page(items=await views.members(session, rows), next_cursor=next_cursor)


@router.post("/{group_id}/members", status_code=202, dependencies=WRITE, responses=problems(400, 404, 409))
async def add_member(
    group_id: UUID, body: NewGroupMember, session: SessionDep, caller: CallerDep, now: NowDep
) -> GroupMemberOut:
    """Put somebody in who belongs, with the reason. Applying to join is `POST /requests`, kind `join`."""
    stay = await service.add_by_hand(
        session,
        group_id=GroupId(group_id),
        person=await org.person_named_or_former(session, body.person),
        reason=body.reason,
        actor=caller.actor,
        now=now,
    )
    return await views.member(session, stay)


@router.delete("/{group_id}/members/{userid}", status_code=202, dependencies=WRITE, responses=problems(400, 404, 409))
async def remove_member(
    group_id: UUID,
    userid: str,
    reason: Annotated[str, Query(min_length=1)],
    session: SessionDep,
    caller: CallerDep,
    now: NowDep,
) -> GroupMemberOut:
    """Remove somebody for cause; the reason is recorded and told. Leaving by oneself: `POST /requests`, kind `exit`."""
    stay = await service.remove_by_hand(
        session,
        group_id=GroupId(group_id),
        person=await org.person_named_or_former(session, userid),
        reason=reason,
        actor=caller.actor,
        now=now,
    )
    return await views.member(session, stay)


@router.get("/{group_id}/findings", dependencies=READ, responses=problems(400, 404))
async def list_findings(
    group_id: UUID, session: SessionDep, page: PageDep, state: FindingState | None = None
) -> Page[FindingOut]:
    """Differences nobody approved, the newest first."""
    group = await queries.group(session, GroupId(group_id))
    rows, next_cursor = await paginate(
        session, findings_queries.findings(group_id=group.id, state=state), col(GroupFinding.id), page=page
    )
    return Page(items=await views.findings(session, rows), next_cursor=next_cursor)


@router.post("/{group_id}/findings/{finding_id}/resolve", dependencies=WRITE, responses=problems(404, 409))
async def resolve_finding(
    group_id: UUID, finding_id: UUID, body: FindingResolution, session: SessionDep, caller: CallerDep, now: NowDep
) -> FindingOut:
    """A person has dealt with it. A difference that is still there at the next comparison is a new finding."""
    finding = await service.resolve_finding(
        session,
        group_id=GroupId(group_id),
        finding_id=FindingId(finding_id),
        resolution=body.resolution,
        actor=caller.actor,
        now=now,
    )
    return (await views.findings(session, [finding]))[0]


# ---------------------------------------------------------------- as one person sees them


@of_members.get("/{userid}/groups", responses=problems(400, 404))
async def list_groups_of_member(session: SessionDep, page: PageDep, userid: str, now: NowDep) -> Page[GroupLineOut]:
    """The groups that this person is in as WeCom shows, comes into or leaves, with their role; by name."""
    person = await org.person_named(session, userid)
    found = await service.groups_of_member(session, person.id, page=page, now=now)
    return Page(items=views.lines(found.items), next_cursor=found.next_cursor)


@of_members.get("/{userid}/groups/{group_id}", responses=problems(404))
async def get_group_for_member(session: SessionDep, userid: str, group_id: UUID, now: NowDep) -> GroupSeenOut:
    """A group as this person sees it, and what they may apply for. 404 for what they can neither find nor are in."""
    person = await org.person_named(session, userid)
    return views.seen(await service.group_for(session, GroupId(group_id), person, now=now))


def get_search(
    name: Annotated[
        str, Query(description="A part of the name, of the purpose or of the department's name", max_length=100)
    ] = "",
    department: Annotated[QueryInt | None, Query(description="Of this department and those below it")] = None,
    type: Annotated[str | None, Query(description="A group type of the policy")] = None,  # noqa: A002 -- the wire's name
) -> DirectorySearch:
    return DirectorySearch(name, department, type)


@of_members.get("/{userid}/directory", responses=problems(400, 404))
async def list_directory(
    session: SessionDep,
    page: PageDep,
    userid: str,
    wanted: Annotated[DirectorySearch, Depends(get_search)],
    now: NowDep,
) -> Page[GroupLineOut]:
    """The groups that this person finds: all but confidential ones and types that are not listed; and their own."""
    person = await org.person_named(session, userid)
    found = await service.find_groups(session, person.id, wanted, page=page, now=now)
    return Page(items=views.lines(found.items), next_cursor=found.next_cursor)
