"""Finding people among 200,000: search, pages, and the tree of departments."""

from collections import Counter
from collections.abc import Iterator
from heapq import nlargest
from itertools import islice
from typing import Any

from sandbox.company import ACTIVE, ROOT, Department, Person
from sandbox.state import SandboxState

PAGE = 60
STATUS_TEXTS = {2: "已禁用", 4: "未激活"}
SIBLINGS_SHOWN = 200


def colour(serial: int) -> int:
    return serial % 8


def find_people(state: SandboxState, wanted: str, *, offset: int = 0, limit: int = PAGE) -> tuple[list[Person], int]:
    """By name, userid or department; those with the latest messages first. One page, and how many there are."""
    wanted = wanted.strip()
    if not wanted:
        return list(islice(_by_activity(state, offset + limit), offset, offset + limit)), len(state.company.people)
    found = _matching(state, wanted)
    best = nlargest(offset + limit, found.values(), key=lambda p: (state.last_active.get(p.serial, 0.0), -p.serial))
    return best[offset:], len(found)


def _by_activity(state: SandboxState, needed: int) -> Iterator[Person]:
    people, active = state.company.people, state.last_active
    latest = nlargest(needed, active.items(), key=lambda item: item[1])
    yield from (people[serial] for serial, _at in latest if serial in people)
    yield from (person for serial, person in people.items() if serial not in active)


def _matching(state: SandboxState, wanted: str) -> dict[int, Person]:
    company, lower = state.company, wanted.lower()
    found = {s: p for s, p in company.people.items() if wanted in p.name or lower in p.userid.lower()}
    for department in company.departments.values():
        if department.id != ROOT and wanted in department.name:
            found |= {serial: company.people[serial] for serial in company.members[department.id]}
    return found


def person_row(state: SandboxState, person: Person) -> dict[str, Any]:
    """One person as lists and headers show them."""
    departments = state.company.departments
    return {
        "userid": person.userid,
        "name": person.name,
        "colour": colour(person.serial),
        "position": person.position,
        "department": departments[person.main_department].name,
        "departments": [(d, departments[d].name) for d in person.departments],
        "status": STATUS_TEXTS.get(person.status, ""),
        "is_active": person.status == ACTIVE,
        "leads": any(person.leads),
        "groups": len(state.groups_of.get(person.serial, {})),
        "last": state.last_active.get(person.serial),
    }


def path_to(state: SandboxState, department_id: int) -> list[Department]:
    """From the root down to this department."""
    path: list[Department] = []
    while department_id:
        department = state.company.departments[department_id]
        path.append(department)
        department_id = department.parentid
    return path[::-1]


def children(state: SandboxState, department_id: int) -> list[Department]:
    """Larger `order` first, as the client shows them."""
    found = [state.company.departments[child] for child in state.company.children[department_id]]
    return sorted(found, key=lambda d: (-d.order, d.id))


def headcount(state: SandboxState) -> dict[int, int]:
    """People in each department and below it. Somebody with two places counts in both, and once above them."""
    if state.headcounts[0] != state.company.version:
        state.headcounts = (state.company.version, _count(state))
    return state.headcounts[1]


def _count(state: SandboxState) -> dict[int, int]:
    company = state.company
    counts = {d: len(members) for d, members in company.members.items()}
    for department_id in reversed(list(company.subtree(ROOT))):
        parent = company.departments[department_id].parentid
        if parent:
            counts[parent] += counts[department_id]
    for person in company.people.values():
        if len(person.departments) > 1:
            _count_once(state, person, counts)
    return counts


def _count_once(state: SandboxState, person: Person, counts: dict[int, int]) -> None:
    places = Counter(above.id for department_id in person.departments for above in path_to(state, department_id))
    for department_id, times in places.items():
        counts[department_id] -= times - 1


def tree_rows(state: SandboxState, chosen: int) -> list[dict[str, Any]]:
    """The tree with the way to the chosen department open, as flat rows with their depth."""
    opened = {department.id for department in path_to(state, chosen)}
    counts = headcount(state)
    rows: list[dict[str, Any]] = []

    def add(department: Department, depth: int) -> None:
        below = children(state, department.id) if department.id in opened else []
        rows.append(
            {
                "id": department.id,
                "name": department.name,
                "depth": depth,
                "count": counts[department.id],
                "is_open": department.id in opened,
                "has_children": bool(state.company.children[department.id]),
                "is_chosen": department.id == chosen,
            }
        )
        for child in below[:SIBLINGS_SHOWN]:
            add(child, depth + 1)

    add(state.company.departments[ROOT], 0)
    return rows
