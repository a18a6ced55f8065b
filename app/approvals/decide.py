"""A verdict on the open step: exactly one winner, whoever clicks at the same moment (F55)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules, steps
from app.approvals.context import Case, given_so_far, load_case, record_request
from app.approvals.errors import AlreadyDecided, RequestNotFound
from app.approvals.kinds import Kinds
from app.audit.actor import Actor, person_actor
from app.cards.service import ClickedCard
from app.delivery import service as delivery
from app.errors import DomainError
from app.observability import current_correlation_id, get_logger
from models.approvals import Decision, OutcomeState, Request, RequestState, RequestStep, StepState, Verdict
from models.ids import PersonId, RequestId, StepId
from models.org import Person

log = get_logger()


@dataclass(frozen=True)
class Ballot:
    """One person's verdict as it comes in."""

    person: Person
    verdict: Verdict
    via: str
    """`card`, `rest`, `console`."""
    comment: str = ""
    clicked: ClickedCard | None = None
    recorded_by: Actor | None = None
    """The API key that passed it on."""

    @property
    def actor(self) -> Actor:
        return person_actor(self.person.id)


async def decide(
    session: AsyncSession,
    kinds: Kinds,
    *,
    person: Person,
    verdict: Verdict,
    via: str,
    now: datetime,
    comment: str = "",
    request_id: RequestId | None = None,
    step_id: StepId | None = None,
    clicked: ClickedCard | None = None,
    recorded_by: Actor | None = None,
) -> Request:
    """Decide a step (`step_id`), or the step that is open now (`request_id`).

    The request's row is locked first, so that of two people one decides and the other gets AlreadyDecided with the
    winner's name. The same person saying the same again changes nothing.
    """
    ballot = Ballot(person, verdict, via, comment.strip(), clicked, recorded_by)
    request = await _locked(session, request_id=request_id, step_id=step_id)
    step = await _step(session, request, step_id)
    case = await load_case(session, kinds, request)
    await _check_may_decide(session, case, step, person)
    earlier = await queries.decision_of(session, step.id, person.id)
    if earlier and earlier.verdict is verdict:
        await _show_standing(session, case, step, ballot, now=now)
        return request
    if earlier or not rules.is_open(request, step):
        raise await _too_late(session, case)
    await _count(session, case, step, ballot, now=now)
    return request


async def decide_by_card(
    session: AsyncSession, kinds: Kinds, *, clicked: ClickedCard, step_id: StepId, verdict: Verdict, now: datetime
) -> None:
    """A click. What is refused leaves nothing behind but the reason, told to who clicked (F55)."""
    try:
        async with session.begin_nested():
            await decide(
                session,
                kinds,
                person=clicked.person,
                verdict=verdict,
                via="card",
                now=now,
                step_id=step_id,
                clicked=clicked,
            )
    except DomainError as refusal:
        log.info("click.refused", step_id=str(step_id), reason=refusal.slug)
        await session.refresh(clicked.click)
        await _explain(
            session, kinds, Ballot(clicked.person, verdict, "card", clicked=clicked), step_id, refusal, now=now
        )


async def approve_request(session: AsyncSession, case: Case, *, actor: Actor, now: datetime) -> None:
    """The last step is through (or the policy asks for none): the kind makes it happen in this transaction."""
    request = case.request
    rules.move_request(request, RequestState.APPROVED)
    request.decided_at = request.updated_at = now
    request.outcome = OutcomeState.PENDING
    await record_request(session, request, action="request.approved", actor=actor, now=now)
    await case.kind.on_approved(session, request, actor=actor, now=now)
    # What is done or refused at once is not called under way: texts may arrive in any order.
    text = messages.approved(case.told, await given_so_far(session, case))
    await steps.tell_requester(session, request, text, actor=actor, now=now)


async def _locked(session: AsyncSession, *, request_id: RequestId | None, step_id: StepId | None) -> Request:
    if request_id is None:
        if step_id is None:
            raise TypeError("decide needs a request_id or a step_id")
        request_id = await queries.request_id_of_step(session, step_id)
    return await queries.get_for_update(session, request_id)


async def _step(session: AsyncSession, request: Request, step_id: StepId | None) -> RequestStep:
    """The step named, or the one the request stands at. Read after the lock."""
    for step in await queries.steps_of(session, request.id):
        if step.id == step_id or (step_id is None and step.position == request.current_step):
            return step
    raise RequestNotFound("这份申请没有需要审批的步骤")


async def _check_may_decide(session: AsyncSession, case: Case, step: RequestStep, person: Person) -> None:
    approvers = {row.person_id for row in await queries.approvers_of(session, step.id)}
    barred = case.applicant.barred
    if person.id not in approvers | barred and case.request.state is not RequestState.PENDING:
        # Nobody decides it any more: that says more than that it is not theirs to decide.
        raise await _too_late(session, case)
    rules.check_may_decide(case.request, step, person=person, barred=barred, approver_ids=approvers)


async def _count(session: AsyncSession, case: Case, step: RequestStep, ballot: Ballot, *, now: datetime) -> None:
    request = case.request
    session.add(
        Decision(
            request_id=request.id,
            step_id=step.id,
            person_id=ballot.person.id,
            verdict=ballot.verdict,
            comment=ballot.comment,
            via=ballot.via,
            event_id=ballot.clicked.click.event_id if ballot.clicked else None,
            policy_version_id=request.policy_version_id,
            rule_key=step.rule_key,
            correlation_id=current_correlation_id(),
            actor=str(ballot.recorded_by or ballot.actor),
            decided_at=now,
        )
    )
    await session.flush()
    request.updated_at = now
    await record_request(
        session,
        request,
        action=f"step.{rules.VERDICT_STEP_STATE[ballot.verdict].value}",
        actor=ballot.actor,
        now=now,
        rule_key=step.rule_key,
        step=step.name,
        via=ballot.via,
        comment=ballot.comment,
        recorded_by=ballot.recorded_by,
    )
    log.info("request.decided", request_id=str(request.id), step=step.position, verdict=ballot.verdict.value)
    if not await settle(session, case, step, clicked=ballot.clicked, actor=ballot.actor, now=now):
        await _show_standing(session, case, step, ballot, now=now)


