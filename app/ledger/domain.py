"""The manifest of the ledger."""

from __future__ import annotations

from app.ledger import overview, trace
from app.ledger.jobs import JOBS, SCHEDULE, TIMERS, start_up
from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="ledger",
    jobs=JOBS,
    timers=TIMERS,
    schedule=SCHEDULE,
    overview=[overview.counted],
    traces=[trace.traced],
    pages=[
        Page(
            face="console",
            name="calls",
            title="调用",
            english="Calls",
            permission=Permission.DELIVERY_READ,
            place=61,
            whole_company=True,
        ),
    ],
    start_up=start_up,
)
