"""The work that closes a gap, of packages above: they import these jobs from here and carry them out."""

from __future__ import annotations

from uuid import UUID

from app.jobs.job import Job, Payload
from models.ids import GroupId


class SyncPayload(Payload):
    """A full sync: the run with this id, or a new run with this reason."""

    run_id: UUID | None = None
    reason: str = "job"
    dry_run: bool = False


SYNC = Job("org.sync", SyncPayload)
"""Carried out by `app.sync`."""


class ReconcilePayload(Payload):
    """One group to compare with the platform; without a group, all of them."""

    group_id: GroupId | None = None
    accept_losses: bool = False


RECONCILE = Job("groups.reconcile", ReconcilePayload)
"""Carried out by `app.reconciliation`."""
