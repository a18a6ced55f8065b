"""What a key was used for, request by request, as a page lists it (F193)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.keys import queries
from app.org import service as org
from app.org.service import NamedPerson
from app.web.pagination import PageQuery, paginate
from models.api_requests import ApiRequest


@dataclass(frozen=True)
class KeyRequestLine:
    """One request: no body, no query."""

    at: datetime
    method: str
    route: str
    status: int
    milliseconds: int
    correlation_id: str
    person: NamedPerson | None
    """In whose name. None for the key itself."""


@dataclass(frozen=True)
class KeyRequestPage:
    items: Sequence[KeyRequestLine]
    next_cursor: str | None


async def requests_of_key(
    session: AsyncSession, key_id: UUID, *, failed: bool | None, page: PageQuery
) -> KeyRequestPage:
    """The newest first. `failed`: only those that were refused or failed, or only the others."""
    statement = queries.requests(key_id=key_id, failed=failed)
    rows, cursor = await paginate(session, statement, col(ApiRequest.id), page=page)
    named = await org.named_people(session, {row.person_id for row in rows if row.person_id is not None})
    lines = [
        KeyRequestLine(
            at=row.at,
            method=row.method,
            route=row.route,
            status=row.status,
            milliseconds=row.milliseconds,
            correlation_id=row.correlation_id,
            person=named.get(row.person_id) if row.person_id is not None else None,
        )
        for row in rows
    ]
    return KeyRequestPage(lines, cursor)
