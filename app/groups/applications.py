"""What an approval, or its failure, means for a roster: applications to join and to exit (F47, F48, F59)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import service as approvals
from app.audit.actor import Actor
from app.errors import DomainError
from app.groups import findings, messages, queries, roster
from app.groups.errors import AlreadyAMember, NotAMember
from app.groups.roster import Cause
from app.org import queries as org
from app.policy import service as policies
from models.approvals import OutcomeState, Request
from models.groups import FindingKind, GroupMember
from models.ids import GroupId, PersonId, PolicyVersionId, RequestId


async def carry_out_join(
    session: AsyncSession, request: Request, *, group_id: GroupId, person_id: PersonId, actor: Actor, now: datetime
) -> None:
    """Approved (2.1): the person is wanted. What has become impossible meanwhile is the outcome's failure (F59)."""
    group = await queries.group_for_update(session, group_id)
    person = await org.person(session, person_id)
    assert person is not None  # a foreign key of the request's requester, or checked on submission
    cause = Cause("join", "member.join", request.policy_version_id, actor, request.id, request.reason)
    policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
    try:
        stay = await roster.admit(session, group, person, policy=policy, cause=cause, now=now)
    except AlreadyAMember:
        await finish(session, request.id, OutcomeState.DONE, "已在群内", now=now)
    except DomainError as refusal:
        await finish(session, request.id, OutcomeState.FAILED, str(refusal), now=now)
    else:
        if stay.call_id is None:
            await finish(session, request.id, OutcomeState.DONE, now=now)


async def carry_out_exit(
    session: AsyncSession, request: Request, *, group_id: GroupId, person_id: PersonId, actor: Actor, now: datetime
) -> None:
    """Approved (2.5), or free by the type's rule: the person is wanted no more."""
    group = await queries.group_for_update(session, group_id)
    person = await org.person(session, person_id)
    assert person is not None  # as above
    cause = Cause("exit", "member.exit", request.policy_version_id, actor, request.id, request.reason)
    policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
    try:
        await roster.let_go(session, group, person, cause=cause, now=now)
    except NotAMember:
        # They went before the answer: the leave was not approved when it happened, but it is now.
        await findings.resolve_about(
            session,
            group,
            FindingKind.UNAPPROVED_LEAVE,
            person_id=person.id,
            resolution=f"退群申请 #{request.number} 事后批准",
            now=now,
        )
        await finish(session, request.id, OutcomeState.DONE, "已不在群内", now=now)
    except DomainError as refusal:
        await finish(session, request.id, OutcomeState.FAILED, str(refusal), now=now)
        return
    if roster.rule_of(policy, group.group_type).exit.mode == "notify":
        text = messages.left_quietly(group, name=person.name, citation=policy.cite("member.exit"))
        await findings.tell_administrators(
            session, group, text, rule_key="member.exit", policy=policy, actor=actor, now=now, without=[person.id]
        )


async def finish(
    session: AsyncSession, request_id: UUID | None, outcome: OutcomeState, detail: str | None = None, *, now: datetime
) -> None:
    """Tell the approval engine, when the change came from an application."""
    if request_id is not None:
        await approvals.finish_outcome(
            session, request_id=RequestId(request_id), outcome=outcome, detail=detail, now=now
        )


async def abandon(session: AsyncSession, stay: GroupMember, why: str, *, now: datetime) -> None:
    """The person was wanted and not in yet; now they are wanted no more: their application will not be carried out."""
    if stay.desired and not stay.observed:
        await finish(session, stay.request_id, OutcomeState.FAILED, why, now=now)
