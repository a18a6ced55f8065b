"""The manifest of the audit trail."""

from __future__ import annotations

from app.audit.jobs import JOBS, SCHEDULE
from app.audit.router import router
from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="audit",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    scopes=["audit"],
    pages=[
        Page(
            face="console",
            name="audit",
            title="审计",
            english="Audit",
            permission=Permission.AUDIT_READ,
            place=81,
            whole_company=True,
        ),
    ],
)
