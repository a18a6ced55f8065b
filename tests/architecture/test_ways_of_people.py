"""Whatever REST can do and a person should do, a person can do on a page: each act and each list names the way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest

from app.bootstrap import REGISTRY
from app.console.router import router as console
from app.h5.router import router as h5
from app.main import create_app
from app.sign_in.router import router as sign_in
from tests.architecture.test_interface import methods_of, routes

DESCRIPTION: dict[str, Any] = create_app(SimpleNamespace(registry=REGISTRY)).openapi()  # type: ignore[arg-type]  # nothing is asked of it
API: Final = "/api/v1"

PAGES: Final[dict[str, str]] = {
    # who may
    "GET /api-keys": "GET /console/keys",
    "POST /api-keys": "POST /console/keys/new",
    "PATCH /api-keys/{key_id}": "POST /console/keys/{key_id}/whom",
    "DELETE /api-keys/{key_id}": "POST /console/keys/{key_id}/end",
    "GET /api-keys/{key_id}/usage": "GET /console/keys/{key_id}",
    "GET /api-keys/{key_id}/requests": "GET /console/keys/{key_id}/requests",
    "POST /confirmations/{confirmation_id}/confirm": "POST /me/confirmations/{confirmation_id}/{word}",
    "POST /confirmations/{confirmation_id}/refuse": "POST /me/confirmations/{confirmation_id}/{word}",
    "POST /confirmations/{confirmation_id}/withdraw": "POST /me/confirmations/{confirmation_id}/{word}",
    "GET /confirmations": "GET /me/confirmations",
    "GET /access/grants": "GET /console/access",
    "POST /access/grants": "POST /console/access",
    "POST /access/grants/{grant_id}/revoke": "POST /console/access/{grant_id}/revoke",
    # people
    "GET /members": "GET /console/people",
    "GET /members/{userid}/changes": "GET /console/people/{person_id}/changes",
    "GET /members/{userid}/sessions": "GET /console/people/{person_id}",
    "DELETE /members/{userid}/sessions": "POST /console/people/{person_id}/sessions/end",
    "GET /members/{userid}/groups": "GET /console/people/{person_id}",
    "GET /members/{userid}/directory": "GET /me/groups",
    "GET /members/{userid}/waiting": "GET /me",
    "POST /members/{userid}/review": "POST /console/people/returned",
    "GET /returned-members": "GET /console/people/returned",
    "POST /returned-members/link": "POST /console/people/returned",
    "GET /departments": "GET /console/departments",
    "GET /departments/tree": "GET /console/departments",
    # groups
    "GET /policy/roles": "GET /console/policy/roles",
    "GET /groups": "GET /console/groups",
    "PATCH /groups/{group_id}": "POST /console/groups/{group_id}/administration/{role}",
    "GET /groups/{group_id}/members": "GET /console/groups/{group_id}",
    "POST /groups/{group_id}/members": "POST /console/groups/{group_id}/members/{change}",
    "DELETE /groups/{group_id}/members/{userid}": "POST /console/groups/{group_id}/members/{change}",
    "GET /groups/findings": "GET /console/groups/findings",
    "GET /groups/{group_id}/findings": "GET /console/groups/{group_id}",
    "POST /groups/{group_id}/findings/{finding_id}/resolve": (
        "POST /console/groups/{group_id}/findings/{finding_id}/resolve"
    ),
    "POST /groups/reconcile": "POST /console/groups/reconcile",
    "POST /groups/{group_id}/reconcile": "POST /console/groups/{group_id}/reconcile",
    # requests
    "GET /requests": "GET /console/requests",
    "GET /requests/{request_id}/timeline": "GET /me/requests/{request_id}",
    "GET /requests/{request_id}/ahead": "GET /me/requests/{request_id}",
    "GET /requests/{request_id}/acts": "GET /me/requests/{request_id}",
    "POST /requests": "POST /me/apply/{kind}",
    "POST /requests/preview": "POST /me/apply/{kind}",
    "POST /requests/{request_id}/decisions": "POST /me/requests/{request_id}/decide",
    "POST /requests/{request_id}/objections": "POST /me/requests/{request_id}/object",
    "POST /requests/{request_id}/withdraw": "POST /me/requests/{request_id}/withdraw",
    "POST /requests/{request_id}/retry": "POST /console/requests/{request_id}/retry",
    # announcements
    "GET /announcements": "GET /console/announcements",
    "POST /announcements": "POST /console/announcements/new",
    "GET /announcements/{announcement_id}/receipts": "GET /console/announcements/{announcement_id}",
    "POST /announcements/{announcement_id}/receipts": "POST /me/announcements/{announcement_id}/confirm",
    # tasks
    "GET /tasks": "GET /console/tasks",
    "POST /tasks": "POST /console/tasks/new",
    "POST /tasks/{task_id}/cancel": "POST /console/tasks/{task_id}/cancel",
    "POST /tasks/{task_id}/accept": "POST /me/tasks/{task_id}/{word}",
    "POST /tasks/{task_id}/progress": "POST /me/tasks/{task_id}/{word}",
    "POST /tasks/{task_id}/blocked": "POST /me/tasks/{task_id}/{word}",
    "POST /tasks/{task_id}/done": "POST /me/tasks/{task_id}/{word}",
    # rules
    "POST /policy/versions": "POST /console/policy/new",
    "POST /policy/check": "POST /console/policy/new",
    "GET /policy/clauses": "GET /console/policy",
    "GET /policy/versions": "GET /console/policy/versions",
    "GET /policy/versions/{number}/clauses": "GET /console/policy/versions/{number}",
    "GET /policy/versions/{number}/changes": "GET /console/policy/versions/{number}/changes",
    "GET /calendar": "GET /console/calendar",
    "PUT /calendar/{day}": "POST /console/calendar/{day}",
    # what goes out and comes in
    "GET /deliveries": "GET /console/deliveries",
    "GET /deliveries/calls": "GET /console/calls",
    "POST /deliveries/calls/{call_id}/resolve": "POST /console/calls/{call_id}/resolve/{resolution}",
    "POST /deliveries/calls/{call_id}/retry": "POST /console/calls/{call_id}/retry",
    "POST /deliveries/retry": "POST /console/deliveries/retry",
    "POST /deliveries/{delivery_id}/retry": "POST /console/deliveries/{delivery_id}/retry",
    "GET /callbacks": "GET /console/callbacks",
    "GET /callbacks/gaps": "GET /console/callbacks",
    "GET /callbacks/refusals": "GET /console/callbacks",
    "POST /callbacks/{event_id}/replay": "POST /console/callbacks/{event_id}/replay",
    "GET /sync-runs": "GET /console/sync",
    "POST /sync-runs": "POST /console/sync",
    "GET /sync-runs/{run_id}/changes": "GET /console/sync/{run_id}",
    "POST /sync-runs/{run_id}/release": "POST /console/sync/{run_id}/release",
    "POST /sync-runs/{run_id}/reject": "POST /console/sync/{run_id}/reject",
    "GET /quota": "GET /console/quota",
    "PATCH /quota/{key}": "POST /console/quota/{key}",
    "POST /quota/unblock": "POST /console/quota/unblock",
    # what was done
    "GET /audit": "GET /console/audit",
    "GET /timeline": "GET /console/audit",
}
"""REST → the page on which a person does or reads the same."""

FOR_PROGRAMS: Final[dict[str, str]] = {
    "POST /confirmations": "a page asks by itself where the policy wants two people",
    "GET /events": "a feed that programs follow; people have lists, the timeline and the audit trail",
}
"""What a person should not do, and why."""

NOT_YET: Final[dict[str, str]] = {}
"""What a person should do and cannot. Nothing is added here: a page is."""


def operations() -> list[str]:
    """Every act, and every list."""
    found = []
    for path, ways in DESCRIPTION["paths"].items():
        for method, operation in ways.items():
            if path.startswith(API) and (method != "get" or is_list(operation)):
                found.append(f"{method.upper()} {path.removeprefix(API)}")
    return found


def is_list(operation: dict[str, Any]) -> bool:
    answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    name = answer.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return "items" in DESCRIPTION["components"]["schemas"].get(name, {}).get("properties", {})


def page_routes() -> set[str]:
    return {f"{method} {route.path}" for route in routes([console, h5, sign_in]) for method in methods_of(route)}


@pytest.mark.parametrize("operation", operations())
def test_each_names_its_page_or_why_there_is_none(operation: str) -> None:
    said = [operation in known for known in (PAGES, FOR_PROGRAMS, NOT_YET)]
    assert sum(said) == 1, f"{operation}: say on which page a person does it, or why a person should not"


@pytest.mark.parametrize("operation", PAGES)
def test_the_page_is_there(operation: str) -> None:
    assert PAGES[operation] in page_routes()


def test_nothing_is_named_that_is_no_operation() -> None:
    assert {*PAGES, *FOR_PROGRAMS, *NOT_YET} - set(operations()) == set()


def test_nothing_lacks() -> None:
    assert NOT_YET == {}
