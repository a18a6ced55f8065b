"""The manifest of received events."""

from __future__ import annotations

from app.inbox import queries
from app.inbox.jobs import JOBS, SCHEDULE
from app.inbox.router import router
from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="inbox",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    overview=[queries.counted],
    traces=[queries.traced],
    scopes=["callbacks"],
    pages=[
        Page(
            face="console",
            name="callbacks",
            title="回调",
            english="Callbacks",
            permission=Permission.CALLBACK_READ,
            place=62,
            whole_company=True,
        ),
    ],
)
