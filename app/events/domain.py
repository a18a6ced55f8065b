"""What this package says of itself."""

from __future__ import annotations

from app.events.jobs import JOBS, SCHEDULE
from app.events.router import router
from app.manifest import Domain

DOMAIN = Domain(name="events", routers=[router], jobs=JOBS, schedule=SCHEDULE, scopes=["events"])
