"""The last step of a run: compare, decide about the losses, apply, report. One transaction, no platform call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.policy import service as policies
from app.policy.sections.org import OrgRule
from app.sync import messages, queries, runs
from app.sync.changes.apply import apply
from app.sync.changes.compare import (
    Comparison,
    Scope,
    compare,
    count_changes,
    drop_losses,
    list_changes,
    release_effect,
)
from app.sync.changes.loss_budget import LossCount
from app.sync.changes.report import BadRows, Counts, Held, HeldLosses, Loss, Orphans, ReleaseFacts, SyncReport, TagRow
from app.sync.changes.tags import TagContent, TagOutcome, apply_tags
from app.sync.errors import RunLost, StagedRowsGone
from app.sync.reading import staging, unchanged
from models.ids import SyncRunId
from models.org import SyncRun, SyncState

MOST_NAMES = 1_000
"""The most objects that a report names. The counts are always complete."""


@dataclass(frozen=True)
class SyncReading:
    """What a run has read and staged."""

    run_id: UUID
    as_of: datetime
    ids_complete: bool
    departments_complete: bool
    unchanged: list[str] = field(default_factory=list)
    """Who was read as before and is not staged."""
    places_of_unchanged: set[int] = field(default_factory=set)
    tags: list[TagContent] = field(default_factory=list)
    details_complete: bool = False
    unusable: BadRows = field(default_factory=BadRows)
    repaired: BadRows = field(default_factory=BadRows)
    explanations: list[str] = field(default_factory=list)

    def scope(self, *, missing_limit: int) -> Scope:
        return Scope(
            run_id=self.run_id,
            as_of=self.as_of,
            ids_complete=self.ids_complete,
            departments_complete=self.departments_complete,
            missing_limit=missing_limit,
            unchanged=self.unchanged,
        )


async def apply_run(session: AsyncSession, reading: SyncReading, *, now: datetime) -> SyncRun:
    """Apply what the run has read. Losses beyond the budget are held until a person decides."""
    run = await session.get(SyncRun, reading.run_id, with_for_update={"key_share": True}, populate_existing=True)
    if run is None or run.state is not SyncState.RUNNING:
        raise RunLost(str(reading.run_id))
    org = (await policies.in_force(session, now=now)).document.org
    comparison = await compare(session, reading.scope(missing_limit=org.missing_runs), org.loss_budget)
    report = await _report(session, reading, comparison)
    if run.dry_run:
        return await _finish_dry(session, run, reading, comparison, report, org, now=now)
    await drop_losses(session, comparison.decision)
    counts = await count_changes(session)
    await apply(session, run_id=run.id, now=now)
    tags = await apply_tags(session, reading.tags, budget=org.loss_budget, run_id=run.id, now=now)
    report = _with_tags(report, tags)
    await runs.supersede_held(session, by=run.id, now=now)
    if not report.is_complete:
        report = report.explained(await runs.read_the_rest_soon(session, now=now))
    state = SyncState.DONE
    if comparison.decision.holds or tags.held:
        state = SyncState.HELD
        report = report.model_copy(update={"release": _facts_for_release(report, tags)})
        await staging.keep_unchanged(session, run_id=run.id, userids=reading.unchanged)
    else:
        await unchanged.remember(session, run_id=run.id, as_of=reading.as_of, now=now)
    await runs.finish(session, run, state=state, now=now, counts=_counts(counts, tags), report=report)
    return run


async def _finish_dry(
    session: AsyncSession,
    run: SyncRun,
    reading: SyncReading,
    comparison: Comparison,
    report: SyncReport,
    org: OrgRule,
    *,
    now: datetime,
) -> SyncRun:
    """Report what would happen, with names (F27). Only the run's own row is written."""
    changes = await list_changes(session, limit=MOST_NAMES)
    tags = await apply_tags(session, reading.tags, budget=org.loss_budget, run_id=None, now=now, write=False)
    report = _with_tags(report.model_copy(update={"changes": changes}), tags)
    counts = _counts(comparison.counts, tags)
    await runs.finish(session, run, state=SyncState.DONE, now=now, counts=counts, report=report)
    return run


