"""The manifest of the sync."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.permissions import Permission
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
    pages=[
        Page(
            face="console",
            name="sync",
            title="同步",
            english="Syncs",
            permission=Permission.SYNC_READ,
            place=63,
            whole_company=True,
        ),
    ],
    start_up=start_up,
)
