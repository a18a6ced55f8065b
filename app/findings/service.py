"""Differences that nobody approved: noted once, told once, closed when they are gone or a person closes them (P4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor, ActorKind
from app.audit.why import About, Why
from app.events.service import catalogue, publish
from app.findings import messages, queries, tell
from app.findings.details import FindingDetails
from app.findings.errors import FindingClosed
from app.observability import current_correlation_id, get_logger
from app.org.rules import may_act
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from models.audit import ObjectKind
from models.groups import FindingKind, FindingState, Group, GroupFinding
from models.ids import FindingId, GroupId, PersonId

__all__ = [
    "RECONCILER",
    "RULES",
    "Fact",
    "FindingDetails",
    "about",
    "administrators",
    "note",
    "resolve",
    "resolve_about",
    "resolve_by_hand",
    "tell_administrators",
]

log = get_logger()

RECONCILER = Actor(ActorKind.SYSTEM, "reconcile")

RULES: dict[FindingKind, str] = {
    FindingKind.UNAPPROVED_LEAVE: "member.unapproved_leave",
    FindingKind.UNAPPROVED_JOIN: "member.unapproved_join",
    FindingKind.RENAMED: "group.name",
    FindingKind.OWNER_CHANGED: "group.owner",
    FindingKind.DISSOLVED: "group.dissolved",
    FindingKind.OWNER_LEFT: "group.owner",
    FindingKind.ROSTER_LOSS: "group.roster_loss",
    FindingKind.TOO_FEW: "platform.fewest_members",
}


_FOR_SUPERVISORS = frozenset({FindingKind.OWNER_LEFT})
"""Its administrators cannot help: they have gone, or have been asked in vain."""


@dataclass(frozen=True)
class Fact:
    """What was found, about whom, and the words for it."""

    kind: FindingKind
    subject: str = ""
    """The userid it is about, folded; one open finding per (group, kind, subject)."""
    person_id: UUID | None = None
    who: str = ""
    detail: str = ""
    facts: FindingDetails = field(default_factory=FindingDetails)
    rule: str = ""
    """The rule that it is about, where that is another one than the kind's."""

    @property
    def rule_key(self) -> str:
        return self.rule or RULES[self.kind]

    @property
    def details(self) -> FindingDetails:
        return self.facts.model_copy(update={"detail": self.detail}) if self.detail else self.facts


async def note(
    session: AsyncSession, group: Group, fact: Fact, *, policy: Policy, now: datetime, actor: Actor = RECONCILER
) -> GroupFinding | None:
    """Open the finding and tell the group's administrators. None when it stands open already: nothing is told twice.

    The caller holds the group's row, so that two readings do not note the same.
    """
    for known in await queries.open_findings(session, group.id):
        if (known.kind, known.subject_userid) == (fact.kind, fact.subject):
            if known.rule_key != fact.rule_key:
                _put_right(group, known, fact, policy=policy, now=now)
            return None
    finding = GroupFinding(
        group_id=group.id,
        kind=fact.kind,
        subject_userid=fact.subject,
        person_id=fact.person_id,
        details=fact.details.dump(),
        policy_version_id=policy.id,
        rule_key=fact.rule_key,
        correlation_id=current_correlation_id(),
        actor=str(actor),
        first_seen_at=now,
    )
    session.add(finding)
    group.updated_at = now
    await session.flush()
    await _publish(session, finding, catalogue.FindingOpened, actor=actor, now=now)
    log.info("finding.opened", group_id=str(group.id), kind=fact.kind.value, finding_id=str(finding.id))
    cited = policy.cite(fact.rule_key)
    text = messages.finding(group, fact.kind, who=fact.who, citation=cited, detail=fact.detail, rule_key=fact.rule_key)
    without = [fact.person_id] if fact.person_id else []
    if fact.kind in _FOR_SUPERVISORS:
        to = await _supervisors(session, policy, without=without)
    else:
        to = await _hearers(session, group, policy, without=without)
    why = Why(actor, finding.rule_key, policy.id)
    await tell.reach(session, about(group), to, text, why=why, finding_id=finding.id, now=now)
    return finding


