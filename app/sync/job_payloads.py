"""What the jobs about the organisation carry."""

from __future__ import annotations

from app.jobs.job import Job, Payload
from models.ids import PersonId


class HintPayload(Payload):
    """`callbacks`: the received events that asked to look again, and are told when nothing was there."""

    callbacks: tuple[int, ...] = ()


class PersonPayload(HintPayload):
    """A person whom a callback named. `new_userid`: the callback says that the userid was changed to it."""

    userid: str
    new_userid: str | None = None
    deleted: bool = False


class DepartmentPayload(HintPayload):
    """A department that a callback named."""

    department_id: int
    deleted: bool = False


class TagPayload(HintPayload):
    """A tag that a callback named."""

    tag_id: int


REFRESH_PERSON = Job("org.refresh_person", PersonPayload)
REFRESH_DEPARTMENT = Job("org.refresh_department", DepartmentPayload)
REFRESH_TAG = Job("org.refresh_tag", TagPayload)


class DeparturePayload(Payload):
    """Somebody left the company or was disabled."""

    person_id: PersonId
    why: str = "left"
    """The status that the person has now: `left` or `disabled`."""


PERSON_DEPARTED = Job("org.person_departed", DeparturePayload)
"""Queued by the release before the event feed; `app.departures` carries it out."""
