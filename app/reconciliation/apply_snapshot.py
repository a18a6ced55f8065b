"""Policy 2.7: compare the desired state of a group with what the platform shows.

The platform sends no event for a change in an internal group. A snapshot is taken outside of any transaction
(`app.groups.snapshot`); everything here is one transaction over it. The comparison leaves alone whatever one of our own
changes concerns that the snapshot may not show yet.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.events.service import catalogue
from app.findings import queries as findings_queries
from app.findings import service as findings
from app.findings.service import RECONCILER
from app.groups import queries
from app.groups import service as groups
from app.groups.service import Cause, GroupSnapshot, publish_about_group
from app.org import queries as org
from app.reconciliation.believable_loss import is_believable, note_losses
from app.reconciliation.comparison import GroupComparison, load_comparison
from app.reconciliation.note_differences import note_differences
from models.groups import FindingKind, Group, GroupFinding, GroupState
from models.ids import GroupId, WecomUserId

_CLOSED_BY_A_PERSON = frozenset({FindingKind.UNAPPROVED_LEAVE, FindingKind.OWNER_LEFT})
"""These findings report an act, which remains a fact when the rosters agree again."""


async def to_ask_about(
    session: AsyncSession, *, group_id: GroupId, snapshot: GroupSnapshot, accept_losses: bool = False, now: datetime
) -> list[str]:
    """Whom to look up on the platform before we say that they left. Nobody, if the snapshot is not believable."""
    group = await queries.group(session, group_id)
    comparison = await load_comparison(session, group, snapshot, gone=(), now=now)
    return list(comparison.unexplained) if is_believable(comparison) or accept_losses else []


async def apply_snapshot(
    session: AsyncSession,
    *,
    group_id: GroupId,
    snapshot: GroupSnapshot,
    gone: Collection[WecomUserId] = (),
    accept_losses: bool = False,
    now: datetime,
) -> None:
    """Apply a snapshot: the observed columns, new findings, findings that are over, the registered name restored.

    A snapshot that is not believable changes nothing and opens a finding; with `accept_losses` a person vouches for it.
    A snapshot older than one already applied is dropped. `gone` are members whose account no longer exists.
    """
    await _settle_unknown_changes(session, group_id, snapshot, now=now)
    group = await queries.group_for_update(session, group_id)
    if group.observed_at is not None and group.observed_at > snapshot.at:
        return
    if group.state is GroupState.LOST:
        await _found_again(session, group, now=now)
    if group.state not in {GroupState.ACTIVE, GroupState.CLOSING}:
        return
    comparison = await load_comparison(session, group, snapshot, gone=gone, now=now)
    if not is_believable(comparison) and not (accept_losses and snapshot.userids):
        await note_losses(session, comparison)
        return
    open_now = await note_differences(session, comparison)
    await _close_what_is_over(session, comparison, open_now)
    await _ask_who_owns_it(session, comparison)
    group.observed_at = snapshot.at
    await session.flush()


# ---------------------------------------------------------------- before the comparison


async def _settle_unknown_changes(
    session: AsyncSession, group_id: GroupId, snapshot: GroupSnapshot, *, now: datetime
) -> None:
    """Runs before the group is locked: the ledger locks the call first, as everywhere."""
    if not snapshot.userids:
        return
    for call_id in await queries.calls_of_unknown_outcome(session, group_id):
        await groups.settle_unknown(session, call_id=call_id, snapshot=snapshot, now=now)


async def _found_again(session: AsyncSession, group: Group, *, now: datetime) -> None:
    group.state, group.state_detail, group.ended_at, group.updated_at = GroupState.ACTIVE, None, None, now
    cause = Cause("reconcile", "group.roster", group.policy_version_id, RECONCILER)
    await publish_about_group(session, group, catalogue.GroupFoundAgain, cause=cause, now=now)


# ---------------------------------------------------------------- who owns it


async def _ask_who_owns_it(session: AsyncSession, comparison: GroupComparison) -> None:
    """Whoever was asked is asked no more once the group is lost: one that is found again still waits for an owner."""
    group = comparison.group
    if group.state is not GroupState.ACTIVE or not await groups.waits_for_owner(session, group):
        return
    former = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id]
    cause = comparison.cause("group.owner")
    await groups.ask_for_an_owner(
        session, group, former, "离任", policy=comparison.policy, cause=cause, now=comparison.now
    )


# ---------------------------------------------------------------- what is over


async def _close_what_is_over(
    session: AsyncSession, comparison: GroupComparison, open_now: set[tuple[FindingKind, str]]
) -> None:
    pending = comparison.pending
    under_way = {FindingKind.RENAMED: pending.name, FindingKind.OWNER_CHANGED: pending.owner}
    for finding in await findings_queries.open_findings(session, comparison.group.id):
        unsettled = finding.subject_userid in pending.userids or under_way.get(finding.kind, False)
        if (finding.kind, finding.subject_userid) in open_now or unsettled:
            continue
        if resolution := _is_over(comparison, finding):
            await findings.resolve(session, finding, resolution=resolution, now=comparison.now)
            comparison.group.updated_at = comparison.now


def _is_over(comparison: GroupComparison, finding: GroupFinding) -> str | None:
    if finding.kind not in _CLOSED_BY_A_PERSON:
        return "核对一致"
    userid = WecomUserId(finding.subject_userid)
    if finding.kind is FindingKind.UNAPPROVED_LEAVE and userid in comparison.snapshot.userids:
        return "本人已回到群内"
    return None
