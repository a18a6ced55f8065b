"""部门: where people belong, who leads, and how many there are."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from app.audit.why import About
from app.org import queries
from app.org import service as org
from app.org.service import MemberFilter
from app.pages.errors import NoSuchPage
from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, Filter, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from models.audit import ObjectKind

router = page_router("/console/departments")

DepartmentsVisit = Annotated[Visit, visits("/console/departments")]


@router.get("")
async def listed(
    visit: DepartmentsVisit, cursor: CursorDep, name: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    page = await org.departments_seen(visit.session, visit.sight(), name=name.strip(), page=page_at(cursor))
    filters = [Filter("name", "部门名称", "Name", value=name)]
    return visit.draw("console/departments.html", done=await said_to(visit), table=page, filters=filters)


@router.get("/{department_id}")
async def department(
    department_id: Annotated[int, Path(ge=0, lt=2**63)], visit: DepartmentsVisit, cursor: CursorDep
) -> Response:
    await visit.check(Permission.DEPARTMENT_READ, About(ObjectKind.DEPARTMENT, department_id))
    found = await queries.department(visit.session, department_id)
    if found is None:
        raise NoSuchPage("没有这个部门", "There is no such department")
    wanted = MemberFilter(department_ids=[department_id], sight=visit.sight(Permission.PERSON_READ))
    people = await org.people_seen(visit.session, wanted, page=page_at(cursor))
    return visit.draw("console/department.html", department=found, table=people)
