"""What failed because a reading had left people out is tried again once they were read (P6): foundations and joins.

Nobody decides again. What failed for another reason, or too long ago, stays with a person, who may retry it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.audit.actor import SYSTEM
from app.errors import DomainError
from app.groups import queries, roster
from app.groups.creation import register
from app.groups.requests import CreateGroupKind, JoinKind
from app.groups.schemas import CreationSubject, MembershipSubject
from app.org import queries as org
from app.policy import service as policies
from models.approvals import OutcomeState, Request
from models.ids import GroupId, PolicyVersionId, RequestId

TRIED_FOR = timedelta(days=7)
"""After that nobody expects the group any more."""

KINDS = (CreateGroupKind.name, JoinKind.name)


async def failed_lately(session: AsyncSession, *, now: datetime) -> list[RequestId]:
    return await request_queries.failed_since(session, kinds=KINDS, since=now - TRIED_FOR)


async def try_again(session: AsyncSession, *, request_id: RequestId, now: datetime) -> None:
    """Carry it out if it can be now, and one of its people was read again since it failed."""
    request = await request_queries.get_for_update(session, request_id)
    if request.outcome is not OutcomeState.FAILED:
        return
    try:
        people = await _people_of(session, request)
    except DomainError:
        return  # it would fail again
    if await org.read_again_since(session, people, since=request.updated_at):
        await approvals.retry_outcome(session, request_id=request_id, actor=SYSTEM, now=now)


async def _people_of(session: AsyncSession, request: Request) -> Collection[UUID]:
    """Whom it is about. Raises the reason when it cannot be carried out now either."""
    policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
    if request.kind == JoinKind.name:
        wanted = MembershipSubject.model_validate(request.subject)
        group = await queries.group(session, GroupId(wanted.group_id))
        person = (await org.people_by_id(session, [wanted.person_id]))[wanted.person_id]
        await roster.check_may_join(session, group, person, policy=policy)
        return [person.id]
    founded = await queries.group_of_request(session, request.id)
    if founded is not None:
        return [stay.person_id for stay in await queries.current_stays(session, founded.id) if stay.desired]
    asked = CreationSubject.model_validate(request.subject)
    requester = (await org.people_by_id(session, [request.requester_id]))[request.requester_id]
    planned = await register.plan(session, asked, requester, policy=policy)
    await register.check_name_is_free(session, asked.name)
    return [person.id for person in planned.members]
