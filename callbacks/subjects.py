"""One table: event → what it is about. One subject is handled by one worker at a time (D2)."""

from __future__ import annotations

import hashlib
from typing import Final
from xml.etree.ElementTree import Element

from callbacks.envelope import Header, find_text
from models.ids import fold

_LIMIT: Final = 200  # what an index entry holds with ease; ids of the platform are shorter
_FOLDED: Final = frozenset({"user"})

# event type, or its part before the dot → (prefix, where the id stands)
SUBJECTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "change_contact.create_user": ("user", ("UserID",)),
    "change_contact.update_user": ("user", ("UserID",)),
    "change_contact.delete_user": ("user", ("UserID",)),
    "change_contact.create_party": ("party", ("Id",)),
    "change_contact.update_party": ("party", ("Id",)),
    "change_contact.delete_party": ("party", ("Id",)),
    "change_contact.update_tag": ("tag", ("TagId",)),
    "sys_approval_change": ("sp", ("ApprovalInfo/SpNoStr", "ApprovalInfo/SpNo")),
    "open_approval_change": ("sp", ("ApprovalInfo/ThirdNo",)),
    "change_external_contact": ("user", ("UserID",)),
    "change_external_chat": ("chat", ("ChatId",)),
    "change_external_tag": ("tag", ("Id",)),
    "batch_job_result": ("job", ("BatchJob/JobId",)),
    "upload_media_job_finish": ("job", ("JobId",)),
    "respond_schedule": ("schedule", ("ScheduleId",)),
    "modify_schedule": ("schedule", ("ScheduleId",)),
    "delete_schedule": ("schedule", ("ScheduleId",)),
    "modify_calendar": ("calendar", ("CalId",)),
    "delete_calendar": ("calendar", ("CalId",)),
}

CARD_EVENTS: Final = frozenset({"template_card_event", "template_card_menu_event", "taskcard_click"})


def subject_of(root: Element, header: Header) -> str:
    """`user:`, `party:`, `tag:`, `sp:`, `chat:` + id, `card:{TaskId}:{userid}`; the sender where nothing is named."""
    subject = _card(root, header) or _named(root, header) or _sender(header)
    if len(subject) <= _LIMIT:
        return subject
    prefix, _, identifier = subject.partition(":")
    return f"{prefix}:sha256-{hashlib.sha256(identifier.encode()).hexdigest()}"


def _card(root: Element, header: Header) -> str:
    if header.event_type not in CARD_EVENTS:
        return ""
    return f"card:{find_text(root, 'TaskId')}:{fold(header.sender)}"


def _named(root: Element, header: Header) -> str:
    event = header.event_type.partition(".")[0]
    prefix, paths = SUBJECTS.get(header.event_type) or SUBJECTS.get(event) or ("", ())
    identifier = find_text(root, *paths)
    if not identifier:
        return ""
    return f"{prefix}:{fold(identifier) if prefix in _FOLDED else identifier}"


def _sender(header: Header) -> str:
    if header.sender and header.sender != "sys":
        return f"user:{fold(header.sender)}"
    return f"event:{header.event_type}"
