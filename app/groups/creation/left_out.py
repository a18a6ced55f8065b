"""Whom the readings did not show when a department's group was founded: remembered, told, and added once they are read.

They would have been among the first members. An account that is not activated yet is none of them: it was read.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.errors import DomainError
from app.events.service import catalogue
from app.findings import service as findings
from app.groups import messages, queries, rules
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.record import order_update
from app.groups.changes.update import Account, GroupUpdate
from app.groups.rules import READ_AGAIN_WITHIN, RosterRule
from app.groups.schemas import CreationSubject
from app.org import queries as org
from app.org import service as organisation
from app.org.rules import is_gone, was_seen
from app.policy import service as policies
from app.policy.service import Policy
from models.groups import Group, GroupMember, GroupState
from models.ids import GroupId, PersonId, PolicyVersionId
from models.org import Person

ADDED_LATER = "creation"
"""Why they are in the group: what its founders have in the same place."""


async def roster_rule(session: AsyncSession, asked: CreationSubject, *, now: datetime) -> RosterRule:
    """Whom the application named, and who of its departments could not be read."""
    shown = await org.userids_of(session, asked.member_ids)
    departments = asked.whole_departments
    unread = await organisation.not_shown_in(session, departments, since=now - READ_AGAIN_WITHIN) if departments else []
    return RosterRule(
        userids=[shown[PersonId(one)] for one in asked.member_ids if one in shown],
        departments=departments,
        left_out=[person.id for person in unread],
    )


async def tell_of_them(session: AsyncSession, group: Group, *, policy: Policy, cause: Cause, now: datetime) -> None:
    """Who administers the group hears that people of its departments are wanting. Of leavers nobody expects it."""
    people = await org.people_by_id(session, RosterRule.model_validate(group.roster_rule or {}).left_out)
    names = [person.name or "（姓名读不到）" for person in people.values() if not is_gone(person)]
    if names:
        text = messages.not_read(group, names=names)
        await findings.tell_administrators(session, group, text, policy=policy, why=cause.why, now=now)


async def complete(session: AsyncSession, *, group_id: GroupId, now: datetime) -> None:
    """Add those who were read since, as the founders they are: nobody applies and nobody decides again."""
    group = await queries.group_for_update(session, group_id)
    rule = RosterRule.model_validate(group.roster_rule or {})
    if group.state is not GroupState.ACTIVE:
        return
    back = await _who_is_back(session, group, rule)
    if not back:
        return
    policy = await policies.get(session, PolicyVersionId(group.policy_version_id))
    cause = Cause(ADDED_LATER, "group.create", policy.id, SYSTEM, group.request_id)
    names = [person.name for person in back]
    desired = [stay for stay in await queries.current_stays(session, group.id) if stay.desired]
    try:
        limits = policy.document.groups.types[group.group_type]
        rules.check_size(len(desired) + len(back), limits, citation=policy.cite("group.size"))
    except DomainError as refusal:
        text = messages.no_room_for(group, names=names, refusal=str(refusal))
    else:
        await _add(session, group, back, cause=cause, now=now)
        text = messages.added_later(group, names=names)
    waiting = [one for one in rule.left_out if one not in {person.id for person in back}]
    group.roster_rule = rule.model_copy(update={"left_out": waiting}).model_dump(mode="json")
    await findings.tell_administrators(session, group, text, policy=policy, why=cause.why, now=now)


async def _who_is_back(session: AsyncSession, group: Group, rule: RosterRule) -> list[Person]:
    """Of those who were left out: whom the last reading has seen, who still belongs to the departments, and has not
    come in since. Nobody who is missing again: one account that is gone spoils the call for all (86216).
    """
    people = await org.people_by_id(session, rule.left_out)
    inside = {*await org.ids_in_departments(session, rule.departments)}
    known = {stay.person_id for stay in await queries.current_stays(session, group.id)}
    seen = [people[one] for one in rule.left_out if was_seen(people[one])]
    return [person for person in seen if person.id in inside and person.id not in known]


async def _add(session: AsyncSession, group: Group, people: list[Person], *, cause: Cause, now: datetime) -> None:
    userids = await org.userids_of(session, [person.id for person in people])
    accounts = tuple(Account(userids[person.id], person.id) for person in people)
    change = await order_update(session, group, GroupUpdate(add=accounts), cause=cause, now=now)
    for person in people:
        session.add(
            GroupMember(
                group_id=group.id,
                person_id=person.id,
                reason=cause.reason,
                call_id=change.call_id,
                desired_since=now,
            )
        )
        await publish_about_group(session, group, catalogue.MemberAdmitted, cause=cause, now=now, person_id=person.id)
