"""What waits for somebody, as REST shows it."""

from __future__ import annotations

from app.today.schemas import WaitingOut
from app.today.service import WaitingPage
from app.web.pagination import Page


def waiting(page: WaitingPage) -> Page[WaitingOut]:
    items = [
        WaitingOut(
            kind=one.kind,
            about=one.about.kind,
            id=one.id,
            number=one.number,
            title=one.title,
            asker=one.asker,
            asked_at=one.asked_at,
            due_at=one.due_at,
            late=one.is_late,
        )
        for one in page.items
    ]
    return Page(items=items, next_cursor=page.next_cursor)
