"""What follows when an operator has changed a limit. The ledger, which lies above, carries it out."""

from __future__ import annotations

from app.jobs.job import Job, Payload


class LimitChanged(Payload):
    """A limit (`key`) was changed, or the block of an endpoint (`path`) was lifted."""

    key: str | None = None
    path: str | None = None


LIMIT_CHANGED = Job("delivery.limit_changed", LimitChanged)
"""Calls that wait for the limit ask again."""
