"""`/console`: every page of those who run it."""

from __future__ import annotations

from app.console.pages import (
    access,
    announcements,
    callbacks,
    calls,
    deliveries,
    departments,
    groups,
    overview,
    people,
    requests,
    syncs,
    tasks,
    traces,
)
from app.pages.route import page_router

router = page_router()
for page in (overview, requests, groups, announcements, tasks, people, departments, deliveries, calls, callbacks):
    router.include_router(page.router)
for page in (syncs, traces, access):
    router.include_router(page.router)
