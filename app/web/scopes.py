"""What an API key may do: `<resource>:read` and `<resource>:write`."""

from __future__ import annotations

RESOURCES = (
    "org",
    "groups",
    "requests",
    "announcements",
    "tasks",
    "callbacks",
    "deliveries",
    "events",
    "quota",
    "policy",
    "audit",
    "admin",
)

SCOPES = tuple(f"{resource}:{verb}" for resource in RESOURCES for verb in ("read", "write"))

EVERYTHING = "*"
"""The scope of the bootstrap key."""


def allows(granted: list[str], wanted: str) -> bool:
    """Write includes read."""
    resource, _, verb = wanted.partition(":")
    return EVERYTHING in granted or wanted in granted or (verb == "read" and f"{resource}:write" in granted)