async def settle(
    session: AsyncSession, case: Case, step: RequestStep, *, clicked: ClickedCard | None, actor: Actor, now: datetime
) -> bool:
    """Let the step have its result, when the verdicts so far give it one."""
    verdicts = [decision.verdict for decision in await queries.decisions_on(session, step.id)]
    result = rules.step_result(verdicts, step.needed)
    if result is StepState.OPEN:
        return False
    await steps.close_step(session, step, result, now=now)
    if result is StepState.REJECTED:
        await _reject(session, case, step, clicked=clicked, actor=actor, now=now)
    elif step.position < len(case.chain):
        await _go_on(session, case, step, clicked=clicked, actor=actor, now=now)
    else:
        await approve_request(session, case, actor=actor, now=now)
        await steps.show_outcome(session, case, step, clicked=clicked, actor=actor, now=now)
    return True


async def _go_on(
    session: AsyncSession, case: Case, step: RequestStep, *, clicked: ClickedCard | None, actor: Actor, now: datetime
) -> None:
    following = (await queries.steps_of(session, case.request.id))[step.position]
    asked = await steps.open_step(session, case, following, actor=actor, now=now)
    await steps.show_outcome(session, case, step, next_step=following.name, clicked=clicked, actor=actor, now=now)
    text = messages.moved_on(case.told, following, await given_so_far(session, case), asked)
    await steps.tell_requester(session, case.request, text, actor=actor, now=now)


async def _reject(
    session: AsyncSession, case: Case, step: RequestStep, *, clicked: ClickedCard | None, actor: Actor, now: datetime
) -> None:
    request = case.request
    rules.move_request(request, RequestState.REJECTED)
    request.decided_at = now
    await steps.cancel_unfinished(session, case, now=now)
    await record_request(session, request, action="request.rejected", actor=actor, now=now)
    await case.kind.on_rejected(session, request, actor=actor, now=now)
    await steps.show_outcome(session, case, step, clicked=clicked, actor=actor, now=now)
    text = messages.rejected(case.told, await given_so_far(session, case))
    await steps.tell_requester(session, request, text, actor=actor, now=now)


async def take_back(
    session: AsyncSession,
    case: Case,
    *,
    actor: Actor,
    recorded_by: Actor | None = None,
    detail: str | None = None,
    now: datetime,
) -> None:
    """Withdraw an open request; the approvers' cards say so."""
    request = case.request
    rules.move_request(request, RequestState.WITHDRAWN)
    request.decided_at = request.updated_at = now
    open_step = (await queries.steps_of(session, request.id))[request.current_step - 1]
    await steps.cancel_unfinished(session, case, now=now)
    await steps.show_outcome(session, case, open_step, clicked=None, actor=actor, now=now)
    await record_request(
        session, request, action="request.withdrawn", actor=actor, now=now, recorded_by=recorded_by, detail=detail
    )


async def _too_late(session: AsyncSession, case: Case) -> AlreadyDecided:
    """By whom and when, because "too late" alone would send the person looking (F55)."""
    if case.request.state is RequestState.WITHDRAWN:
        why = case.request.outcome_detail
        said = f"已撤回（{why}）" if why else "已由申请人撤回"
        return AlreadyDecided(f"申请 #{case.request.number} {said}", state=case.request.state.value)
    given = await given_so_far(session, case)
    return AlreadyDecided(
        f"申请 #{case.request.number} 这一步已有结果：{'；'.join(map(str, given))}", state=case.request.state.value
    )


async def _show_standing(
    session: AsyncSession, case: Case, step: RequestStep, ballot: Ballot, *, notice: str = "", now: datetime
) -> None:
    """Give the card of who acted the face that is true now: the platform greys it on every click."""
    given = await given_so_far(session, case)
    if not rules.is_open(case.request, step):
        card = messages.outcome_card(case.told, step, given)
    elif await queries.decision_of(session, step.id, ballot.person.id):
        card = messages.own_verdict_card(case.told, step, given)
    else:
        card = messages.approval_card(case.told, step, steps=len(case.chain), notice=notice)
    only = {ballot.person.id}
    await steps.show_on_cards(session, step, card, clicked=ballot.clicked, only=only, actor=ballot.actor, now=now)


async def _explain(
    session: AsyncSession, kinds: Kinds, ballot: Ballot, step_id: StepId, refusal: DomainError, *, now: datetime
) -> None:
    """The card shows where the request stands; what the card cannot say goes as a text."""
    request = await queries.get(session, await queries.request_id_of_step(session, step_id))
    case = await load_case(session, kinds, request)
    step = await _step(session, request, step_id)
    await _show_standing(session, case, step, ballot, notice=str(refusal), now=now)
    if not isinstance(refusal, AlreadyDecided):
        text = messages.click_refused(case.told, str(refusal))
        to = [PersonId(ballot.person.id)]
        header = steps.header_for(request, "approval.refusal", ballot.actor)
        await delivery.send_text(session, header, to=to, text=text, now=now)
