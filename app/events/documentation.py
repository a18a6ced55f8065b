"""What each type of event carries, in the interface description: out of the catalogue."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.events.catalogue import events_by_type
from app.events.event import Event

_REF = "#/components/schemas/"


def document_events(app: FastAPI) -> None:
    """Describe the items of `GET /events` by their type, each with its sentence and an example."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _describe(plain()["components"]["schemas"])
        if app.openapi_schema is None:
            raise RuntimeError("FastAPI keeps the description that it has made")
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the description


def _describe(schemas: dict[str, Any]) -> None:
    names = {name: f"{event.__name__}Event" for name, event in events_by_type().items()}
    for name, event in events_by_type().items():
        data = event.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas |= data.pop("$defs", {})
        schemas[event.__name__] = data | {"examples": [event.example()]}
        schemas[names[name]] = _one_of_type(name, event)
    schemas["FeedOut"]["properties"]["items"]["items"] = {
        "oneOf": [{"$ref": f"{_REF}{schema}"} for schema in names.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {name: f"{_REF}{schema}" for name, schema in names.items()},
        },
    }


def _one_of_type(name: str, event: type[Event]) -> dict[str, Any]:
    return {
        "title": name,
        "description": event.__doc__,
        "allOf": [{"$ref": f"{_REF}EventOut"}],
        "type": "object",
        "properties": {
            "type": {"const": name},
            "data": {"$ref": f"{_REF}{event.__name__}"},
        },
        "required": ["type", "data"],
    }
