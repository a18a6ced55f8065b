"""Policy 1.9: an owner goes, or an administrator names another one. Who would follow is asked on a card.

Until somebody accepts, the registered owner stays in the register and on the platform, which removes no owner without a
new one (86005). The group *waits for an owner* while the registered one is not wanted in it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.approvals.service import Asking
from app.audit.actor import SYSTEM
from app.events.service import catalogue
from app.findings import queries as findings_queries
from app.findings import service as findings
from app.findings.service import Fact, FindingDetails
from app.groups import queries
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.succession.candidates import KIND, candidates, subject_key
from app.jobs.job import Job, Payload
from app.org import queries as org
from app.org import service as organisation
from app.policy.service import Policy
from models.approvals import Request
from models.groups import FindingKind, Group, GroupFinding, GroupState
from models.ids import GroupId, PersonId, RequestId, fold
from models.org import Person


class GroupPayload(Payload):
    group_id: GroupId


OWNER_IS_BACK = Job("groups.owner_is_back", GroupPayload)
"""The registered owner is wanted in the group again. A job, because everybody locks a request before its group."""


class SuccessionSubject(BaseModel):
    """Whose place in which group, and who takes it."""

    group_id: UUID
    former_id: UUID
    why: str
    """Behind the former owner's name: 已离职, 申请退出 …"""
    named_id: UUID | None = None
    """Whom an administrator has named: nobody else is asked."""
    owner_id: UUID | None = None
    """Who has accepted."""

    @property
    def key(self) -> str:
        return subject_key(self.group_id)


async def waits_for_owner(session: AsyncSession, group: Group) -> bool:
    return group.id in await queries.waiting_for_owner(session, [group.id])


async def is_noted(session: AsyncSession, group: Group, former: Person) -> bool:
    """Whether a person has been asked already to find somebody in their place."""
    return await _note_of(session, group, former) is not None


async def _note_of(session: AsyncSession, group: Group, former: Person) -> GroupFinding | None:
    found = await findings_queries.open_findings(session, group.id)
    noted = (one for one in found if one.kind is FindingKind.OWNER_LEFT and one.person_id == former.id)
    return next(noted, None)


async def ask_for_an_owner(
    session: AsyncSession, group: Group, former: Person, why: str, *, policy: Policy, cause: Cause, now: datetime
) -> None:
    """The owner goes. A second run finds the question open, or the finding that says that nobody is left to ask.

    The caller holds the group's row.
    """
    subject = SuccessionSubject(group_id=group.id, former_id=former.id, why=why)
    if await request_queries.pending_about(session, kind=KIND, subject_key=subject.key) is not None:
        return
    if await is_noted(session, group, former):
        return
    group.updated_at = now
    await publish_about_group(session, group, catalogue.GroupOwnerLeft, cause=cause, now=now, person_id=former.id)
    found = await candidates(session, group, former=former)
    if found.to_ask:
        await approvals.ask_in_turn(session, Asking(KIND, former, subject, cause.actor), now=now)
    else:
        names = [person.name for person in found.declined]
        await note_nobody_left(session, group, former, why, asked=names, policy=policy, now=now)


async def ask_who_was_read_again(session: AsyncSession, *, group_id: GroupId, now: datetime) -> None:
    """When the owner went, nobody was there to ask: readings left them out. One of them is read again, and is asked.

    Who has come into the group since, or can act again for another reason, is named by an administrator.
    """
    group = await queries.group_for_update(session, group_id)
    if not await waits_for_owner(session, group):
        return
    if await request_queries.pending_about(session, kind=KIND, subject_key=subject_key(group.id)) is not None:
        return
    former = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id]
    noted = await _note_of(session, group, former)
    if noted is None:
        return
    to_ask = [one.id for one in (await candidates(session, group, former=former)).to_ask]
    if not await organisation.read_again_since(session, to_ask, (), since=noted.first_seen_at):
        return
    await findings.resolve(session, noted, resolution="又读到了可以征求意愿的成员，已开始征求", now=now)
    group.updated_at = now
    subject = SuccessionSubject(group_id=group.id, former_id=former.id, why="离任")
    await approvals.ask_in_turn(session, Asking(KIND, former, subject, SYSTEM), now=now)


async def ask_whom_somebody_named(
    session: AsyncSession, group: Group, named: Person, *, cause: Cause, now: datetime
) -> Request:
    """An administrator names another owner, with a reason: that person alone is asked."""
    former = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id]
    why = f"已更换（{cause.words}）"
    subject = SuccessionSubject(group_id=group.id, former_id=former.id, why=why, named_id=named.id)
    group.updated_at = now
    return await approvals.ask_in_turn(session, Asking(KIND, former, subject, cause.actor, cause.words), now=now)


async def note_nobody_left(
    session: AsyncSession,
    group: Group,
    former: Person,
    why: str,
    *,
    asked: Sequence[str],
    policy: Policy,
    now: datetime,
) -> bool:
    """The finding for those who supervise groups, who can name somebody. False where it is open already."""
    said = f"已征求{'、'.join(asked)}的意愿，无人接受" if asked else "群内没有可以征求意愿的人"
    fact = Fact(
        FindingKind.OWNER_LEFT,
        subject=fold((await org.last_userids_of(session, [PersonId(former.id)]))[PersonId(former.id)]),
        person_id=former.id,
        who=former.name,
        detail=f"{why}，{said}。",
        facts=FindingDetails(),
    )
    return await findings.note(session, group, fact, policy=policy, now=now) is not None


async def why_needless(session: AsyncSession, group: Group, subject: SuccessionSubject) -> str:
    """Nobody needs to follow any more. Empty while somebody does."""
    if group.state in {GroupState.LOST, GroupState.CLOSED}:
        return "群已解散"
    if group.desired_owner_id != subject.former_id:
        return "群主已另行确定"
    if subject.named_id is None and not await waits_for_owner(session, group):
        return "原群主已回到群内"
    return ""


async def end_if_needless(session: AsyncSession, *, group_id: GroupId, now: datetime) -> None:
    """Ask nobody any more whose answer could have no effect: the card says why."""
    request = await request_queries.pending_about(session, kind=KIND, subject_key=subject_key(group_id))
    if request is None:
        return
    group = await queries.group(session, group_id)
    if because := await why_needless(session, group, SuccessionSubject.model_validate(request.subject)):
        await approvals.call_off(session, request_id=RequestId(request.id), because=because, actor=SYSTEM, now=now)
