"""Identifiers are types: our ids and the platform's ids never meet in a bare `str`."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from uuid_utils.compat import uuid7

PersonId = NewType("PersonId", UUID)
RequestId = NewType("RequestId", UUID)
StepId = NewType("StepId", UUID)
GroupId = NewType("GroupId", UUID)
AnnouncementId = NewType("AnnouncementId", UUID)
TaskId = NewType("TaskId", UUID)
MessageId = NewType("MessageId", UUID)
CallId = NewType("CallId", UUID)
PolicyVersionId = NewType("PolicyVersionId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
SyncRunId = NewType("SyncRunId", UUID)
FindingId = NewType("FindingId", UUID)

EventId = NewType("EventId", int)
DepartmentId = NewType("DepartmentId", int)
"""The platform's department id: up to 64 bits (2315041299 exists), 1 is the root. It is ours too; nothing else names a
department.
"""

WecomUserId = NewType("WecomUserId", str)
"""A userid folded for comparison (`models.ids.fold`): the platform ignores case in them."""

AppId = NewType("AppId", str)
"""Which of the corp's credentials: `app` (the self-built app) or `contacts` (通讯录同步)."""

LARGEST_NUMBER = 2**63 - 1
"""What a column holds of a number of the platform. One that is larger is no number of the platform."""

APP = AppId("app")
CONTACTS = AppId("contacts")


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by the time it was made."""
    return uuid7()


def fold(userid: str) -> WecomUserId:
    """The comparison form of a userid.

    The platform compares userids without regard to case and returns invalid ones lower-cased
    (callbacks §3.4). Userids are ASCII, so `lower` is the whole story. Folding is done
    here and never by the database, whose collation may disagree.
    """
    return WecomUserId(userid.strip().lower())
