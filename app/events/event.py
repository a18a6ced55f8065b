"""What every event is: a type, what it is about, and a few ids, numbers and keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.audit.why import About
from app.manifest import DuplicateName
from models.audit import ObjectKind

_ID = UUID("019a0000-0000-7000-8000-000000000001")


def _example(value: Any, description: str | None = None) -> Any:
    return Field(examples=[value], description=description)


RequestRef = Annotated[UUID, _example(_ID, "`GET /requests/{id}`")]
GroupRef = Annotated[UUID, _example(_ID, "`GET /groups/{id}`")]
FindingRef = Annotated[UUID, _example(_ID, "One of `GET /groups/{id}/findings`")]
PersonRef = Annotated[UUID, _example(_ID, "Our id of a person, which stays the same whatever their userid is")]
AnnouncementRef = Annotated[UUID, _example(_ID, "`GET /announcements/{id}`")]
TaskRef = Annotated[UUID, _example(_ID, "`GET /tasks/{id}`")]
CallRef = Annotated[UUID, _example(_ID, "One of `GET /deliveries/calls`")]
DeliveryRef = Annotated[int, _example(4711, "`GET /deliveries/{id}`")]
CallbackRef = Annotated[int, _example(4711, "`GET /callbacks/{id}`")]
SessionRef = Annotated[UUID, _example(_ID, "Somebody's sign-in with one browser")]
GrantRef = Annotated[UUID, _example(_ID, "A bundle of permissions that somebody was given")]
ConfirmationRef = Annotated[UUID, _example(_ID, "`GET /confirmations/{id}`")]
KeyRef = Annotated[UUID, _example(_ID, "One of `GET /api-keys`")]
ListRef = Annotated[str, _example("people", "A list as a whole")]
VersionRef = Annotated[UUID, _example(_ID, "One of `GET /policy/versions`")]
SyncRunRef = Annotated[UUID, _example(_ID, "`GET /sync-runs/{id}`")]


class Event(BaseModel):
    """The base of the catalogue. Ids, versions and numbers only: no names, texts, userids (D23).

    A type that is stored is read again after an upgrade: a new field needs a default, one that is gone is ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    """`noun.verb` in the past, which is also the action of the audit row."""
    about_kind: ClassVar[ObjectKind]
    about_field: ClassVar[str]
    """The field with the id of what the event is about."""

    @property
    def about(self) -> About:
        """What the event is about."""
        return About(self.about_kind, getattr(self, self.about_field))

    @property
    def about_id(self) -> str:
        """Its id, as it is stored."""
        return str(getattr(self, self.about_field))

    @classmethod
    def example(cls) -> dict[str, Any]:
        """The data of such an event, as the interface description shows it."""
        values = {name: field.examples[0] for name, field in cls.model_fields.items() if field.examples}
        return cls.model_validate(values).model_dump(mode="json")


def by_type(events: Iterable[type[Event]]) -> dict[str, type[Event]]:
    """Type → class. Raises `DuplicateName` for a type that two classes claim."""
    found: dict[str, type[Event]] = {}
    for event in events:
        if event.type in found:
            raise DuplicateName(f"event {event.type!r} is {found[event.type].__name__} and {event.__name__}")
        found[event.type] = event
    return found
