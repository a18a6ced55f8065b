"""The manifest of received events."""

from __future__ import annotations

from app.inbox.jobs import JOBS, SCHEDULE
from app.inbox.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="inbox",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    scopes=["callbacks"],
)
