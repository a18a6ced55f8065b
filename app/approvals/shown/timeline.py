"""The way of a request so far: who was asked, reminded, who decided what and by which clause, and what became of it.

Who decided and who was asked is read from the request's own rows. Reminders, escalations and the outcome are events:
they are read from the audit trail, whose details may be erased (D17); what only they said is then left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as requests
from app.approvals.context import RequestContext, about
from app.audit import queries as audit
from app.audit.actor import Actor, ActorKind, person_actor
from app.events.service import catalogue
from app.org import service as org
from app.org.service import NamedPerson
from app.policy.service import Citation
from models.approvals import ConcernedPerson, Decision, RequestStep, StepApprover, StepState, Verdict
from models.audit import AuditEntry


class EntryKind(StrEnum):
    SUBMITTED = "submitted"
    TOLD = "told"  # whom it is about, where somebody else has applied
    ASKED = "asked"  # a step opened: whom it asks
    PASSED = "passed"  # a step went on without a decision
    REMINDED = "reminded"
    ESCALATED = "escalated"
    REASSIGNED = "reassigned"
    UNSTAFFED = "unstaffed"  # nobody is left who could decide
    DECIDED = "decided"  # one person's verdict
    OBJECTED = "objected"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DONE = "done"  # the platform has done it
    FAILED = "failed"
    RETRIED = "retried"


@dataclass(frozen=True)
class TimelineEntry:
    kind: EntryKind
    at: datetime
    clause: Citation | None
    """None where the policy version of the request is older than the rule."""
    people: Sequence[NamedPerson] = ()
    """Who did it; of `asked`, `escalated` and `reassigned`: who was asked."""
    step: str = ""
    """Its name: 部门负责人. Empty for what concerns the whole request."""
    position: int | None = None
    is_offer: bool = False
    """Of a step: somebody is asked whether they take something on."""
    verdict: Verdict | None = None
    text: str = ""
    """A comment, a reason, or why it is so."""
    via: str = ""
    """`card`, `rest`, `console`."""
    recorded_by: str = ""
    """Who passed it on in the person's name, as `kind:id`: an API key."""
    due_at: datetime | None = None
    """Of the step that is open."""


_FROM_THE_TRAIL: Mapping[str, EntryKind] = {
    catalogue.RequestReminded.type: EntryKind.REMINDED,
    catalogue.RequestEscalated.type: EntryKind.ESCALATED,
    catalogue.RequestReassigned.type: EntryKind.REASSIGNED,
    catalogue.RequestUnstaffed.type: EntryKind.UNSTAFFED,
    catalogue.RequestApproved.type: EntryKind.APPROVED,
    catalogue.RequestRejected.type: EntryKind.REJECTED,
    catalogue.RequestWithdrawn.type: EntryKind.WITHDRAWN,
    catalogue.RequestDone.type: EntryKind.DONE,
    catalogue.RequestFailed.type: EntryKind.FAILED,
    catalogue.RequestRetried.type: EntryKind.RETRIED,
}
_OF_STEPS = frozenset({EntryKind.REMINDED, EntryKind.ESCALATED, EntryKind.REASSIGNED, EntryKind.UNSTAFFED})
_BY_A_PERSON = frozenset({EntryKind.WITHDRAWN, EntryKind.RETRIED})
"""Of the others the actor is who decided last, or the service."""
_LAST = 1_000
"""Behind every step: what happens to the request at the same moment follows from the decision."""


@dataclass
class _Story:
    context: RequestContext
    steps: Sequence[RequestStep]
    approvers: Sequence[StepApprover]
    people: Mapping[UUID, NamedPerson]
    entries: list[tuple[tuple[datetime, int, int], TimelineEntry]] = field(default_factory=list)

    def add(self, kind: EntryKind, at: datetime, rule_key: str | None, *, place: int, rank: int, **said: Any) -> None:
        """`place`, `rank`: where it stands among what happened at the same moment."""
        self.entries.append(((at, place, rank), TimelineEntry(kind, at, self.cite(rule_key), **said)))

    def cite(self, rule_key: str | None) -> Citation | None:
        policy = self.context.policy
        return policy.cite(rule_key) if rule_key and rule_key in policy.document.rules else None

    def named(self, ids: Iterable[UUID]) -> list[NamedPerson]:
        return [self.people[one] for one in dict.fromkeys(ids) if one in self.people]

    def of_step(self, step: RequestStep) -> dict[str, Any]:
        is_offer = self.context.rule_of(step).is_offer
        return {"step": step.name, "position": step.position, "is_offer": is_offer}

    def open_at(self, moment: datetime) -> RequestStep | None:
        """The step that was open then."""
        open_then = [
            step
            for step in self.steps
            if step.opened_at and step.opened_at <= moment and (step.decided_at is None or moment <= step.decided_at)
        ]
        return open_then[-1] if open_then else None


