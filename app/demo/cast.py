"""Who plays whom, chosen from the company that the sandbox happened to seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.demo.stage import Stage, StoryBroken

ACTIVE = 1
TEAM = 5
ROOT = 1
PERSONNEL = "人力资源部"


@dataclass(frozen=True)
class Cast:
    applicant: str
    """Applies for the group and becomes its owner."""
    department: int
    team: list[str]
    """Colleagues, on the group's first roster."""
    newcomer: str
    """From another department; joins later."""


async def choose_cast(stage: Stage) -> Cast:
    """A department with a leader and enough active people, and somebody of another one that has a leader too."""
    people = {person["userid"]: person for person in await stage.sandbox.people(limit=5_000)}
    suitable = [
        (department, staff)
        for department in await stage.sandbox.departments()
        if department["id"] != ROOT and (staff := _staff(department, people))
    ]
    suitable.sort(key=lambda pair: len(pair[1]), reverse=True)
    stage.require(len(suitable) > 1 and len(suitable[0][1]) > TEAM, "the seeded company is too small for the story")
    (home, staff), (_, others) = suitable[0], suitable[1]
    return Cast(applicant=staff[0], department=home["id"], team=staff[1 : TEAM + 1], newcomer=others[0])


def _staff(department: dict[str, Any], people: dict[str, dict[str, Any]]) -> list[str]:
    """Active people of this department alone who lead nothing, when it has an active leader who is none of them."""
    leaders = [userid for userid in department["department_leader"] if people[userid]["status"] == ACTIVE]
    if not leaders:
        return []
    return [
        userid
        for userid, person in people.items()
        if person["department"] == [department["id"]]
        and person["status"] == ACTIVE
        and person["licensed"]
        and not any(person["is_leader_in_dept"])
    ]


async def head_of_personnel(stage: Stage) -> str:
    """The name of who leads the department that the policy's role `hr` names."""
    people = {person["userid"]: person for person in await stage.sandbox.people(limit=5_000)}
    for department in await stage.sandbox.departments():
        if department["name"] == PERSONNEL:
            for userid in department["department_leader"]:
                if people[userid]["status"] == ACTIVE:
                    return str(people[userid]["name"])
    raise StoryBroken(f"the seeded company has no head of {PERSONNEL}")