async def _report(session: AsyncSession, reading: SyncReading, comparison: Comparison) -> SyncReport:
    explanations = list(reading.explanations)
    orphans = await queries.orphans(session, reading.run_id, besides=reading.places_of_unchanged)
    if orphans.departments:
        explanations.append(messages.orphan_departments(orphans.departments))
    if orphans.places:
        explanations.append(messages.orphan_memberships(orphans.places))
    if rings := await queries.rings(session, reading.run_id):
        explanations.append(messages.rings(rings))
    count, newcomers = await queries.newcomers_without_details(session, reading.run_id)
    if count:
        explanations.append(messages.newcomers_without_details(count, newcomers))
    report = SyncReport(
        explanations=explanations,
        ids_complete=reading.ids_complete,
        departments_complete=reading.departments_complete,
        details_complete=reading.details_complete,
        bad_rows=reading.unusable,
        repaired=reading.repaired,
        staged=await staging.count_staged(session, run_id=reading.run_id, unchanged=len(reading.unchanged)),
        orphans=Orphans(departments=orphans.departments, memberships=orphans.places),
        rings=rings,
    )
    if comparison.decision.holds:
        held = await _held(session, comparison)
        said = [_held_sentence(comparison)]
        if held.on_release is not None:
            said.append(messages.on_release(held.on_release))
        report = report.explained(*said).model_copy(update={"held": held})
    return report


async def _held(session: AsyncSession, comparison: Comparison) -> Held:
    decision, losses = comparison.decision, comparison.losses
    names = await list_changes(session, limit=MOST_NAMES, losses_only=True)
    return Held(
        people=names.people if decision.holds_people else [],
        departments=names.departments if decision.departments else [],
        on_release=await release_effect(session, limit=MOST_NAMES) if decision.holds_people else None,
        losses=HeldLosses(
            people=_loss(losses.people),
            departments=_loss(losses.departments),
            group_places=_loss(losses.group_places),
            sight=_loss(losses.sight),
        ),
    )


def _loss(tally: LossCount) -> Loss:
    return Loss(lost=tally.lost, of=tally.total)


def _held_sentence(comparison: Comparison) -> str:
    decision, losses = comparison.decision, comparison.losses
    return messages.held(
        people=(losses.people.lost, losses.people.total) if decision.people else None,
        sight=(losses.sight.lost, losses.sight.total) if decision.sight else None,
        departments=(losses.departments.lost, losses.departments.total) if decision.departments else None,
        places=(losses.group_places.lost, losses.group_places.total) if decision.group_places else None,
    )


def _counts(changes: Counts, tags: TagOutcome) -> Counts:
    return changes.model_copy(update={"tags": tags.counts})


def _with_tags(report: SyncReport, tags: TagOutcome) -> SyncReport:
    if not tags.held:
        return report
    held = (report.held or Held()).model_copy(update={"tags": tags.held})
    sentences = [messages.tag_held(tag.name, tag.before, tag.after) for tag in tags.held]
    return report.explained(*sentences).model_copy(update={"held": held})


def _facts_for_release(report: SyncReport, tags: TagOutcome) -> ReleaseFacts:
    return ReleaseFacts(
        ids_complete=report.ids_complete,
        departments_complete=report.departments_complete,
        staged=report.staged,
        tags=[TagRow(**tag.model_dump(exclude={"before"})) for tag in tags.held],
    )


async def release(session: AsyncSession, *, run_id: SyncRunId, actor: Actor, now: datetime) -> SyncRun:
    """A person looked and said yes: compare once more with what the run had read, and apply the losses too.

    What has changed since the run began is newer than its reading and stays (a person whom a callback brought back).
    Who was missing has left: the person's word takes the place of the second reading.
    """
    run = await runs.get_held(session, run_id=run_id)
    facts = SyncReport.of(run).facts_for_release()
    as_before = await staging.unchanged_of(session, run_id=run.id)
    if await staging.count_staged(session, run_id=run.id, unchanged=len(as_before)) != facts.staged:
        raise StagedRowsGone(
            "这次同步读取的数据已不在，请重新同步后再放行", "What this sync read is gone: sync again, then release"
        )
    org = (await policies.in_force(session, now=now)).document.org
    reading = _reading_of(run, facts, as_before)
    comparison = await compare(session, reading.scope(missing_limit=1), org.loss_budget)
    await apply(session, run_id=run.id, now=now)
    tags = await apply_tags(session, reading.tags, budget=None, run_id=run.id, now=now)
    released = _counts(comparison.counts, tags)
    run.counts = Counts.of(run).model_copy(update={"released": released}).dump()
    await runs.decide_held(session, run, state=SyncState.RELEASED, actor=actor, now=now)
    return run


def _reading_of(run: SyncRun, facts: ReleaseFacts, as_before: list[str]) -> SyncReading:
    return SyncReading(
        run_id=run.id,
        as_of=run.started_at,
        ids_complete=facts.ids_complete,
        departments_complete=facts.departments_complete,
        unchanged=as_before,
        tags=[TagContent.stored(row) for row in facts.tags],
    )
