"""`/console`: every page of those who run it."""

from __future__ import annotations

from app.console.pages import (
    access,
    announcements,
    calendar,
    callbacks,
    calls,
    deliveries,
    departments,
    doctor,
    groups,
    keys,
    overview,
    people,
    policy,
    policy_new,
    quota,
    requests,
    settings,
    syncs,
    tasks,
    tasks_new,
    traces,
    trail,
)
from app.pages.route import page_router

router = page_router()
for page in (overview, requests, groups, announcements, tasks_new, tasks, people, departments):
    router.include_router(page.router)
for page in (
    deliveries,
    calls,
    callbacks,
    syncs,
    traces,
    policy_new,
    policy,
    calendar,
    quota,
    trail,
    keys,
    doctor,
    settings,
    access,
):
    router.include_router(page.router)
