"""`/console`: every page of those who run it."""

from __future__ import annotations

from app.console.pages import overview
from app.pages.route import page_router

router = page_router()
for page in (overview,):
    router.include_router(page.router)
