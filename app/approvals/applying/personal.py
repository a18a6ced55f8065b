"""Title and contact in applications are personal details: they stay as long as the register needs them (policy 2.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries
from app.approvals.kinds import PERSONAL, RequestKind, ShownFields, kind_named
from app.jobs.timers import set_timer
from app.manifest import registry_of
from models.approvals import OutcomeState, Request
from models.ids import RequestId

_ROWS = frozenset(PERSONAL.values())

FORGET: Final = "approval.forget"
"""Timer: the personal details in a request that has come to nothing are kept no longer."""
FORGET_GROUP: Final = "approval.forget_group"
"""Timer: the same of everything about a group that is no more."""
KEPT_FOR = timedelta(days=7)
"""So long what was read may turn out to be wrong, and what has failed may be tried again (P6)."""


def forget_details(request: Request, *, now: datetime) -> None:
    """Erase them from the request. Number, names, reason, decisions and outcome stay. A second time changes nothing."""
    shown = ShownFields.model_validate(request.shown)
    kept = [row for row in shown.fields if row[0] not in _ROWS]
    payload = {name: value for name, value in request.payload.items() if name not in PERSONAL}
    if len(kept) < len(shown.fields) or len(payload) < len(request.payload):
        request.shown = ShownFields(fields=kept).model_dump(mode="json")
        request.payload = payload
        request.updated_at = now


async def requests_to_clear(
    session: AsyncSession, *, group_id: UUID, person_id: UUID, until: datetime
) -> list[RequestId]:
    """Decided requests that were made until that moment about the person in the group."""
    rows = await queries.decided_about(session, group_id=group_id, names=str(person_id), until=until)
    kinds = registry_of(session).kinds
    return [RequestId(row.id) for row in rows if row.kind in kinds and _is_about(kinds[row.kind], row, person_id)]


def _is_about(kind: RequestKind[Any, Any], request: Request, person_id: UUID) -> bool:
    return kind.has_details and person_id in kind.concerns(kind.subject.model_validate(request.subject))


async def forget_later(session: AsyncSession, request: Request, *, now: datetime) -> None:
    """It was approved and has failed: if nobody tries again, nobody comes in or goes whose details would be needed."""
    if kind_named(session, request.kind).has_details:
        await set_timer(session, FORGET, str(request.id), now + KEPT_FOR)


async def forget_unless_needed(session: AsyncSession, *, request_id: RequestId, now: datetime) -> None:
    """When that timer fires: what is being tried again, or was done meanwhile, is no failure any more."""
    request = await queries.get_for_update(session, request_id)
    if request.outcome not in {OutcomeState.PENDING, OutcomeState.DONE}:
        forget_details(request, now=now)


async def forget_group(session: AsyncSession, *, group_id: UUID, now: datetime) -> None:
    """A group that is no more has no register that would need anybody's details."""
    kinds = registry_of(session).kinds
    for row in await queries.decided_in_group(session, group_id):
        if row.kind in kinds and kinds[row.kind].has_details:
            await clear(session, request_id=RequestId(row.id), now=now)


async def clear(session: AsyncSession, *, request_id: RequestId, now: datetime) -> None:
    """The person is out of the group: the register needs their details no more."""
    forget_details(await queries.get_for_update(session, request_id), now=now)


def forget_unless_kept(session: AsyncSession, request: Request, *, now: datetime) -> None:
    """At the end of a request: details of who does not come in, or has gone, have no place in the register."""
    kind = kind_named(session, request.kind)
    if kind.has_details:
        forget_details(request, now=now)
