"""F92: the interface description is complete. Routers come from the domains' manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.bootstrap import REGISTRY
from app.main import create_app
from app.web.idempotency import WRITES, IdempotentRoute
from tests.architecture.source import DOMAINS

DESCRIPTION: dict[str, Any] = create_app(SimpleNamespace(registry=REGISTRY)).openapi()  # type: ignore[arg-type]  # nothing is asked of it

FILE = {"type": "string", "format": "binary"}

OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, item in DESCRIPTION["paths"].items()
    if path.startswith("/api/v1/")
    for method, operation in item.items()
]


def routes(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route, through routers inside of routers."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
            elif (inner := getattr(route, "original_router", None)) is not None:
                yield from routes([inner])


def methods_of(route: APIRoute) -> set[str]:
    return route.methods or set()


def test_no_two_operations_share_a_name() -> None:
    names = Counter(operation["operationId"] for item in DESCRIPTION["paths"].values() for operation in item.values())
    assert [name for name, count in names.items() if count > 1] == []


def test_every_domain_is_reachable() -> None:
    modules = {route.endpoint.__module__.split(".")[1] for route in routes(REGISTRY.routers)}
    assert set(DOMAINS) <= modules


def test_every_write_may_be_repeated_under_an_idempotency_key() -> None:
    """F94."""
    plain = [
        f"{sorted(methods_of(route))} {route.path}"
        for route in routes(REGISTRY.routers)
        if methods_of(route) & WRITES and not isinstance(route, IdempotentRoute)
    ]
    assert plain == []


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
class TestEveryOperation:
    def test_documents_its_problems(self, path: str, method: str, operation: dict[str, Any]) -> None:
        """F95: who may not call, what is malformed, what does not exist, which cursor is not one."""
        wanted = {"401", "403", "422"}
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        if any(part.endswith("_id}") or part == "{userid}" for part in path.split("/")):
            wanted.add("404")
        if "cursor" in names:
            wanted.add("400")
        assert wanted <= set(operation["responses"])
        for status in set(operation["responses"]) - {"200", "201", "202"}:
            assert "application/problem+json" in operation["responses"][status]["content"], status

    def test_needs_a_key(self, path: str, method: str, operation: dict[str, Any]) -> None:
        assert operation.get("security")

    def test_a_write_names_the_idempotency_key(self, path: str, method: str, operation: dict[str, Any]) -> None:
        named = [parameter["name"] for parameter in operation.get("parameters", [])].count("idempotency-key")
        assert named == (1 if method.upper() in WRITES else 0)

    def test_says_what_it_is(self, path: str, method: str, operation: dict[str, Any]) -> None:
        assert operation["tags"]
        assert operation["summary"]

    def test_answers_with_a_schema(self, path: str, method: str, operation: dict[str, Any]) -> None:
        answers = [response for status, response in operation["responses"].items() if status.startswith("2")]
        assert answers
        kinds = [kind for answer in answers for kind in answer["content"].items()]
        # A file has no schema but that it is one.
        assert all(said["schema"] and ("json" in name) is (said["schema"] != FILE) for name, said in kinds)

    def test_lists_come_in_pages(self, path: str, method: str, operation: dict[str, Any]) -> None:
        """F96: `?cursor=&limit=` → `{"items": […], "next_cursor": …}`."""
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        if "cursor" in names:
            assert "limit" in names
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
            assert set(DESCRIPTION["components"]["schemas"][schema]["properties"]) == {"items", "next_cursor"}