def _put_right(group: Group, known: GroupFinding, fact: Fact, *, policy: Policy, now: datetime) -> None:
    """It is about another rule now, or was noted before that rule had words of its own. The register says so."""
    known.rule_key, known.policy_version_id, known.details = fact.rule_key, policy.id, fact.details.dump()
    group.updated_at = now
    log.info("finding.about_another_rule", finding_id=str(known.id), rule=fact.rule_key)


async def resolve(
    session: AsyncSession, finding: GroupFinding, *, resolution: str, actor: Actor = RECONCILER, now: datetime
) -> None:
    finding.state, finding.resolution, finding.resolved_at = FindingState.RESOLVED, resolution, now
    await _publish(session, finding, catalogue.FindingResolved, actor=actor, now=now, resolution=resolution)


async def resolve_about(
    session: AsyncSession, group: Group, kind: FindingKind, *, person_id: UUID, resolution: str, now: datetime
) -> None:
    for finding in await queries.open_findings(session, group.id):
        if finding.kind is kind and finding.person_id == person_id:
            await resolve(session, finding, resolution=resolution, now=now)


async def resolve_by_hand(
    session: AsyncSession, group: Group, *, finding_id: FindingId, resolution: str, actor: Actor, now: datetime
) -> GroupFinding:
    """A person has dealt with it. A difference that still shows at the next reading is a new finding.

    The caller holds the group's row. Raises `FindingNotFound` and `FindingClosed`.
    """
    finding = await queries.finding(session, GroupId(group.id), finding_id)
    if finding.state is FindingState.RESOLVED:
        raise FindingClosed(f"这条差异已处理：{finding.resolution}", "This finding has been resolved")
    await resolve(session, finding, resolution=resolution, actor=actor, now=now)
    return finding


async def administrators(session: AsyncSession, group: Group) -> list[PersonId]:
    """Owner and deputy, as far as they are there."""
    return [PersonId(one.id) for one in await roles.administrators_of(session, group) if may_act(one)]


async def tell_administrators(
    session: AsyncSession,
    group: Group,
    text: str,
    *,
    policy: Policy,
    why: Why,
    now: datetime,
    without: Collection[UUID] = (),
) -> None:
    """In one message with whatever else they are to hear then."""
    to = await _hearers(session, group, policy, without=without)
    await tell.reach(session, about(group), to, text, why=why, finding_id=None, now=now)


async def _hearers(session: AsyncSession, group: Group, policy: Policy, *, without: Collection[UUID]) -> list[PersonId]:
    """Owner and deputy; the supervising role of the policy when neither is there or both are concerned."""
    to = [one for one in await administrators(session, group) if one not in without]
    return to or await _supervisors(session, policy, without=without)


async def _supervisors(session: AsyncSession, policy: Policy, *, without: Collection[UUID]) -> list[PersonId]:
    """Whom `groups.supervised_by` of the policy names; of those, whom a message can reach, as long as there is one."""
    supervisors = await roles.resolve(session, policy.document.groups.supervised_by, Subject(), policy)
    others = [person for person in supervisors if person.id not in without]
    return [PersonId(person.id) for person in [one for one in others if may_act(one)] or others]


def about(group: Group) -> About:
    return About(ObjectKind.GROUP, group.id)


async def _publish(
    session: AsyncSession,
    finding: GroupFinding,
    event: type[catalogue.FindingEvent],
    *,
    actor: Actor,
    now: datetime,
    resolution: str = "",
) -> None:
    happened = event(
        finding_id=finding.id, group_id=finding.group_id, kind=finding.kind.value, person_id=finding.person_id
    )
    said = {"kind": finding.kind.value, "group_id": str(finding.group_id), "person_id": str(finding.person_id or "")}
    why = Why(actor, finding.rule_key, finding.policy_version_id)
    await publish(session, happened, why, now=now, details=said | ({"resolution": resolution} if resolution else {}))
