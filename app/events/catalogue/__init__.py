"""Every event there is. A new one is a class here: a type, one sentence, and the ids that a reader needs.

`events_by_type()` finds a class by its type; the interface description shows each with an example.
"""

from __future__ import annotations

from functools import cache

from app.events.catalogue import access, groups, operations, people, requests, work
from app.events.catalogue.access import *  # noqa: F403 -- one catalogue
from app.events.catalogue.groups import *  # noqa: F403
from app.events.catalogue.operations import *  # noqa: F403
from app.events.catalogue.people import *  # noqa: F403
from app.events.catalogue.requests import *  # noqa: F403
from app.events.catalogue.work import *  # noqa: F403
from app.events.event import Event, by_type


@cache
def events_by_type() -> dict[str, type[Event]]:
    """Type → class. Raises `DuplicateName` for a type that two classes claim."""
    found = (
        getattr(part, name) for part in (people, requests, groups, work, operations, access) for name in part.__all__
    )
    return by_type(one for one in found if issubclass(one, Event) and "type" in one.__dict__)
