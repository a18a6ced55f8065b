"""`/console`: every page of those who run it."""

from __future__ import annotations

from app.console.pages import access, announcements, departments, groups, overview, people, requests, tasks
from app.pages.route import page_router

router = page_router()
for page in (overview, requests, groups, announcements, tasks, people, departments, access):
    router.include_router(page.router)
