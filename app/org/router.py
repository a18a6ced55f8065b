"""REST of the organisation: departments and members."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.org import lists, presentation, queries, service
from app.org.errors import DepartmentUnknown
from app.org.lists import MemberFilter, subtree
from app.org.schemas import (
    ChangeOut,
    DepartmentOut,
    DepartmentTree,
    Linked,
    LinkReturned,
    Member,
    ReturnedMember,
    ReviewDecision,
)
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import Moment, QueryBool, QueryInt
from models.org import Department, OrgChange, Person, PersonStatus, UseridReview

READ = [Depends(require("org:read"))]
WRITE = [Depends(require("org:write"))]

router = APIRouter()
departments = APIRouter(prefix="/departments", tags=["organisation"], dependencies=READ)
members = APIRouter(prefix="/members", tags=["organisation"], route_class=IdempotentRoute)
returned = APIRouter(prefix="/returned-members", tags=["organisation"], route_class=IdempotentRoute)

Since = Annotated[Moment | None, Query(description="Only rows changed at or after this moment.")]


# ---------------------------------------------------------------- departments


@departments.get("")
async def list_departments(
    session: SessionDep,
    page: PageDep,
    parent_id: QueryInt | None = None,
    q: Annotated[str | None, Query(description="Part of a name, its pinyin, or the initials of that.")] = None,
    updated_since: Since = None,
) -> Page[DepartmentOut]:
    statement = queries.departments(parent_id=parent_id, name=q, updated_since=updated_since)
    rows, cursor = await paginate(session, statement, col(Department.id), page=page, descending=False)
    return Page(items=presentation.departments(rows), next_cursor=cursor)


@departments.get("/tree")
async def department_tree(session: SessionDep) -> DepartmentTree:
    """All departments, nested, in the platform's order."""
    return presentation.tree(await queries.all_departments(session))


@departments.get("/{department_id}", responses=problems(404))
async def get_department(session: SessionDep, department_id: QueryInt) -> DepartmentOut:
    department = await queries.department(session, department_id)
    if department is None:
        raise DepartmentUnknown(f"没有部门 {department_id}", f"There is no department {department_id}")
    return presentation.department(department)


# ---------------------------------------------------------------- members


@members.get("", dependencies=READ)
async def list_members(
    session: SessionDep,
    page: PageDep,
    department: Annotated[QueryInt | None, Query(description="Direct members of this department.")] = None,
    below: Annotated[QueryBool, Query(description="With everything below that department.")] = False,
    status: PersonStatus | None = None,
    q: Annotated[
        str | None, Query(description="Part of a name or userid; its pinyin, or the initials of that.")
    ] = None,
    updated_since: Since = None,
) -> Page[Member]:
    inside = await subtree(session, department)
    if department is not None and not below:
        inside = frozenset([department])
    wanted = MemberFilter(inside, status, name=q, updated_since=updated_since)
    statement = lists.members(wanted)
    rows, cursor = await paginate(session, statement, col(Person.updated_at), col(Person.id), page=page)
    return Page(items=await presentation.members(session, rows), next_cursor=cursor)


@members.get("/{userid}", dependencies=READ, responses=problems(404))
async def get_member(session: SessionDep, userid: str) -> Member:
    """Whom this userid names now; else whom it named last."""
    return await presentation.member(session, await service.person_named_or_former(session, userid))


@members.get("/{userid}/changes", dependencies=READ, responses=problems(404))
async def list_changes(session: SessionDep, page: PageDep, userid: str) -> Page[ChangeOut]:
    """Every change of the person and of their departments, newest first."""
    person = await service.person_named_or_former(session, userid)
    rows, cursor = await paginate(session, queries.changes_of(person.id), col(OrgChange.id), page=page)
    return Page(items=presentation.changes(rows), next_cursor=cursor)


@members.post("/{userid}/review", dependencies=WRITE, responses=problems(404, 409))
async def review_userid(
    session: SessionDep, caller: CallerDep, now: NowDep, userid: str, body: ReviewDecision
) -> Member:
    """A userid came back after its person had left: say whether it is the same human being."""
    if body.decision == "linked":
        await service.link_former(session, userid=userid, actor=caller.actor, now=now)
    else:
        await service.separate_userid(session, userid=userid, actor=caller.actor, now=now)
    return await presentation.member(session, await service.person_named_or_former(session, userid))


# ---------------------------------------------------------------- who came back


@returned.get("", dependencies=READ)
async def list_returned(session: SessionDep, page: PageDep) -> Page[ReturnedMember]:
    """Userids that came back after their person had left: undecided, and what a link would join."""
    rows, cursor = await paginate(
        session, queries.open_reviews(), col(UseridReview.found_at), col(UseridReview.id), page=page
    )
    return Page(items=presentation.returned(await service.compare_returners(session, rows)), next_cursor=cursor)


@returned.post("/link", dependencies=WRITE, responses=problems(409))
async def link_returned(
    session: SessionDep, caller: CallerDep, now: NowDep, body: LinkReturned | None = None
) -> Linked:
    """Give all who are alike their history back, in one step. The others are decided one by one."""
    userids = body.userids if body is not None else None
    found = await service.link_returners(session, userids=userids, actor=caller.actor, now=now)
    return presentation.linked(found)


for part in (departments, members, returned):
    router.include_router(part)
