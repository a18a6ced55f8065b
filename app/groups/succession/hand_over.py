"""Policy 1.9: somebody has accepted to own a group: the register, the platform, and what became of it there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue
from app.findings import queries as findings_queries
from app.findings import service as findings
from app.groups import messages, queries, rules
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.record import order_update
from app.groups.changes.update import Account, GroupUpdate, PendingChanges
from app.groups.rules import GroupPurpose
from app.groups.snapshot import GroupSnapshot
from app.groups.succession.ask import SuccessionSubject, waits_for_owner
from app.groups.succession.candidates import KIND
from app.org import queries as org
from models.approvals import OutcomeState
from models.groups import FindingKind, Group, GroupMember, GroupState
from models.ids import PersonId, RequestId, fold
from models.org import Person


async def hand_over(
    session: AsyncSession, group: Group, to: Person, *, former: Person, why: str, cause: Cause, now: datetime
) -> None:
    """Register the new owner and inform them. What waited for an owner is over."""
    group.desired_owner_id, group.updated_at = to.id, now
    if group.deputy_id == to.id:
        group.deputy_id = None
    await publish_about_group(
        session, group, catalogue.GroupOwnerChanged, cause=cause, now=now, person_id=to.id, basis=why
    )
    text = messages.now_owner(group, former=former.name, why=why)
    header = MessageHeader(GroupPurpose.OWNER, findings.about(group), cause.why.under("group.owner"))
    await delivery.tell(session, header, [to.id], text, now=now)
    for finding in await findings_queries.open_findings(session, group.id):
        if finding.kind is FindingKind.OWNER_LEFT:
            await findings.resolve(session, finding, resolution=f"{to.name} 已接受担任群主", now=now)


async def set_on_platform(session: AsyncSession, group: Group, former: Person, *, cause: Cause, now: datetime) -> None:
    """Ask for the registered owner, in the call that removes the former one if they are to leave and are still inside.

    A group that is not there yet gets its owner when it is created.
    """
    if group.state in {GroupState.FAILED, GroupState.LOST, GroupState.CLOSED}:
        return
    owner = (await org.userids_of(session, [PersonId(group.desired_owner_id)]))[PersonId(group.desired_owner_id)]
    stay = await _waiting_to_leave(session, group, former)
    if stay is None:
        await order_update(session, group, GroupUpdate(owner=owner), cause=cause, now=now)
        return
    userid = (await org.last_userids_of(session, [PersonId(former.id)]))[PersonId(former.id)]
    update = GroupUpdate(remove=(Account(userid, former.id),), owner=owner)
    stay.call_id = (await order_update(session, group, update, cause=cause, now=now)).call_id


async def _waiting_to_leave(session: AsyncSession, group: Group, former: Person) -> GroupMember | None:
    """The former owner's stay, if the platform is to end it and would not refuse that (86006)."""
    stays = await queries.current_stays(session, group.id)
    stay = next((one for one in stays if one.person_id == former.id and not one.desired and one.observed), None)
    return stay if sum(one.observed for one in stays) > rules.FEWEST and stay and stay.call_id is None else None


async def owner_to_set(
    session: AsyncSession, group: Group, snapshot: GroupSnapshot, *, pending: PendingChanges
) -> str | None:
    """The registered owner's userid, if the platform shows another owner and the registered one is a member (86207).
    None while the group waits for an owner.
    """
    if pending.owner or await waits_for_owner(session, group):
        return None
    userid = (await org.userids_of(session, [PersonId(group.desired_owner_id)])).get(PersonId(group.desired_owner_id))
    if userid is None or fold(userid) not in snapshot.userids or fold(userid) == fold(snapshot.owner):
        return None
    return userid


async def owner_was_set(
    session: AsyncSession,
    group_id: UUID,
    userid: str,
    outcome: OutcomeState,
    detail: str | None = None,
    *,
    now: datetime,
) -> None:
    """What the platform made of it: the request by which this person accepted is done, or has failed (F59)."""
    requests = await request_queries.not_carried_out(session, kind=KIND, group_id=group_id)
    person = await org.person_by_userid(session, userid) if requests else None
    for request in requests:
        if person is not None and SuccessionSubject.model_validate(request.subject).owner_id == person.id:
            await approvals.finish_outcome(
                session, request_id=RequestId(request.id), outcome=outcome, detail=detail, now=now
            )
