"""The manifest of what all endpoints share."""

from __future__ import annotations

from app.manifest import Domain
from app.web.jobs import JOBS, SCHEDULE

DOMAIN = Domain(
    name="web",
    jobs=JOBS,
    schedule=SCHEDULE,
)
