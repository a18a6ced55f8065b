"""The manifest of the ledger."""

from __future__ import annotations

from app.ledger import overview, trace
from app.ledger.jobs import JOBS, SCHEDULE, TIMERS, start_up
from app.manifest import Domain

DOMAIN = Domain(
    name="ledger",
    jobs=JOBS,
    timers=TIMERS,
    schedule=SCHEDULE,
    overview=[overview.counted],
    traces=[trace.traced],
    start_up=start_up,
)
