"""The manifest of the working calendar."""

from __future__ import annotations

from app.calendar.jobs import JOBS, SCHEDULE
from app.calendar.router import router
from app.manifest import Domain, Page
from app.permissions import Permission

DOMAIN = Domain(
    name="calendar",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    pages=[
        Page(
            face="console",
            name="calendar",
            title="工作日历",
            english="Calendar",
            permission=Permission.CALENDAR_READ,
            place=71,
        ),
    ],
)
