"""Tables and the enums stored in them; no behaviour. Importing this package completes the metadata."""

from models import (
    access,
    announcements,
    api_requests,
    approvals,
    audit,
    confirmations,
    delivery,
    events,
    groups,
    inbox,
    installation,
    intake,
    ladders,
    limits,
    org,
    policy,
    tasks,
)
from models.base import metadata

__all__ = [
    "access",
    "announcements",
    "api_requests",
    "approvals",
    "audit",
    "confirmations",
    "delivery",
    "events",
    "groups",
    "inbox",
    "installation",
    "intake",
    "ladders",
    "limits",
    "metadata",
    "org",
    "policy",
    "tasks",
]
