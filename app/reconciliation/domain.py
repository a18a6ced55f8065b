"""The manifest of the comparison with the platform."""

from __future__ import annotations

from app.inbox.service import RECONCILE
from app.manifest import Domain
from app.reconciliation.jobs import JOBS, TIMERS, start_up
from app.reconciliation.router import router

DOMAIN = Domain(
    name="reconciliation",
    routers=[router],
    jobs=JOBS,
    gathered_jobs=[RECONCILE.name],
    timers=TIMERS,
    start_up=start_up,
)
