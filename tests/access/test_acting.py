"""D21: a key acts in the name of the people for whom it may, and of nobody else; the trail shows both."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, get_args
from uuid import UUID

import httpx
import pytest
from alembic import command
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.bootstrap import REGISTRY
from app.database import Sessions, migrate, migration_config, transaction
from app.settings import Settings
from app.web.idempotency import WRITES
from app.web.schemas import Acts
from app.web.scopes import ANYBODY, NOBODY, ActsFor
from models.access import ActAs, ApiKey
from tests.architecture.source import modules, tree
from tests.architecture.test_interface import methods_of, routes
from tests.builders import org
from tests.company import PERSONNEL, RESEARCH, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock
from tests.web.conftest import Desk, desk

__all__ = ["desk"]

SOMETHING = UUID(int=1)
NAMED_ONLY = {
    ("POST", "/tasks", "owner"): "is given the task",
    ("POST", "/tasks", "collaborators"): "help with it",
    ("POST", "/announcements", "people"): "are the audience",
    ("PATCH", "/groups/{group_id}", "owner"): "is asked whether they take the group",
    ("PATCH", "/groups/{group_id}", "deputy"): "is registered",
    ("POST", "/groups/{group_id}/members", "person"): "is put into the group",
    ("POST", "/returned-members/link", "userids"): "get their history back",
    ("POST", "/access/grants", "person"): "is given the permissions",
}
"""People in bodies who do nothing themselves: there the key acts, and its scope says whether it may."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/requests"): {"kind": "join", "requester": "li", "payload": {"group_id": str(SOMETHING)}},
    ("POST", "/requests/preview"): {"kind": "join", "requester": "li", "payload": {"group_id": str(SOMETHING)}},
    ("POST", "/requests/{request_id}/decisions"): {"person": "li", "verdict": "approve"},
    ("POST", "/requests/{request_id}/objections"): {"person": "li"},
    ("POST", "/requests/{request_id}/withdraw"): {"person": "li"},
    ("POST", "/announcements"): {"title": "通知", "body": "正文", "author": "li", "audience": {"people": ["chen"]}},
    ("POST", "/announcements/{announcement_id}/receipts"): {"person": "li"},
    ("POST", "/tasks"): {
        "title": "整理",
        "acceptance": "完成",
        "assigner": "li",
        "owner": "chen",
        "due_at": "2026-03-06T18:00:00+08:00",
    },
    ("POST", "/access/grants"): {
        "person": "chen",
        "bundle": "it",
        "reason": "值班",
        "reach": "department",
        "place": str(RESEARCH),
        "granted_by": "li",
    },
    ("POST", "/access/grants/{grant_id}/revoke"): {"revoked_by": "li"},
    ("POST", "/confirmations"): {"act": "key.end", "person": "li", "payload": {"key_id": str(SOMETHING)}},
    ("POST", "/confirmations/{confirmation_id}/confirm"): {"person": "li", "digest": "0" * 64},
    ("POST", "/confirmations/{confirmation_id}/refuse"): {"person": "li"},
    ("POST", "/confirmations/{confirmation_id}/withdraw"): {"person": "li"},
    ("POST", "/tasks/{task_id}/accept"): {"person": "li"},
    ("POST", "/tasks/{task_id}/progress"): {"person": "li", "progress": 10},
    ("POST", "/tasks/{task_id}/blocked"): {"person": "li"},
    ("POST", "/tasks/{task_id}/done"): {"person": "li"},
    ("POST", "/tasks/{task_id}/cancel"): {"person": "li"},
}
"""A body for each write in which a person acts: li does."""


# ---------------------------------------------------------------- the walk


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield name, field
        for inner in models_in(field.annotation):
            yield from fields_of(inner)


def marked(field: FieldInfo) -> bool:
    """Whether its type is `ActingUserid`, or that or nothing."""
    return any(isinstance(one, Acts) for one in [*field.metadata, *_within(field.annotation)])


