"""The manifest of the trace."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.permissions import Permission
from app.trace.router import router

DOMAIN = Domain(
    name="trace",
    routers=[router],
    pages=[
        Page(
            face="console",
            name="trace",
            title="追踪",
            english="Trace",
            permission=Permission.TRACE_READ,
            place=64,
            whole_company=True,
        ),
    ],
)
