"""The manifest of the working calendar."""

from __future__ import annotations

from app.calendar.jobs import JOBS, SCHEDULE
from app.calendar.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="calendar",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
)
