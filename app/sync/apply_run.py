"""The last step of a reading: compare, decide about the losses, apply, report. One transaction, no platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.policy import service as policies
from app.policy.sections.org import OrgRule
from app.sync import messages, queries, runs
from app.sync.changes import staging
from app.sync.changes.apply import apply
from app.sync.changes.compare import Comparison, Scope, compare, count_changes, drop_losses, list_changes
from app.sync.changes.tags import TagContent, TagOutcome, apply_tags
from app.sync.errors import RunLost, StagedRowsGone
from app.sync.rules import Tally
from models.ids import SyncRunId
from models.org import SyncRun, SyncState

MOST_NAMES = 1_000
"""A report names so many; the counts are always complete."""


@dataclass(frozen=True)
class Reading:
    """What a run has read and staged."""

    run_id: UUID
    as_of: datetime
    ids_complete: bool
    departments_complete: bool
    tags: list[TagContent] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    explanations: list[str] = field(default_factory=list)

    def scope(self, *, missing_limit: int) -> Scope:
        return Scope(
            run_id=self.run_id,
            as_of=self.as_of,
            ids_complete=self.ids_complete,
            departments_complete=self.departments_complete,
            missing_limit=missing_limit,
        )


async def reckon(session: AsyncSession, reading: Reading, *, now: datetime) -> SyncRun:
    """Losses within the budget are applied with the rest; beyond it they stay as they are until a person decides."""
    run = await session.get(SyncRun, reading.run_id, with_for_update={"key_share": True}, populate_existing=True)
    if run is None or run.state is not SyncState.RUNNING:
        raise RunLost(str(reading.run_id))
    org = (await policies.in_force(session, now=now)).document.org
    comparison = await compare(session, reading.scope(missing_limit=org.missing_runs), org.loss_budget)
    report = await _report(session, reading, comparison)
    if run.dry_run:
        return await _finish_dry(session, run, reading, comparison, report, org, now=now)
    await drop_losses(session, comparison.decision)
    counts: dict[str, Any] = dict(await count_changes(session))
    await apply(session, run_id=run.id, now=now)
    tags = await apply_tags(session, reading.tags, budget=org.loss_budget, run_id=run.id, now=now)
    _add_tags(report, counts, tags)
    await runs.supersede_held(session, by=run.id, now=now)
    state = SyncState.HELD if comparison.decision.holds or tags.held else SyncState.DONE
    await runs.finish(session, run, state=state, now=now, counts=counts, report=report)
    return run


async def _finish_dry(
    session: AsyncSession,
    run: SyncRun,
    reading: Reading,
    comparison: Comparison,
    report: dict[str, Any],
    org: OrgRule,
    *,
    now: datetime,
) -> SyncRun:
    """What would happen, with names (F27); only the run's own row is written."""
    report["changes"] = await list_changes(session, limit=MOST_NAMES)
    counts: dict[str, Any] = dict(comparison.counts)
    tags = await apply_tags(session, reading.tags, budget=org.loss_budget, run_id=None, now=now, write=False)
    _add_tags(report, counts, tags)
    await runs.finish(session, run, state=SyncState.DONE, now=now, counts=counts, report=report)
    return run


async def _report(session: AsyncSession, reading: Reading, comparison: Comparison) -> dict[str, Any]:
    explanations = list(reading.explanations)
    orphans = await queries.orphans(session, reading.run_id)
    if orphans.departments:
        explanations.append(messages.orphan_departments(orphans.departments))
    if orphans.places:
        explanations.append(messages.orphan_memberships(orphans.places))
    report: dict[str, Any] = dict(reading.facts) | {
        "staged": await staging.count_staged(session, run_id=reading.run_id),
        "orphans": {"departments": orphans.departments, "memberships": orphans.places},
    }
    if comparison.decision.holds:
        explanations.append(_held_sentence(comparison))
        report["held"] = await _held(session, comparison)
    return report | {"explanations": explanations}


async def _held(session: AsyncSession, comparison: Comparison) -> dict[str, Any]:
    decision, losses = comparison.decision, comparison.losses
    names = await list_changes(session, limit=MOST_NAMES, losses_only=True)
    return {
        "people": names["people"] if decision.holds_people else [],
        "departments": names["departments"] if decision.departments else [],
        "losses": {
            "people": _pair(losses.people),
            "departments": _pair(losses.departments),
            "group_places": _pair(losses.group_places),
        },
    }


def _pair(tally: Tally) -> dict[str, int]:
    return {"lost": tally.lost, "of": tally.total}


def _held_sentence(comparison: Comparison) -> str:
    decision, losses = comparison.decision, comparison.losses
    return messages.held(
        people=(losses.people.lost, losses.people.total) if decision.people else None,
        departments=(losses.departments.lost, losses.departments.total) if decision.departments else None,
        places=(losses.group_places.lost, losses.group_places.total) if decision.group_places else None,
    )


def _add_tags(report: dict[str, Any], counts: dict[str, Any], tags: TagOutcome) -> None:
    counts["tags"] = tags.counts
    if not tags.held:
        return
    report.setdefault("held", {})["tags"] = tags.held
    for tag in tags.held:
        after = len(tag["userids"]) + len(tag["department_ids"])
        report["explanations"].append(messages.tag_held(tag["name"], tag["before"], after))


async def release(session: AsyncSession, *, run_id: SyncRunId, actor: Actor, now: datetime) -> SyncRun:
    """A person looked and said yes: compare once more with what the run had read, and apply the losses too.

    What has changed since the run began is newer than its reading and stays (a person whom a callback brought back).
    """
    run = await runs.get_held(session, run_id=run_id)
    if await staging.count_staged(session, run_id=run.id) != run.report.get("staged"):
        raise StagedRowsGone("这次同步读取的数据已不在，请重新同步后再放行")
    org = (await policies.in_force(session, now=now)).document.org
    reading = _reading_of(run)
    comparison = await compare(session, reading.scope(missing_limit=org.missing_runs), org.loss_budget)
    await apply(session, run_id=run.id, now=now)
    tags = await apply_tags(session, reading.tags, budget=None, run_id=run.id, now=now)
    run.counts = run.counts | {"released": dict(comparison.counts) | {"tags": tags.counts}}
    await runs.decide_held(session, run, state=SyncState.RELEASED, actor=actor, now=now)
    return run


def _reading_of(run: SyncRun) -> Reading:
    report: Mapping[str, Any] = run.report
    held_tags = report.get("held", {}).get("tags", [])
    return Reading(
        run_id=run.id,
        as_of=run.started_at,
        ids_complete=bool(report.get("ids_complete")),
        departments_complete=bool(report.get("departments_complete")),
        tags=[TagContent(tag["id"], tag["name"], tag["userids"], tag["department_ids"]) for tag in held_tags],
    )
