"""Departments, tags, the app's visible range and licences, as an administrator edits them."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sandbox.company import Department, Tag
from sandbox.control.wiring import Body, OrganisationDep, StateDep
from sandbox.errors import PlatformError
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["organisation"])


def department_view(state: SandboxState, department: Department) -> dict[str, Any]:
    return {
        "id": department.id,
        "name": department.name,
        "parentid": department.parentid,
        "order": department.order,
        "department_leader": state.company.leaders(department.id),
        "members": len(state.company.members[department.id]),
    }


def tag_view(state: SandboxState, tag: Tag) -> dict[str, Any]:
    userids = state.company.userids(tag.people)
    return {"id": tag.id, "name": tag.name, "userlist": userids, "partylist": list(tag.departments)}


class NewDepartment(Body):
    name: str
    parentid: int = 1
    id: int | None = None
    order: int = 0


class DepartmentChange(Body):
    name: str | None = None
    parentid: int | None = None
    order: int | None = None


class NewTag(Body):
    name: str
    id: int | None = None
    owner: str = "contacts"


class TagNodes(Body):
    userids: list[str] = Field(default_factory=list)
    departments: list[int] = Field(default_factory=list)


class Range(Body):
    users: list[str] = Field(default_factory=list)
    parties: list[int] = Field(default_factory=list)
    tags: list[int] = Field(default_factory=list)
    agent_id: int | None = None


class Unlicensed(Body):
    userids: list[str]


@router.get("/departments")
async def departments(state: StateDep) -> list[dict[str, Any]]:
    return [department_view(state, department) for department in state.company.departments.values()]


@router.post("/departments")
async def create_department(body: NewDepartment, organisation: OrganisationDep) -> dict[str, Any]:
    made = organisation.create_department(body.name, body.parentid, department_id=body.id, order=body.order)
    return department_view(organisation.state, made)


@router.patch("/departments/{department_id}")
async def change_department(
    department_id: int, body: DepartmentChange, organisation: OrganisationDep
) -> dict[str, Any]:
    department = organisation.company.department(department_id)
    organisation.change_department(department, body.model_dump(exclude_none=True))
    return department_view(organisation.state, department)


@router.delete("/departments/{department_id}")
async def delete_department(department_id: int, organisation: OrganisationDep) -> None:
    organisation.delete_department(organisation.company.department(department_id))


@router.get("/tags")
async def tags(state: StateDep) -> list[dict[str, Any]]:
    return [tag_view(state, tag) for tag in state.company.tags.values()]


@router.post("/tags")
async def create_tag(body: NewTag, state: StateDep) -> dict[str, Any]:
    tag_id = body.id if body.id is not None else max(state.company.tags, default=0) + 1
    if tag_id in state.company.tags:
        raise PlatformError(40068, "tagid existed")
    state.company.tags[tag_id] = Tag(tag_id, body.name, body.owner)
    return tag_view(state, state.company.tags[tag_id])


@router.post("/tags/{tag_id}/add")
async def add_to_tag(tag_id: int, body: TagNodes, organisation: OrganisationDep) -> dict[str, Any]:
    tag = organisation.company.tag(tag_id)
    people = [organisation.company.person(userid) for userid in body.userids]
    organisation.add_to_tag(tag, people, [organisation.company.department(d).id for d in body.departments])
    return tag_view(organisation.state, tag)


@router.post("/tags/{tag_id}/remove")
async def remove_from_tag(tag_id: int, body: TagNodes, organisation: OrganisationDep) -> dict[str, Any]:
    tag = organisation.company.tag(tag_id)
    people = [organisation.company.person(userid) for userid in body.userids]
    organisation.remove_from_tag(tag, people, body.departments)
    return tag_view(organisation.state, tag)


@router.put("/visible-range")
async def set_visible_range(body: Range, organisation: OrganisationDep) -> None:
    """可见范围 of the main app, or of the app with this id."""
    state = organisation.state
    app = state.apps.get(body.agent_id or state.config.agent_id)
    if app is None:
        raise PlatformError(40056)
    organisation.set_range(app, users=body.users, parties=body.parties, tags=body.tags)


@router.put("/unlicensed")
async def set_unlicensed(body: Unlicensed, state: StateDep) -> None:
    """Exactly these people lack the 基础接口许可 licence; everybody else has it."""
    unlicensed = {state.company.person(userid).serial for userid in body.userids}
    for person in state.company.people.values():
        person.licensed = person.serial not in unlicensed
