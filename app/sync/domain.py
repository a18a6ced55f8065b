"""The manifest of the sync."""

from __future__ import annotations

from app.manifest import Domain
from app.sync import queries
from app.sync.jobs import JOBS, TIMERS, start_up
from app.sync.router import router

DOMAIN = Domain(
    name="sync",
    routers=[router],
    jobs=JOBS,
    timers=TIMERS,
    overview=[queries.counted],
    traces=[queries.traced],
    start_up=start_up,
)
