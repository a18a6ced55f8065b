"""What a reading has done that had left people out is put right once they were read (P6).

Foundations and joins that failed are tried again; groups founded without them get them; whoever was read as a leaver,
and of whom a person says that they are back where they were, is in their groups again; a group whose owner went while
nobody could be asked to follow asks now (`app.groups.succession.ask`). Nobody decides again. What
failed for another reason, or too long ago, stays with a person, who may retry it; whoever is back elsewhere in the
company, or was in a confidential group, applies for it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.audit.actor import SYSTEM
from app.errors import DomainError
from app.events.service import catalogue
from app.findings import service as findings
from app.groups import messages, queries, roster
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.creation import register
from app.groups.departures import DEPARTURE
from app.groups.errors import AlreadyAMember
from app.groups.requests import CreateGroupKind, JoinKind
from app.groups.rules import CONFIDENTIAL, READ_AGAIN_WITHIN
from app.groups.schemas import CreationSubject, MembershipSubject
from app.observability import get_logger
from app.org import queries as org
from app.org import service as organisation
from app.org.rules import may_act
from app.policy import service as policies
from app.policy.service import Policy
from models.approvals import OutcomeState, Request
from models.groups import Group, GroupState
from models.ids import GroupId, PersonId, PolicyVersionId, RequestId, fold
from models.org import Person

log = get_logger()

KINDS = (CreateGroupKind.name, JoinKind.name)

CAME_BACK = "returned"
"""Why they are in the group again; the stay keeps it."""

STAYS_OUT = "stays_out"
"""Why they are not in it again: they left with the company, and have come back elsewhere. Its administrators know."""


async def failed_lately(session: AsyncSession, *, now: datetime) -> list[RequestId]:
    return await request_queries.failed_since(session, kinds=KINDS, since=now - READ_AGAIN_WITHIN)


async def try_again(session: AsyncSession, *, request_id: RequestId, now: datetime) -> None:
    """Carry it out if it can be now, and if a reading has said since it failed of one of its people or departments that
    they are there, or of a founder who was missing that they are not.
    """
    request = await request_queries.get_for_update(session, request_id)
    if request.outcome is not OutcomeState.FAILED:
        return
    try:
        people = await _people_of(session, request)
    except DomainError:
        return  # it would fail again
    since, places = request.updated_at, _departments_of(request)
    if await organisation.read_again_since(session, people, places, since=since) or await queries.lost_founders(
        session, request_id, DEPARTURE, since=since
    ):
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


def _departments_of(request: Request) -> Collection[int]:
    return CreationSubject.model_validate(request.subject).whole_departments if request.kind != JoinKind.name else ()


# ---------------------------------------------------------------- who was read as a leaver


@dataclass(frozen=True)
class LostGroup:
    """A group that somebody had to leave as a leaver, shortly before a person said that they are back."""

    group_id: GroupId
    person_id: PersonId
    is_where_they_were: bool


async def groups_lost(session: AsyncSession, *, now: datetime) -> list[LostGroup]:
    rejoined = await organisation.rejoined_since(session, now - READ_AGAIN_WITHIN)
    stays = await queries.left_for(session, rejoined, DEPARTURE, since=now - 2 * READ_AGAIN_WITHIN) if rejoined else []
    lost: list[LostGroup] = []
    for stay in stays:
        back = rejoined[PersonId(stay.person_id)]
        if back.at - READ_AGAIN_WITHIN <= stay.desired_since <= back.at:
            lost.append(LostGroup(GroupId(stay.group_id), PersonId(stay.person_id), back.is_where_they_were))
    return lost


async def take_back(session: AsyncSession, lost: LostGroup, *, now: datetime) -> None:
    """2.7: somebody who should be in the group is added. What stands against it now stands against it later too, or is
    over at the next look. Who is not where they were, or was in a confidential group, is not added unasked.
    """
    group = await queries.group_for_update(session, lost.group_id)
    person = (await org.people_by_id(session, [lost.person_id]))[lost.person_id]
    if not may_act(person) or await _is_in_it(session, lost.group_id, person):
        return
    policy = await policies.in_force(session, now=now)
    if group.confidentiality == CONFIDENTIAL or not lost.is_where_they_were:
        await _say_that_they_stay_out(session, group, person, policy=policy, now=now)
        return
    cause = Cause(CAME_BACK, "group.roster", policy.id, SYSTEM)
    try:
        await roster.admit(session, group, person, policy=policy, cause=cause, now=now)
    except AlreadyAMember:
        return
    except DomainError as refusal:
        log.info("member.not_taken_back", group_id=str(group.id), person_id=str(person.id), why=refusal.slug)
        return
    text = messages.taken_back(group, name=person.name)
    await findings.tell_administrators(session, group, text, policy=policy, why=cause.why, now=now, without=[person.id])


async def _say_that_they_stay_out(
    session: AsyncSession, group: Group, person: Person, *, policy: Policy, now: datetime
) -> None:
    """Once, when they are out: the stay keeps it."""
    stays = await queries.left_for(session, [person.id], DEPARTURE, since=now - 2 * READ_AGAIN_WITHIN)
    stay = next((one for one in stays if one.group_id == group.id), None)
    if stay is None or stay.ended_at is None or group.state is not GroupState.ACTIVE:
        return
    stay.reason = STAYS_OUT
    cause = Cause(STAYS_OUT, "group.roster", policy.id, SYSTEM)
    await publish_about_group(session, group, catalogue.MemberStaysOut, cause=cause, now=now, person_id=person.id)
    text = messages.stays_out(group, name=person.name, is_confidential=group.confidentiality == CONFIDENTIAL)
    await findings.tell_administrators(session, group, text, policy=policy, why=cause.why, now=now, without=[person.id])


async def _is_in_it(session: AsyncSession, group_id: GroupId, person: Person) -> bool:
    """Also under the row that the account had until it was linked."""
    stays = [stay.person_id for stay in await queries.current_stays(session, group_id) if stay.desired]
    userids = await org.last_userids_of(session, [*stays, person.id])
    return fold(userids[person.id]) in {fold(userids[one]) for one in stays}
