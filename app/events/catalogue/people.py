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
    """A person decided about the losses that a sync holds back."""

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


class SyncRunReleased(SyncRunEvent):
    """The losses that a sync held back were applied."""

    type = "sync_run.released"


class SyncRunRejected(SyncRunEvent):
    """The losses that a sync held back were not believed."""

    type = "sync_run.rejected"


__all__ = [
    "DepartureReason",
    "PersonDeparted",
    "SyncRunRejected",
    "SyncRunReleased",
    "UseridLinked",
    "UseridSeparated",
]
