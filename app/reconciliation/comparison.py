"""One group, what was read of it, and everybody whom that concerns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.findings.service import RECONCILER
from app.groups import queries
from app.groups import succession as departures
from app.groups.roster import Cause
from app.groups.snapshot import Reading
from app.org import queries as org
from app.org.rules import is_gone
from app.policy import service as policies
from app.policy.service import Policy
from app.reconciliation import rules
from app.reconciliation.rules import RosterDifference, Stay
from models.delivery import OutgoingCall
from models.groups import Group, GroupMember
from models.ids import WecomUserId, fold
from models.org import Person

SETTLING = timedelta(seconds=5)
"""How far apart the clocks of two processes may be when one reads and another changes."""


@dataclass
class Case:
    """One group, what was read of it, and what we know about whom that concerns."""

    group: Group
    reading: Reading
    policy: Policy
    now: datetime
    stays: dict[WecomUserId, GroupMember]
    people: dict[UUID, Person]
    under_way: list[OutgoingCall]
    gone: Collection[WecomUserId]
    """Asked by name, and the platform knows them no more: they departed, they did not just leave."""

    @property
    def settling(self) -> set[WecomUserId]:
        return departures.concerned(self.under_way)

    @property
    def difference(self) -> RosterDifference:
        rows = [Stay(userid, stay.person_id, stay.desired, stay.observed) for userid, stay in self.stays.items()]
        return rules.difference(rows, self.reading.userids, settling=self.settling)

    @property
    def unexplained(self) -> list[WecomUserId]:
        """Missing without an approval, and not because their account ended."""
        return sorted(
            userid
            for userid in self.difference.missing
            if userid not in self.gone and not is_gone(self.people[self.stays[userid].person_id])
        )

    @property
    def is_believable(self) -> bool:
        """P6: an answer that loses nearly everybody is a wrong answer until a person says otherwise."""
        seen = sum(stay.desired and stay.observed for stay in self.stays.values())
        return rules.is_believable_loss(len(self.unexplained), seen, self.policy.document.org.loss_budget) and bool(
            self.reading.userids
        )

    def cause(self, rule_key: str, reason: str = "reconcile") -> Cause:
        return Cause(reason, rule_key, self.policy.id, RECONCILER)

    def name_of(self, userid: WecomUserId) -> str:
        stay = self.stays.get(userid)
        shown = self.reading.userids.get(userid, userid)
        return f"{self.people[stay.person_id].name}（{shown}）" if stay else f"账号 {shown}"


async def load_case(
    session: AsyncSession, group: Group, reading: Reading, *, gone: Collection[WecomUserId], now: datetime
) -> Case:
    # Wanted ones last: a userid that was used again names the person of today.
    rows = sorted(await queries.current_stays(session, group.id), key=lambda row: row.desired)
    userids = await org.last_userids_of(session, [row.person_id for row in rows])
    return Case(
        group=group,
        reading=reading,
        policy=await policies.in_force(session, now=now),
        now=now,
        stays={fold(userids[row.person_id]): row for row in rows},
        people=await org.people_by_id(session, [row.person_id for row in rows]),
        under_way=await queries.changes_under_way(session, group.id, since=reading.at - SETTLING),
        gone=gone,
    )
