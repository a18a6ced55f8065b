"""What callers send is of the types that the description names, or refused with 422."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, ValidationError

from app.bootstrap import REGISTRY
from app.web.schemas import AsText, Input, Moment

ID = "01a1fa05-ffd1-7117-b1d9-d592fb457143"


class Colour(StrEnum):
    RED = "red"


class Part(Input):
    share: int


class Body(Input):
    count: int = 0
    ratio: float = 0.0
    is_urgent: bool = False
    title: str = ""
    id: AsText[UUID] | None = None
    due_at: Moment | None = None
    colour: AsText[Colour] | None = None
    parts: list[Part] = Field([])


def routes() -> list[APIRoute]:
    return [route for router in REGISTRY.routers for route in router.routes if isinstance(route, APIRoute)]


def queries_of(dependant: Dependant) -> list[Any]:
    return [*dependant.query_params, *(field for each in dependant.dependencies for field in queries_of(each))]


def yes_or_no() -> list[tuple[str, Any]]:
    found = [
        (route.path, field)
        for route in routes()
        for field in queries_of(route.dependant)
        if field.field_info.annotation is bool or bool in mentioned(field.field_info.annotation)
    ]
    assert len(found) > 2
    return found


def mentioned(annotation: Any) -> set[Any]:
    """Every type inside `Annotated[bool, …] | None` and the like."""
    inside = (getattr(annotation, "__origin__", None), *getattr(annotation, "__args__", ()))
    return {annotation} | {kind for each in inside if each is not None for kind in mentioned(each)}


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """The models of a body, and those inside them."""
    found = {kind for kind in mentioned(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)}
    return found | {
        model for each in found for field in each.model_fields.values() for model in models_in(field.annotation)
    }


class TestBodies:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("count", "5"), ("count", 1.0), ("count", True), ("ratio", "1.5"), ("is_urgent", 1), ("is_urgent", "true"),
            ("title", 5), ("title", None), ("id", 5), ("due_at", "1772445600"), ("due_at", 1772445600),
            ("colour", 1), ("parts", {}),
            ("parts", [{"share": "1"}]),
        ],
    )  # fmt: skip
    def test_another_type_is_refused_at_its_place(self, field: str, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            Body.model_validate({field: value})
        assert {fault["loc"][0] for fault in refused.value.errors()} == {field}

    def test_what_json_writes_as_text_is_read(self) -> None:
        read = Body.model_validate(
            {"id": ID, "due_at": "2026-03-02T18:00:00+08:00", "colour": "red", "ratio": 1, "parts": [{"share": 2}]}
        )
        assert read.id == UUID(ID)
        assert read.due_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
        assert (read.colour, read.ratio, read.parts[0].share) == (Colour.RED, 1.0, 2)

    def test_our_own_code_hands_over_values(self) -> None:
        moment = datetime(2026, 3, 2, 10, tzinfo=UTC)
        assert Body(id=UUID(ID), due_at=moment).due_at == moment

    def test_every_body_of_the_interface_is_read_so(self) -> None:
        bodies = {
            model
            for route in routes()
            if route.body_field is not None
            for model in models_in(route.body_field.field_info.annotation)
        }
        assert len(bodies) > 15
        assert {model.__name__ for model in bodies if not issubclass(model, Input)} == set()


class TestQueries:
    @pytest.mark.parametrize("value", ["yes", "1", "on", "True"])
    def test_what_only_looks_like_a_yes_is_refused(self, value: str) -> None:
        accepted = [
            (path, field.alias) for path, field in yes_or_no() if not field.validate(value, {}, loc=("query",))[1]
        ]
        assert accepted == []

    @pytest.mark.parametrize(("value", "read"), [("true", True), ("false", False)])
    def test_what_is_described_is_read(self, value: str, read: bool) -> None:
        assert {field.validate(value, {}, loc=("query",))[0] for _, field in yes_or_no()} == {read}
