"""What each kind of request wants to be told, in the interface description: out of the registry of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from app.approvals.kinds import Kinds, RequestKind

PATH = "/api/v1/requests"
_REF = "#/components/schemas/"


def document_kinds(app: FastAPI, kinds: Kinds) -> None:
    """Describe the payload of `POST /requests` for every kind: its schema, and an example to begin with."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _describe(plain(), kinds)
        assert app.openapi_schema is not None  # `plain` has set it
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the description


def _describe(document: dict[str, Any], kinds: Kinds) -> None:
    schemas = document["components"]["schemas"]
    for kind in kinds.values():
        schema = kind.payload.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas |= schema.pop("$defs", {})
        schemas[kind.payload.__name__] = schema
    asked = schemas["NewRequest"]["properties"]
    asked["kind"]["enum"] = list(kinds)
    asked["payload"] = {
        "description": "What the kind asks for: "
        + ", ".join(f"`{kind.name}`: {kind.payload.__name__}" for kind in kinds.values()),
        "anyOf": [{"$ref": f"{_REF}{kind.payload.__name__}"} for kind in kinds.values()],
    }
    body = document["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    body["examples"] = {name: _example(kind, schemas[kind.payload.__name__]) for name, kind in kinds.items()}


def _example(kind: RequestKind[Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    payload = {
        name: field["examples"][0]
        for name, field in schema["properties"].items()
        if field.get("examples") and name in schema.get("required", [])
    }
    value = {"kind": kind.name, "requester": "lijun", "payload": payload, "reason": "工作需要"}
    return {"summary": (schema.get("description") or kind.name).partition("\n")[0], "value": value}
