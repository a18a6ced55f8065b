"""The manifest of the ledger."""

from __future__ import annotations

from app.ledger import overview
from app.ledger.jobs import JOBS, SCHEDULE, TIMERS, start_up
from app.manifest import Domain

DOMAIN = Domain(
    name="ledger",
    jobs=JOBS,
    timers=TIMERS,
    schedule=SCHEDULE,
    overview=[overview.counted],
    start_up=start_up,
)
