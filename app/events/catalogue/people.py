"""What happens to the people of the organisation, and to the syncs that tell of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.events.event import Event, PersonRef, SyncRunRef
from models.audit import ObjectKind


class DepartureReason(StrEnum):
    """Why a person is treated as gone."""

    LEFT = "left"
    DISABLED = "disabled"


class PersonEvent(Event):
    """Something that happened to a person."""

    about_kind = ObjectKind.PERSON
    about_field = "person_id"

    person_id: PersonRef


class SyncRunEvent(Event):
    """Something that happened in a sync, or that a person decided about one."""

    about_kind = ObjectKind.SYNC_RUN
    about_field = "sync_run_id"

    sync_run_id: SyncRunRef


class PersonDeparted(PersonEvent):
    """A person left the company, or their account was disabled."""

    type = "person.departed"

    why: Annotated[DepartureReason, Field(examples=["left"])]


class UseridLinked(PersonEvent):
    """An account was found to belong to a former colleague, who has their history back."""

    type = "userid.linked"


class UseridSeparated(PersonEvent):
    """An account was found to belong to a new person."""

    type = "userid.separated"


class PeopleReadAgain(SyncRunEvent):
    """A sync has read people or departments again that earlier ones had left out."""

    type = "sync_run.read_again"

    people: Annotated[int, Field(0, examples=[10])]
    departments: Annotated[int, Field(0, examples=[1])]


class SyncRunReleased(SyncRunEvent):
    """The losses that a sync held back were applied."""

    type = "sync_run.released"


class SyncRunRejected(SyncRunEvent):
    """The losses that a sync held back were not believed."""

    type = "sync_run.rejected"


__all__ = [
    "DepartureReason",
    "PeopleReadAgain",
    "PersonDeparted",
    "SyncRunRejected",
    "SyncRunReleased",
    "UseridLinked",
    "UseridSeparated",
]
