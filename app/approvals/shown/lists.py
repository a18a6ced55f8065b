"""The lists of one person: what they have applied for, what is about them, what waits for them, what they decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import queries as requests
from app.approvals.kinds import names_applied_for
from app.approvals.queries import RequestFilter
from app.approvals.shown import queries
from app.approvals.shown.queries import AskedNow
from app.approvals.sight import seen_by
from app.org import service as org
from app.org.service import NamedPerson
from app.permissions import Sight
from app.web.pagination import PageQuery, Sorting, paginate
from models.approvals import OutcomeState, Request, RequestState, Verdict
from models.ids import PersonId

FIRST_PAGE = PageQuery(cursor=None, limit=50)


@dataclass(frozen=True)
class OpenStep:
    """Where a request stands."""

    position: int
    name: str
    asked: Sequence[NamedPerson]
    """Who may decide it, or is to answer, and has not yet."""
    due_at: datetime | None


@dataclass(frozen=True)
class RequestLine:
    """A request as a list shows it."""

    id: UUID
    number: int
    kind: str
    title: str
    requester: NamedPerson
    state: RequestState
    outcome: OutcomeState
    outcome_detail: str
    submitted_at: datetime
    updated_at: datetime
    decided_at: datetime | None
    open_step: OpenStep | None
    """None once it has its result."""
    own_verdict: Verdict | None = None
    """What the reader has decided, where the list is of what they decided."""


@dataclass(frozen=True)
class RequestPage:
    items: Sequence[RequestLine]
    next_cursor: str | None


async def requests_mine(session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE) -> RequestPage:
    """What this person has applied for. Not what the service asks others about their place (`own_group`)."""
    return await _listed(
        session, RequestFilter(requester_id=PersonId(person_id), kinds=names_applied_for(session)), page
    )


async def requests_about(session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE) -> RequestPage:
    """What others have applied for about this person (policy 2.5)."""
    return await _listed(session, RequestFilter(concerned_id=PersonId(person_id)), page)


async def requests_waiting_for(session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE) -> RequestPage:
    """What this person is to decide or to answer."""
    return await _listed(session, RequestFilter(approver_id=PersonId(person_id)), page)


async def requests_decided_by(session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE) -> RequestPage:
    """What this person has decided or answered, with what they said."""
    return await _listed(session, RequestFilter(decided_by_id=PersonId(person_id)), page)


REQUESTS_SORTED: Final = Sorting(
    {
        "number": col(Request.number),
        "title": col(Request.title),
        "state": col(Request.state),
        "submitted": col(Request.submitted_at),
        "updated": col(Request.updated_at),
    },
    ties=col(Request.id),
    usual="-updated",
)


async def requests_seen(
    session: AsyncSession, sight: Sight, wanted: RequestFilter, *, sort: str = "", page: PageQuery = FIRST_PAGE
) -> RequestPage:
    """Those that the sight reaches, the latest change first unless another order is asked for."""
    statement = requests.matching(wanted).where(seen_by(sight))
    rows, cursor = await REQUESTS_SORTED.by(sort).page(session, statement, page)
    return RequestPage(await lines_of(session, rows), cursor)


async def _listed(session: AsyncSession, wanted: RequestFilter, page: PageQuery) -> RequestPage:
    columns = (col(Request.updated_at), col(Request.id))
    rows, cursor = await paginate(session, requests.matching(wanted), *columns, page=page)
    verdicts: dict[UUID, Verdict] = {}
    if wanted.decided_by_id is not None:
        verdicts = await queries.last_verdicts_of(session, wanted.decided_by_id, [row.id for row in rows])
    return RequestPage(await lines_of(session, rows, verdicts=verdicts), cursor)


async def lines_of(
    session: AsyncSession, rows: Sequence[Request], *, verdicts: dict[UUID, Verdict] | None = None
) -> list[RequestLine]:
    """Any requests as lists show them, in their order: four statements, however many there are."""
    asked = await queries.asked_now(session, [row.id for row in rows])
    named = {row.requester_id for row in rows} | {person_id for one in asked.values() for person_id in one.person_ids}
    people = await org.named_people(session, named)
    return [_line(row, asked.get(row.id), people, (verdicts or {}).get(row.id)) for row in rows]


def _line(
    row: Request, asked: AskedNow | None, people: Mapping[UUID, NamedPerson], own_verdict: Verdict | None
) -> RequestLine:
    return RequestLine(
        id=row.id,
        number=row.number,
        kind=row.kind,
        title=row.title,
        requester=people[row.requester_id],
        state=row.state,
        outcome=row.outcome,
        outcome_detail=row.outcome_detail or "",
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
        decided_at=row.decided_at,
        open_step=_open_step(asked, people) if asked else None,
        own_verdict=own_verdict,
    )


def _open_step(asked: AskedNow, people: Mapping[UUID, NamedPerson]) -> OpenStep:
    return OpenStep(asked.position, asked.name, [people[one] for one in asked.person_ids], asked.due_at)
