"""F92: the interface description says what each kind of request asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.bootstrap import REGISTRY
from app.groups.requests import KINDS
from app.main import create_app

DOCUMENT: dict[str, Any] = create_app(SimpleNamespace(registry=REGISTRY)).openapi()  # type: ignore[arg-type]  # nothing is asked of it
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_the_kinds_are_named() -> None:
    assert SCHEMAS["NewRequest"]["properties"]["kind"]["enum"] == ["create_group", "join", "exit"]


@pytest.mark.parametrize(
    ("payload", "required"),
    [("CreateGroup", ["name", "type", "purpose"]), ("Join", ["group_id"]), ("Exit", ["group_id"])],
)
def test_each_payload_has_its_schema(payload: str, required: list[str]) -> None:
    assert {"$ref": f"#/components/schemas/{payload}"} in SCHEMAS["NewRequest"]["properties"]["payload"]["anyOf"]
    assert SCHEMAS[payload]["required"] == required
    assert SCHEMAS[payload]["description"]


def test_what_the_service_finds_out_is_not_asked_for() -> None:
    said = {"group_id", "person", "name", "title", "contact"}
    assert set(SCHEMAS["Join"]["properties"]) == set(SCHEMAS["Exit"]["properties"]) == said


def test_the_example_of_a_join_says_what_the_default_policy_asks_for() -> None:
    """Policy 2.1."""
    content = DOCUMENT["paths"]["/api/v1/requests"]["post"]["requestBody"]["content"]["application/json"]
    example = content["examples"]["join"]["value"]
    assert {"title", "contact"} <= set(example["payload"])
    assert example["reason"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_each_kind_has_an_example_that_can_be_read(kind: Any) -> None:
    content = DOCUMENT["paths"]["/api/v1/requests"]["post"]["requestBody"]["content"]["application/json"]
    example = content["examples"][kind.name]
    assert example["value"]["kind"] == kind.name
    assert kind.payload.model_validate(example["value"]["payload"])


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, list):
            return set().union(*(references(one) for one in node))
        if not isinstance(node, dict):
            return set()
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(one) for one in node.values()))

    assert {name.rpartition("/")[2] for name in references(DOCUMENT)} <= set(SCHEMAS)
