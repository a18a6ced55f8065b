"""Policy 2.7: the roster that we want beside the one that the platform shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.findings.service import RECONCILER
from app.groups import queries
from app.groups.service import Cause, GroupSnapshot, PendingChanges, pending_changes
from app.org import queries as org
from app.org.rules import is_gone
from app.policy import service as policies
from app.policy.service import Policy
from models.groups import Group, GroupMember
from models.ids import WecomUserId, fold
from models.org import Person

SETTLING = timedelta(seconds=5)
"""How far apart the clocks of two processes may be when one reads and another changes."""


@dataclass(frozen=True)
class Stay:
    """One current row of the roster."""

    userid: WecomUserId
    person_id: UUID
    desired: bool
    observed: bool


@dataclass(frozen=True)
class RosterDifference:
    """Members by how roster and snapshot differ. Nobody whom a change under way concerns is in any of the sets."""

    present: frozenset[WecomUserId]
    """In the group and in our rows."""
    should_leave: frozenset[WecomUserId]
    """Those of the present who are not desired."""
    unregistered: frozenset[WecomUserId]
    """In the group, in none of our rows."""
    missing: frozenset[WecomUserId]
    """Desired and observed before, but not in the group now."""
    has_left: frozenset[WecomUserId]
    """Not desired and not in the group: the stay is over."""


def compare_roster(
    stays: Sequence[Stay], present: Collection[WecomUserId], *, pending: Collection[WecomUserId] = ()
) -> RosterDifference:
    """Somebody desired but never observed is in none of the sets: the change that adds them tells what became of it."""
    settled = [stay for stay in stays if stay.userid not in pending]
    inside = frozenset(stay.userid for stay in settled if stay.userid in present)
    outside = [stay for stay in settled if stay.userid not in present]
    return RosterDifference(
        present=inside,
        should_leave=frozenset(stay.userid for stay in settled if stay.userid in inside and not stay.desired),
        unregistered=frozenset(present) - {stay.userid for stay in stays} - frozenset(pending),
        missing=frozenset(stay.userid for stay in outside if stay.desired and stay.observed),
        has_left=frozenset(stay.userid for stay in outside if not stay.desired),
    )


@dataclass
class GroupComparison:
    """A group, a snapshot of it, and what we know about everybody in either."""

    group: Group
    snapshot: GroupSnapshot
    policy: Policy
    now: datetime
    stays: dict[WecomUserId, GroupMember]
    people: dict[UUID, Person]
    pending: PendingChanges
    gone: Collection[WecomUserId]
    """Looked up one by one: their account no longer exists, so they did not just leave the group."""

    @property
    def difference(self) -> RosterDifference:
        rows = [Stay(userid, stay.person_id, stay.desired, stay.observed) for userid, stay in self.stays.items()]
        return compare_roster(rows, self.snapshot.userids, pending=self.pending.userids)

    @property
    def unexplained(self) -> list[WecomUserId]:
        """Missing without an approval, and not because their account ended."""
        return sorted(
            userid
            for userid in self.difference.missing
            if userid not in self.gone and not is_gone(self.people[self.stays[userid].person_id])
        )

    @property
    def seen_before(self) -> int:
        """How many members were desired and observed until now."""
        return sum(stay.desired and stay.observed for stay in self.stays.values())

    @property
    def exit_mode(self) -> str:
        """How people may leave (policy 2.5). A type that the policy does not name any more wants an approval."""
        rule = self.policy.document.groups.types.get(self.group.group_type)
        return rule.exit.mode if rule else "approve"

    def cause(self, rule_key: str, reason: str = "reconcile") -> Cause:
        return Cause(reason, rule_key, self.policy.id, RECONCILER)

    def name_of(self, userid: WecomUserId) -> str:
        stay = self.stays.get(userid)
        shown = self.snapshot.userids.get(userid, userid)
        return f"{self.people[stay.person_id].name}（{shown}）" if stay else f"账号 {shown}"


async def load_comparison(
    session: AsyncSession, group: Group, snapshot: GroupSnapshot, *, gone: Collection[WecomUserId], now: datetime
) -> GroupComparison:
    # Desired ones last: a userid that was given to somebody else names its present holder.
    rows = sorted(await queries.current_stays(session, group.id), key=lambda row: row.desired)
    userids = await org.last_userids_of(session, [row.person_id for row in rows])
    return GroupComparison(
        group=group,
        snapshot=snapshot,
        policy=await policies.in_force(session, now=now),
        now=now,
        stays={fold(userids[row.person_id]): row for row in rows},
        people=await org.people_by_id(session, [row.person_id for row in rows]),
        pending=await pending_changes(session, group, since=snapshot.at - SETTLING),
        gone=gone,
    )
