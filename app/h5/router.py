"""`/me`: every page of the employees."""

from __future__ import annotations

from app.h5.pages import account, announcements, apply, confirmations, groups, home, kept, requests, tasks
from app.pages.route import page_router

router = page_router()
for page in (home, apply, requests, groups, announcements, tasks, confirmations, account, kept):
    router.include_router(page.router)
