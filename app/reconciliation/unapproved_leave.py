"""Policy 2.5: somebody who should be in the group is not in it any more, and nobody approved that.

Whether that is a violation is for `exit.mode` of the group's type to say.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.events.service import catalogue
from app.findings import service as findings
from app.findings.service import Fact, FindingDetails
from app.groups import service as groups
from app.groups.service import publish_about_group
from app.reconciliation.comparison import GroupComparison
from app.sync import service as organisation
from models.groups import FindingKind
from models.ids import WecomUserId
from models.org import Person

_LEFT = "exit"
"""The reason of a stay that the person ended as they may."""


async def check_missing(session: AsyncSession, comparison: GroupComparison, userid: WecomUserId) -> None:
    """Somebody desired is missing.

    If their account is gone, the organisation is read again and its answer ends the stay. Otherwise they left by
    themselves: without an approval where the type wants one, else as they may.
    """
    stay = comparison.stays[userid]
    if userid not in comparison.unexplained:
        stay.observed, comparison.group.updated_at = False, comparison.now
        await organisation.hint_user(session, userid=userid, now=comparison.now)
        return
    stay.desired = stay.observed = False
    stay.desired_since = comparison.now
    stay.ended_at, comparison.group.updated_at = comparison.now, comparison.now
    person = comparison.people[stay.person_id]
    if comparison.exit_mode == "approve":
        await _note_violation(session, comparison, userid, person)
    else:
        await _note_leave(session, comparison, userid, person)
    if comparison.group.deputy_id == person.id:
        comparison.group.deputy_id = None
    if comparison.group.desired_owner_id == person.id:
        await _replace_owner(session, comparison, person)


async def _note_leave(session: AsyncSession, comparison: GroupComparison, userid: WecomUserId, person: Person) -> None:
    """They may leave: noted without blame, and told to the administrator where the type says so."""
    group, cause = comparison.group, comparison.cause("member.exit", _LEFT)
    comparison.stays[userid].reason = _LEFT
    await publish_about_group(
        session, group, catalogue.MemberLeft, cause=cause, now=comparison.now, person_id=person.id
    )
    if comparison.exit_mode == "notify":
        await groups.tell_of_leave(session, group, person, policy=comparison.policy, cause=cause, now=comparison.now)


async def _note_violation(
    session: AsyncSession, comparison: GroupComparison, userid: WecomUserId, person: Person
) -> None:
    comparison.stays[userid].reason = FindingKind.UNAPPROVED_LEAVE.value
    cause = comparison.cause("member.unapproved_leave", FindingKind.UNAPPROVED_LEAVE.value)
    await publish_about_group(
        session, comparison.group, catalogue.MemberLeftUnapproved, cause=cause, now=comparison.now, person_id=person.id
    )
    fact = Fact(
        FindingKind.UNAPPROVED_LEAVE,
        subject=userid,
        person_id=person.id,
        who=comparison.name_of(userid),
        facts=FindingDetails(severity="warning", last_seen_at=_iso(comparison.group.observed_at)),
    )
    await findings.note(session, comparison.group, fact, policy=comparison.policy, now=comparison.now)


async def _replace_owner(session: AsyncSession, comparison: GroupComparison, former: Person) -> None:
    is_violation = comparison.exit_mode == "approve"
    cause = comparison.cause("group.owner", FindingKind.UNAPPROVED_LEAVE.value if is_violation else _LEFT)
    said = "未经批准退群" if is_violation else "已退群"
    await groups.ask_for_an_owner(
        session, comparison.group, former, said, policy=comparison.policy, cause=cause, now=comparison.now
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
