"""The manifest of the audit trail."""

from __future__ import annotations

from app.audit.jobs import JOBS, SCHEDULE
from app.audit.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="audit",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    scopes=["audit"],
)
