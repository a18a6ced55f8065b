"""D23: events carry ids and versions, no personal details; each type is documented with an example."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.bootstrap import build
from app.events.event import Event, by_type
from app.events.service import catalogue, events_by_type
from app.main import create_app
from app.manifest import DuplicateName
from models.audit import ObjectKind
from tests.architecture.source import ROOT, modules
from tests.fakes.environment import test_settings

PERSONAL = re.compile(r"(^|_)(name|userid|mobile|phone|email|title|text|note|body|comment|reason|words|detail)s?($|_)")
DOCUMENT: dict[str, Any] = create_app(build(test_settings(), "postgresql://nowhere/nothing")).openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]

EVERY_EVENT = [pytest.param(event, id=name) for name, event in events_by_type().items()]


@pytest.mark.parametrize("event", EVERY_EVENT)
class TestEveryEvent:
    def test_its_type_is_a_noun_and_what_happened_to_it(self, event: type[Event]) -> None:
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event.type)

    def test_its_example_validates_and_says_everything(self, event: type[Event]) -> None:
        example = event.example()
        assert event.model_validate(example).model_dump(mode="json") == example
        assert set(example) == set(event.model_fields)
        assert None not in example.values()

    def test_it_says_what_it_is_about(self, event: type[Event]) -> None:
        about = event.model_validate(event.example()).about
        assert isinstance(about.kind, ObjectKind)
        assert about.key == event.example()[event.about_field].__str__()

    def test_it_carries_nothing_personal(self, event: type[Event]) -> None:
        assert [name for name in event.model_fields if PERSONAL.search(name)] == []

    def test_it_is_explained_in_a_sentence_of_its_own(self, event: type[Event]) -> None:
        sentence = event.__dict__.get("__doc__") or ""
        assert re.fullmatch(r"[A-Z].+\.", sentence, re.DOTALL)

    def test_the_interface_description_shows_it(self, event: type[Event]) -> None:
        items = SCHEMAS["FeedOut"]["properties"]["items"]["items"]
        reference = items["discriminator"]["mapping"][event.type]
        assert {"$ref": reference} in items["oneOf"]
        shown = SCHEMAS[reference.rsplit("/", 1)[1]]
        assert shown["properties"]["type"]["const"] == event.type
        data = SCHEMAS[shown["properties"]["data"]["$ref"].rsplit("/", 1)[1]]
        assert data["examples"] == [event.example()]
        assert set(data["properties"]) == set(event.model_fields)


class TestTypes:
    def test_a_type_given_twice_fails(self) -> None:
        class Approved(Event):
            """Another one."""

            type = "request.approved"

        with pytest.raises(DuplicateName, match=r"request\.approved.*RequestApproved.*Approved"):
            by_type([catalogue.RequestApproved, Approved])

    def test_no_schema_of_the_catalogue_takes_the_name_of_another(self) -> None:
        named = [event.__name__ for event in events_by_type().values()]
        assert len(set(named)) == len(named)
        plain = {route["operationId"] for item in DOCUMENT["paths"].values() for route in item.values()}
        assert "read_events_api_v1_events_get" in plain

    def test_only_publish_writes_the_trail(self) -> None:
        """Whatever stands in the trail is an event of the catalogue: nobody decides and tells only one of the two."""
        writers = {
            path.as_posix()
            for path in modules("app", "callbacks")
            if re.search(r"audit\.service import .*\brecord(_many)?\b", (ROOT / path).read_text(encoding="utf-8"))
        }
        assert writers == {"app/events/publish.py"}

    def test_what_an_earlier_version_has_stored_is_still_read(self) -> None:
        stored = catalogue.RequestApproved.example() | {"gone_since": 1}
        assert catalogue.RequestApproved.model_validate(stored).number == 12
