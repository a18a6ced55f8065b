# ruff: noqa: FAST003 - `PersonDep` takes the userid out of the path
"""Acts on people by administrators, and acts of people on their phones."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sandbox import phone_acts
from sandbox.company import ACTIVE, NOT_ACTIVATED, Person
from sandbox.control.wiring import Body, OrganisationDep, PersonDep, StateDep
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["people"])


def person_view(state: SandboxState, person: Person) -> dict[str, Any]:
    """Everything the company knows of one person, whoever may read it over the API."""
    return {
        "userid": person.userid,
        "name": person.name,
        "department": person.departments,
        "order": person.order,
        "is_leader_in_dept": person.leads,
        "main_department": person.main_department,
        "direct_leader": state.company.userids(person.direct_leaders),
        "status": person.status,
        "position": person.position,
        "gender": person.gender,
        "mobile": person.mobile,
        "email": person.email,
        "biz_mail": person.biz_mail,
        "telephone": person.telephone,
        "alias": person.alias,
        "address": person.address,
        "extattr": person.extattr,
        "licensed": person.licensed,
        "groups": list(state.groups_of.get(person.serial, {})),
    }


class Hire(Body):
    userid: str
    name: str
    department: list[int] = Field(default_factory=lambda: [1])
    mobile: str | None = None
    active: bool = True
    fields: dict[str, Any] = Field(default_factory=dict)
    """Any further field of `user/create`."""


@router.get("/people")
async def people(
    state: StateDep, department: int | None = None, query: str = "", limit: int = 1_000, offset: int = 0
) -> list[dict[str, Any]]:
    """People in the order of their creation; of one department its direct members."""
    company = state.company
    found = list(company.people.values()) if department is None else company.direct_members(department)
    wanted = query.lower()
    matching = [p for p in found if wanted in p.userid.lower() or wanted in p.name]
    return [person_view(state, person) for person in matching[offset : offset + limit]]


@router.post("/people")
async def hire(body: Hire, organisation: OrganisationDep) -> dict[str, Any]:
    fields = {"email": f"{body.userid}@example.test"} | body.fields
    fields |= {"userid": body.userid, "name": body.name, "department": body.department}
    if body.mobile:
        fields["mobile"] = body.mobile
    person = organisation.hire(fields, status=ACTIVE if body.active else NOT_ACTIVATED)
    return person_view(organisation.state, person)


@router.get("/people/{userid}")
async def person(state: StateDep, found: PersonDep) -> dict[str, Any]:
    return person_view(state, found)


@router.patch("/people/{userid}")
async def change(found: PersonDep, fields: dict[str, Any], organisation: OrganisationDep) -> dict[str, Any]:
    """Any field of `user/update`, `new_userid` and `enable` among them, as an administrator changes it."""
    organisation.change(found, fields)
    return person_view(organisation.state, found)


@router.delete("/people/{userid}")
async def remove(found: PersonDep, organisation: OrganisationDep) -> None:
    organisation.remove(found)


@router.post("/people/{userid}/activate")
async def activate(found: PersonDep, organisation: OrganisationDep) -> dict[str, Any]:
    organisation.activate(found)
    return person_view(organisation.state, found)


# Phones


class Click(Body):
    task_id: str
    key: str
    selections: dict[str, list[str]] | None = None


class Say(Body):
    text: str


class MenuClick(Body):
    key: str


class AppEvent(Body):
    event: str
    key: str = ""


@router.get("/people/{userid}/phone")
async def phone(state: StateDep, found: PersonDep) -> dict[str, Any]:
    return phone_acts.phone(state, found)


@router.post("/people/{userid}/click")
async def click(state: StateDep, found: PersonDep, body: Click) -> dict[str, Any]:
    return phone_acts.click(state, found, body.task_id, body.key, body.selections)


@router.post("/people/{userid}/say")
async def say(state: StateDep, found: PersonDep, body: Say) -> dict[str, Any]:
    return phone_acts.say(state, found, body.text)


@router.post("/people/{userid}/speak")
async def speak(state: StateDep, found: PersonDep) -> dict[str, Any]:
    """A voice message to the main app."""
    return phone_acts.speak(state, found)


@router.post("/people/{userid}/menu-click")
async def menu_click(state: StateDep, found: PersonDep, body: MenuClick) -> dict[str, Any]:
    return phone_acts.menu_click(state, found, body.key)


@router.post("/people/{userid}/open-app")
async def open_app(state: StateDep, found: PersonDep) -> dict[str, Any]:
    return phone_acts.raise_app_event(state, found, "enter_agent")


@router.post("/people/{userid}/app-event")
async def app_event(state: StateDep, found: PersonDep, body: AppEvent) -> dict[str, Any]:
    """Any plain app event, such as `view_miniprogram`, from this person."""
    return phone_acts.raise_app_event(state, found, body.event, body.key)
