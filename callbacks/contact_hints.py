"""What an event about people, departments and tags asks to look at again; its contents are never believed (F12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.inbox.rules import Received
from app.sync import service as org
from app.sync.service import DepartmentPayload, Hint, PersonPayload, TagPayload
from callbacks.errors import Refused
from callbacks.events import (
    DepartmentChanged,
    DepartmentDeleted,
    RangeChanged,
    TagChanged,
    UserChanged,
    UserDeleted,
    read_body,
)
from models.ids import EventId

HintOf = Callable[[Any, tuple[EventId, ...]], Hint]
"""The typed event, and the events that the outcome is told to."""


def user_changed(event: UserChanged, told: tuple[EventId, ...]) -> Hint:
    return PersonPayload(userid=event.userid, new_userid=event.new_userid or None, deleted=False, callbacks=told)


def user_deleted(event: UserDeleted, told: tuple[EventId, ...]) -> Hint:
    return PersonPayload(userid=event.userid, deleted=True, callbacks=told)


def department_changed(event: DepartmentChanged, told: tuple[EventId, ...]) -> Hint:
    return DepartmentPayload(department_id=event.department_id, deleted=False, callbacks=told)


def department_deleted(event: DepartmentDeleted, told: tuple[EventId, ...]) -> Hint:
    return DepartmentPayload(department_id=event.department_id, deleted=True, callbacks=told)


def tag_changed(event: TagChanged, told: tuple[EventId, ...]) -> Hint:
    return TagPayload(tag_id=event.tag_id, callbacks=told)


def range_changed(event: RangeChanged, told: tuple[EventId, ...]) -> Hint:
    """The person entered the app's visible range or left it, which says nothing about the company."""
    return PersonPayload(userid=event.sender, callbacks=told)


HINTS: Final[dict[str, HintOf]] = {
    "change_contact.create_user": user_changed,
    "change_contact.update_user": user_changed,
    "change_contact.delete_user": user_deleted,
    "change_contact.create_party": department_changed,
    "change_contact.update_party": department_changed,
    "change_contact.delete_party": department_deleted,
    "change_contact.update_tag": tag_changed,
    "subscribe": range_changed,
    "unsubscribe": range_changed,
}


async def look_again(session: AsyncSession, event: Received, typed: Any) -> None:
    await org.look_again(session, [HINTS[event.event_type](typed, (EventId(event.id or 0),))])


async def look_again_at_all(session: AsyncSession, events: Sequence[Received], _now: datetime) -> set[int]:
    """The set-based form (`app.inbox.processor.Absorb`): what waits together about one object is one refetch.

    What cannot be read is left to be handled alone, which says why.
    """
    hints: dict[int, Hint] = {}
    traces = {event.id or 0: event.correlation_id for event in events}
    for event in events:
        try:
            typed = read_body(event.body or b"")
            hints[event.id or 0] = HINTS[event.event_type](typed, (EventId(event.id or 0),))
        except (Refused, ValidationError):
            continue
    await org.look_again(session, list(hints.values()), traces)
    return set(hints)
