"""What waits for somebody, and what is kept about them: `from app.today import service as today`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.why import About
from app.kept_data import Kept
from app.manifest import registry_of
from app.today import queries
from app.web.pagination import PageQuery
from models.audit import ObjectKind

__all__ = ["FIRST_PAGE", "Kept", "Waiting", "WaitingPage", "count_waiting", "kept_about", "waiting_for"]

FIRST_PAGE = PageQuery(cursor=None, limit=50)


@dataclass(frozen=True)
class Waiting:
    """Something that waits for one person."""

    kind: str
    """What they are asked to do: `request.decide`, `request.answer`, `request.object`, `announcement.confirm`,
    `task.accept`, `task.do`, `confirmation.confirm`."""
    about: About
    """The object that it is done to: its page."""
    title: str
    asked_at: datetime
    due_at: datetime | None
    number: int | None
    """What people call it by. Announcements have none."""
    asker: str
    """The name of who asks. Empty where the service does."""
    is_late: bool

    @property
    def id(self) -> UUID:
        return UUID(self.about.key)


@dataclass(frozen=True)
class WaitingPage:
    items: Sequence[Waiting]
    next_cursor: str | None


async def waiting_for(
    session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE, now: datetime
) -> WaitingPage:
    """What waits for this person: late things first, then by deadline, then what has none."""
    rows, cursor = await queries.page_of(session, person_id, page=page, now=now)
    items = [
        Waiting(
            kind=row.kind,
            about=About(ObjectKind(row.about), row.id),
            title=row.title,
            asked_at=row.asked_at,
            due_at=row.due_at,
            number=row.number,
            asker=row.asker,
            is_late=row.due_at is not None and row.due_at < now,
        )
        for row in rows
    ]
    return WaitingPage(items, cursor)


async def kept_about(session: AsyncSession, person_id: UUID) -> list[Kept]:
    """Everything that the domains keep about this person, kind by kind, the newest first (F198)."""
    return [kind for read in registry_of(session).kept_data for kind in await read(session, person_id)]


async def count_waiting(session: AsyncSession, person_id: UUID, *, now: datetime) -> dict[str, int]:
    """How many of each kind: for a badge, and for the headings of the list."""
    return await queries.count(session, person_id, now=now)