async def timeline_of(session: AsyncSession, context: RequestContext) -> list[TimelineEntry]:
    """Everything that has happened to it, in order."""
    request = context.request
    steps = await requests.steps_of(session, request.id)
    approvers = await requests.all_approvers_of(session, [step.id for step in steps])
    decisions = await requests.decisions_about(session, request.id)
    concerned = await requests.concerned_by(session, request.id)
    trail = await audit.trail_of(session, about(request))
    named = {request.requester_id, *(row.person_id for row in approvers), *(row.person_id for row in decisions)}
    named |= {row.person_id for row in concerned}
    named |= {one for entry, _ in trail if (one := _actor_of(entry)) is not None}
    story = _Story(context, steps, approvers, await org.named_people(session, named))
    _tell_submission(story, concerned)
    for step in steps:
        _tell_step(story, step, has_moved=_has_moved(step, trail))
    _tell_verdicts(story, decisions, concerned)
    for entry, details in trail:
        if entry.action in _FROM_THE_TRAIL:
            _tell_event(story, entry, details)
    return [entry for _, entry in sorted(story.entries, key=lambda one: one[0])]


def _tell_submission(story: _Story, concerned: Sequence[ConcernedPerson]) -> None:
    request = story.context.request
    requester = [request.requester_id] if story.context.kind.is_applied_for else []
    story.add(
        EntryKind.SUBMITTED,
        request.submitted_at,
        request.rule_key,
        place=0,
        rank=0,
        people=story.named(requester),
        text=request.reason,
        recorded_by=_passed_on(request.submitted_by, request.requester_id),
    )
    if concerned:
        told = story.named(row.person_id for row in concerned)
        first = min(row.told_at for row in concerned)
        story.add(EntryKind.TOLD, first, request.rule_key, place=0, rank=1, people=told)


def _tell_step(story: _Story, step: RequestStep, *, has_moved: bool) -> None:
    """`has_moved`: others were asked later, and the note of the step speaks of that."""
    facts = story.of_step(step)
    if step.opened_at:
        asked = [row.person_id for row in story.approvers if row.step_id == step.id and row.added_at <= step.opened_at]
        is_open = step.state is StepState.OPEN
        story.add(
            EntryKind.ASKED,
            step.opened_at,
            step.rule_key,
            place=step.position,
            rank=0,
            people=story.named(asked),
            text="" if has_moved or step.state is StepState.SKIPPED else step.note or "",
            due_at=step.due_at if is_open else None,
            **facts,
        )
    if step.state is StepState.SKIPPED and step.decided_at:
        text = step.note or ""
        story.add(EntryKind.PASSED, step.decided_at, step.rule_key, place=step.position, rank=3, text=text, **facts)


def _has_moved(step: RequestStep, trail: Sequence[tuple[AuditEntry, Mapping[str, Any]]]) -> bool:
    moves = {catalogue.RequestEscalated.type, catalogue.RequestReassigned.type, catalogue.RequestUnstaffed.type}
    since, until = step.opened_at, step.decided_at
    return any(
        entry.action in moves and since is not None and since <= entry.at and (until is None or entry.at <= until)
        for entry, _ in trail
    )


def _tell_verdicts(story: _Story, decisions: Sequence[Decision], concerned: Sequence[ConcernedPerson]) -> None:
    steps = {step.id: step for step in story.steps}
    for one in decisions:
        step = steps[one.step_id]
        story.add(
            EntryKind.DECIDED,
            one.decided_at,
            one.rule_key,
            place=step.position,
            rank=2,
            people=story.named([one.person_id]),
            verdict=one.verdict,
            text=one.comment,
            via=one.via,
            recorded_by=_passed_on(one.actor, one.person_id),
            **story.of_step(step),
        )
    for row in concerned:
        if row.objected_at:
            story.add(
                EntryKind.OBJECTED,
                row.objected_at,
                story.context.request.rule_key,
                place=0,
                rank=2,
                people=story.named([row.person_id]),
                text=row.objection,
                via=row.via or "",
                recorded_by=_passed_on(row.actor or "", row.person_id),
            )


def _tell_event(story: _Story, entry: AuditEntry, details: Mapping[str, Any]) -> None:
    kind = _FROM_THE_TRAIL[entry.action]
    text = str(details.get("detail") or "")
    if kind in _OF_STEPS:
        step = story.open_at(entry.at)
        facts = story.of_step(step) if step else {}
        asked = [
            row.person_id for row in story.approvers if step and row.step_id == step.id and row.added_at == entry.at
        ]
        place = step.position if step else _LAST
        story.add(kind, entry.at, entry.rule_key, place=place, rank=1, people=story.named(asked), text=text, **facts)
        return
    actor = _actor_of(entry) if kind in _BY_A_PERSON else None
    story.add(
        kind,
        entry.at,
        entry.rule_key,
        place=_LAST,
        rank=list(_FROM_THE_TRAIL.values()).index(kind),
        people=story.named([actor] if actor else []),
        text=text,
        recorded_by=str(details.get("recorded_by") or ""),
    )


def _actor_of(entry: AuditEntry) -> UUID | None:
    return UUID(entry.actor_id) if entry.actor_kind == ActorKind.PERSON.value else None


def _passed_on(actor: str, person_id: UUID) -> str:
    """Empty where the person acted themselves."""
    return "" if not actor or Actor.parse(actor) == person_actor(person_id) else actor
