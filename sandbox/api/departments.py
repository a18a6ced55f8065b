"""department/* (doc path/90205 to 90208, path/95350, path/95351)."""

from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity, whole
from sandbox.company import ROOT, Department
from sandbox.errors import PlatformError, ok
from sandbox.organisation import Organisation


def create(call: Call) -> dict[str, Any]:
    call.require_writing()
    body = call.body
    wanted = whole(body["id"], 60123) if body.get("id") is not None else None
    order = whole(body.get("order", 0), 40058)
    name_en = str(body.get("name_en", ""))
    made = Organisation(call.state, echo=False).create_department(
        body.get("name"), body.get("parentid", ""), department_id=wanted, order=order, name_en=name_en
    )
    return ok("created", id=made.id)


def update(call: Call) -> dict[str, Any]:
    call.require_writing()
    department = call.state.company.department(whole(call.body.get("id", ""), 60123))
    Organisation(call.state, echo=False).change_department(department, call.body)
    return ok("updated")


def delete(call: Call) -> dict[str, Any]:
    call.require_writing()
    department = call.state.company.department(call.query_number("id", missing=60123))
    Organisation(call.state, echo=False).delete_department(department)
    return ok("deleted")


def listing(call: Call) -> dict[str, Any]:
    call.require_details()
    return ok(department=[_details(call, department) for department in _asked(call)])


def simplelist(call: Call) -> dict[str, Any]:
    rows = [{"id": d.id, "parentid": d.parentid, "order": d.order} for d in _asked(call)]
    return ok(department_id=rows)


def get(call: Call) -> dict[str, Any]:
    call.require_details()
    department = _visible(call, call.query_number("id", missing=60123))
    return ok(department=_details(call, department))


def _visible(call: Call, department_id: int) -> Department:
    department = call.state.company.department(department_id)
    if not call.sight.sees_department(department_id):
        raise PlatformError(60011)
    return department


def _asked(call: Call) -> list[Department]:
    """The subtree of `id`, or all that the caller sees; parents may be missing (doc path/90208)."""
    company, sight = call.state.company, call.sight
    if call.query.get("id"):
        top = _visible(call, call.query_number("id", missing=60123)).id
        return [company.departments[d] for d in company.subtree(top)]
    if sight.everything:
        return [company.departments[d] for d in company.subtree(ROOT)]
    return [company.departments[d] for d in sorted(sight.departments)]


def _details(call: Call, department: Department) -> dict[str, Any]:
    return {
        "id": department.id,
        "name": department.name,
        "name_en": department.name_en,
        "department_leader": call.state.company.leaders(department.id),
        "parentid": department.parentid,
        "order": department.order,
    }


ENDPOINTS = {
    "department/create": Endpoint(
        "POST",
        create,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90205",
        note="不检查节点总数（81001）",
        note_en="the number of nodes is not checked (81001)",
    ),
    "department/update": Endpoint("POST", update, fidelity=Fidelity.EXACT, source="path/90206"),
    "department/delete": Endpoint("GET", delete, fidelity=Fidelity.EXACT, source="path/90207"),
    "department/list": Endpoint("GET", listing, fidelity=Fidelity.EXACT, source="path/90208"),
    "department/simplelist": Endpoint("GET", simplelist, fidelity=Fidelity.EXACT, source="path/95350"),
    "department/get": Endpoint("GET", get, fidelity=Fidelity.EXACT, source="path/95351"),
}
