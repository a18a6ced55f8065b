"""What callers send is of the types that the description names, or refused with 422."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, ValidationError

from app.bootstrap import REGISTRY
from app.web.schemas import AsText, Day, Input, Moment
from tests.architecture.test_interface import routes as routes_of

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
    day: Day | None = None
    colour: AsText[Colour] | None = None
    parts: list[Part] = Field([])


def routes() -> list[APIRoute]:
    return list(routes_of(REGISTRY.routers))


def queries_of(dependant: Dependant) -> list[Any]:
    return [*dependant.query_params, *(field for each in dependant.dependencies for field in queries_of(each))]


def read(field: Any, text: str) -> Any:
    """What a query or a path makes of a text; None where it refuses it."""
    value, faults = field.validate(text, {}, loc=("query",))
    return None if faults else value


def parameters(written: str, kind: type) -> list[tuple[str, Any]]:
    """Of every route, those of its queries and of its path that read this text as a value of this kind."""
    return [
        (f"{route.path} {field.alias}", field)
        for route in routes()
        for field in [*route.dependant.path_params, *queries_of(route.dependant)]
        if type(read(field, written)) is kind
    ]


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
            ("day", 0), ("day", "86400"), ("day", "2026-03-02T00:00:00"),
            ("colour", 1), ("parts", {}),
            ("parts", [{"share": "1"}]),
        ],
    )  # fmt: skip
    def test_another_type_is_refused_at_its_place(self, field: str, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            Body.model_validate({field: value})
        assert {fault["loc"][0] for fault in refused.value.errors()} == {field}

    def test_what_json_writes_as_text_is_read(self) -> None:
        found = Body.model_validate(
            {"id": ID, "due_at": "2026-03-02T18:00:00+08:00", "colour": "red", "ratio": 1, "parts": [{"share": 2}]}
        )
        assert found.id == UUID(ID)
        assert found.due_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
        assert (found.colour, found.ratio, found.parts[0].share) == (Colour.RED, 1.0, 2)

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
        assert [(path, field.alias) for path, field in yes_or_no() if read(field, value) is not None] == []

    @pytest.mark.parametrize(("value", "meant"), [("true", True), ("false", False)])
    def test_what_is_described_is_read(self, value: str, meant: bool) -> None:
        assert {read(field, value) for _, field in yes_or_no()} == {meant}


class TestQueriesAndPaths:
    """A number, a day and a moment have one form each, at every address."""

    @pytest.mark.parametrize("value", ["1_0", "1.0", " 5", "5 ", "5\n", "+5", "05", "5e0", "5.", "\uff15", "", "five"])
    def test_a_number_is_written_in_digits(self, value: str) -> None:
        numbers = parameters("5", int)
        assert {"/departments/{department_id} department_id", "/audit limit", "/events after"} <= dict(numbers).keys()
        assert [name for name, field in numbers if read(field, value) is not None] == []

    @pytest.mark.parametrize(
        "value",
        ["0", "86400", "1772445600", "-1", "2026-3-2", "20260302", "2026-03-02T00:00:00", " 2026-03-02", "2026-02-30"],
    )
    def test_a_day_is_written_as_one(self, value: str) -> None:
        days = parameters("2026-03-02", date)
        assert dict(days).keys() == {"/calendar from", "/calendar to", "/calendar/{day} day"}
        assert [name for name, field in days if read(field, value) is not None] == []

    @pytest.mark.parametrize("value", ["0", "1772445600", "1772445600.5", "2026-03-02", "2026-03-02T09:00:00"])
    def test_a_moment_has_its_time_zone(self, value: str) -> None:
        moments = parameters("2026-03-02T09:00:00+08:00", datetime)
        assert {"/members updated_since", "/departments updated_since", "/tasks updated_since"} <= dict(moments).keys()
        assert [name for name, field in moments if read(field, value) is not None] == []