def _within(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _within(inner)


def people_in_bodies() -> Iterator[tuple[tuple[str, str], str, bool]]:
    """Every field of a body of a write that names a person: the route, the field, and whether they act."""
    for route in routes(REGISTRY.routers):
        for method in sorted(methods_of(route) & WRITES):
            for name, field in _body_fields(route):
                if marked(field) or _names_people(name, field):
                    yield (method, route.path), name, marked(field)


def _names_people(name: str, field: FieldInfo) -> bool:
    """By its words: a text, or some, that the name or the description says to be userids."""
    return "userid" in f"{name} {field.description}".lower() and str in {*_leaves(field.annotation)}


def _leaves(annotation: Any) -> Iterator[Any]:
    inner = get_args(annotation)
    yield from (leaf for one in inner for leaf in _leaves(one)) if inner else (annotation,)


def _body_fields(route: APIRoute) -> Iterator[tuple[str, FieldInfo]]:
    for parameter in route.dependant.body_params:
        for model in models_in(parameter.field_info.annotation):
            yield from fields_of(model)


ACTING = sorted({route for route, _, acts in people_in_bodies() if acts})


def test_every_person_in_a_body_acts_or_is_known_to_do_nothing() -> None:
    """A new one is typed `ActingUserid`, or stands in `NAMED_ONLY` with what is done to them."""
    assert {(*route, name) for route, name, acts in people_in_bodies() if not acts} == set(NAMED_ONLY)


def test_there_is_a_body_for_each_write_in_which_somebody_acts() -> None:
    assert set(ACTING) == set(BODIES)


def test_no_router_looks_up_by_itself_who_acts() -> None:
    """`person_acting` is the one home of the check; `person_named` is for those who only are named."""
    named = {name for _, _, name in NAMED_ONLY}
    by_itself = [
        f"{path}:{call.lineno} body.{argument.attr}"
        for path in modules("app")
        if path.name == "router.py"
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and "_named" in call.func.attr
        for argument in call.args
        if isinstance(argument, ast.Attribute) and ast.unparse(argument.value) == "body" and argument.attr not in named
    ]
    assert by_itself == []


# ---------------------------------------------------------------- what a key is refused


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


ALL = sorted({scope for one in REGISTRY.scopes for scope in ([one] if ":" in one else [f"{one}:read", f"{one}:write"])})


class Office:
    """The REST API, for keys that may do everything for some people."""

    def __init__(self, sessions: Sessions, clock: FakeClock, settings: Settings) -> None:
        self._parts = (sessions, clock, settings)

    def key(self, acts_for: ActsFor) -> Any:
        return serving(*self._parts, scopes=ALL, acts_for=acts_for)


@pytest.fixture
def office(sessions: Sessions, company: Company, clock: FakeClock, settings: Settings) -> Office:
    assert company.people
    return Office(sessions, clock, settings)


def place(route: tuple[str, str]) -> str:
    head, *_ = route[1].split("{")
    return route[1] if head == route[1] else f"{head}{SOMETHING}{route[1].partition('}')[2]}"


async def send(client: httpx.AsyncClient, route: tuple[str, str], **changes: Any) -> httpx.Response:
    return await client.request(route[0], place(route), json=BODIES[route] | changes)


@pytest.mark.parametrize("route", ACTING, ids=" ".join)
class TestEveryWriteInWhichSomebodyActs:
    async def test_is_refused_to_a_key_that_acts_for_nobody(self, office: Office, route: tuple[str, str]) -> None:
        async with office.key(NOBODY) as client:
            refused = await send(client, route)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/may-not-act-as")
        assert "“test”不能代任何人办理" in refused.json()["detail"]

    async def test_is_refused_for_people_of_other_departments(self, office: Office, route: tuple[str, str]) -> None:
        async with office.key(ActsFor(ActAs.DEPARTMENTS, (PERSONNEL,))) as client:
            refused = await send(client, route)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/may-not-act-as")
        assert "人力资源部；李军 不在其中" in refused.json()["detail"]

    @pytest.mark.parametrize("acts_for", [ANYBODY, ActsFor(ActAs.DEPARTMENTS, (RESEARCH,))], ids=["anybody", "theirs"])
    async def test_goes_on_where_it_may(self, office: Office, route: tuple[str, str], acts_for: ActsFor) -> None:
        """What then is refused is that there is no such request, or that li may not; a task and an announcement are
        there.
        """
        async with office.key(acts_for) as client:
            told = await send(client, route)
        allowed = told.status_code in {200, 201, 404}
        may_not = {"/problems/not-theirs-to-confirm", "/problems/not-permitted"}
        assert allowed or told.json()["type"] in may_not, told.text


class TestForWhom:
    async def test_departments_include_everything_below(self, office: Office, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await org.department(session, 77, "算法组", parent=RESEARCH)
            await org.person(session, "deep", "邓深", departments=[77])
        route = ("POST", "/tasks")
        async with office.key(ActsFor(ActAs.DEPARTMENTS, (RESEARCH,))) as client:
            assert (await send(client, route, assigner="deep")).status_code == 201
        async with office.key(ActsFor(ActAs.DEPARTMENTS, (77,))) as client:
            assert (await send(client, route, assigner="li")).status_code == 403

    async def test_for_nobody_a_key_learns_nothing_about_who_there_is(self, office: Office) -> None:
        async with office.key(NOBODY) as client:
            known, unknown = [await send(client, ("POST", "/tasks"), assigner=one) for one in ("li", "nobody")]
        assert known.json()["detail"] == unknown.json()["detail"]

    async def test_who_may_withdraw_is_meant_where_the_body_names_nobody(self, office: Office) -> None:
        """The default of a withdrawal is its requester: a key does not act for them by leaving them out."""
        body = {
            "kind": "create_group",
            "requester": "li",
            "payload": {"name": "研发部-新品", "type": "project", "purpose": "新品", "department_id": RESEARCH},
        }
        async with office.key(ANYBODY) as client:
            request = await answer(client.post("/requests", json=body), 201)
        withdraw = f"/requests/{request['id']}/withdraw"
        async with office.key(ActsFor(ActAs.DEPARTMENTS, (PERSONNEL,))) as client:
            assert (await client.post(withdraw)).json()["type"] == "/problems/may-not-act-as"
        async with office.key(ActsFor(ActAs.DEPARTMENTS, (RESEARCH,))) as client:
            assert (await answer(client.post(withdraw)))["state"] == "withdrawn"

    async def test_what_the_key_does_by_itself_needs_nobody(self, office: Office) -> None:
        async with office.key(ANYBODY) as client:
            task = await answer(client.post("/tasks", json=BODIES["POST", "/tasks"]), 201)
        async with office.key(NOBODY) as client:
            assert (await answer(client.post(f"/tasks/{task['id']}/cancel", json={})))["state"] == "cancelled"


class TestTheTrail:
    async def test_names_the_person_beside_the_key(self, office: Office, company: Company) -> None:
        """P5: who has assigned the task is wang, and the key has done it."""
        async with office.key(ANYBODY) as client:
            task = await answer(client.post("/tasks", json=BODIES["POST", "/tasks"]), 201)
            await answer(client.post(f"/tasks/{task['id']}/accept", json={"person": "chen"}))
            rows = (await answer(client.get("/audit", params={"object_kind": "task"})))["items"]
        acts = {row["action"]: (row["actor"], row["recorded_by"], row["on_behalf_of"]) for row in rows}
        key = acts["task.assigned"][0]
        assert key.startswith("api_key:")
        assert acts["task.assigned"] == (key, None, f"person:{company.li.id}")
        assert acts["task.accepted"] == (f"person:{company.chen.id}", key, None)


# ---------------------------------------------------------------- keys


class TestKeys:
    async def test_a_new_one_acts_for_nobody(self, desk: Desk) -> None:
        made = (await desk.make_key()).json()
        assert (made["act_as"], made["act_as_departments"]) == ("nobody", [])

    async def test_the_bootstrap_key_for_anybody(self, desk: Desk) -> None:
        (row,) = (await desk.http.get("/api-keys")).json()["items"]
        assert row["act_as"] == "anybody"

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            ({"act_as": "anybody"}, 201),
            ({"act_as": "departments"}, 400),
            ({"act_as": "departments", "act_as_departments": [4711]}, 400),
            ({"act_as": "nobody", "act_as_departments": [1]}, 400),
            ({"act_as": "everybody"}, 422),
        ],
    )
    async def test_departments_are_named_where_they_are_meant(
        self, desk: Desk, said: dict[str, Any], status: int
    ) -> None:
        told = await desk.http.post("/api-keys", json={"name": "报表", "scopes": ["org:read"], **said})
        assert told.status_code == status, told.text

    async def test_for_whom_it_acts_can_be_said_anew_and_is_in_the_trail(self, desk: Desk) -> None:
        made = (await desk.make_key()).json()
        for _ in range(2):
            told = await desk.http.patch(f"/api-keys/{made['id']}", json={"act_as": "anybody"})
            assert told.json()["act_as"] == "anybody"
        rows = (await desk.http.get("/audit", params={"object_id": made["id"]})).json()["items"]
        assert [row["action"] for row in rows] == ["api_key.changed", "api_key.created"]

    async def test_an_upgrade_lets_each_key_of_before_act_for_anybody(self, desk: Desk, database: str) -> None:
        made = (await desk.make_key(scopes=("tasks:write", "tasks:act"))).json()
        await asyncio.to_thread(command.downgrade, migration_config(database), "0021_class_of_rungs")
        await asyncio.to_thread(migrate, database)
        async with transaction(desk.sessions) as session:
            row = (await session.scalars(select(ApiKey).where(col(ApiKey.id) == UUID(made["id"])))).one()
        assert (row.act_as, row.scopes) == (ActAs.ANYBODY, ["tasks:write", "tasks:act"])
