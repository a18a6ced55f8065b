"""A verdict on the open step. Of several people who decide at the same moment exactly one succeeds (F55)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, offers, queries, rules
from app.approvals.applying.concerned import check_told
from app.approvals.applying.personal import forget_unless_kept
from app.approvals.context import RequestContext, given_so_far, load_context, publish_about_request
from app.approvals.errors import AlreadyDecided, RequestNotFound, StepPassed
from app.approvals.rules import RequestPurpose
from app.approvals.show_outcome import show_on_cards, show_outcome
from app.approvals.steps import ask, open_and_close
from app.approvals.steps.open_and_close import Opened
from app.audit.actor import SYSTEM, Actor, person_actor
from app.cards.service import ClickedCard
from app.delivery import service as delivery
from app.errors import DomainError
from app.events.service import catalogue
from app.observability import current_correlation_id, get_logger
from app.quotes import quoted
from models.approvals import Decision, OutcomeState, Request, RequestState, RequestStep, StepState, Verdict
from models.ids import PersonId, RequestId, StepId
from models.org import Person

log = get_logger()

STEP_EVENTS = {Verdict.APPROVE: catalogue.StepApproved, Verdict.REJECT: catalogue.StepRejected}


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
    seen: int | None = None
    """The position of the step that they had before their eyes, where a page was drawn for one step."""

    @property
    def actor(self) -> Actor:
        return person_actor(self.person.id)


async def decide(
    session: AsyncSession,
    ballot: Ballot,
    *,
    request_id: RequestId | None = None,
    step_id: StepId | None = None,
    now: datetime,
) -> Request:
    """Decide a step (`step_id`), or the step that is open now (`request_id`).

    The request's row is locked first: of two people one decides, and the other gets AlreadyDecided with the winner's
    name. The same verdict of the same person again changes nothing.
    """
    request = await _locked(session, request_id=request_id, step_id=step_id)
    step = await _step(session, request, step_id)
    context = await load_context(session, request)
    if ballot.seen not in {None, step.position}:
        raise await _passed(session, context, step)
    await _check_may_decide(session, context, step, ballot.person)
    earlier = await queries.decision_of(session, step.id, ballot.person.id)
    if earlier and earlier.verdict is ballot.verdict:
        await _show_standing(session, context, step, ballot, now=now)
        return request
    await _check_may_give(session, context, step, ballot.verdict, earlier=earlier)
    await _count(session, context, step, ballot, now=now)
    return request


async def decide_by_card(
    session: AsyncSession, *, clicked: ClickedCard, step_id: StepId, verdict: Verdict, now: datetime
) -> None:
    """Decide by a click. A refused click changes nothing; the person reads the reason (F55)."""
    ballot = Ballot(clicked.person, verdict, "card", clicked=clicked)
    try:
        async with session.begin_nested():
            await decide(session, ballot, step_id=step_id, now=now)
    except DomainError as refusal:
        log.info("click.refused", step_id=str(step_id), reason=refusal.slug)
        await session.refresh(clicked.click)
        await _explain(session, ballot, step_id, refusal, now=now)


async def approve_request(session: AsyncSession, context: RequestContext, *, actor: Actor, now: datetime) -> None:
    """Approve: the last step is approved, or the policy asks for none. The kind carries it out in this transaction."""
    request = context.request
    rules.move_request(request, RequestState.APPROVED)
    request.decided_at = request.updated_at = now
    rules.move_outcome(request, OutcomeState.PENDING)
    await publish_about_request(session, request, catalogue.RequestApproved, actor=actor, now=now)
    subject = await _with_who_takes_it_on(session, context, now=now)
    await context.kind.approved(session, request, subject, actor=actor, now=now)
    # Only now: the text does not say "under way" of what the kind has finished already. Texts may arrive in any order.
    text = messages.approved(context.told, await given_so_far(session, context))
    await ask.tell_requester(session, request, text, actor=actor, now=now)


async def _with_who_takes_it_on(session: AsyncSession, context: RequestContext, *, now: datetime) -> BaseModel:
    """The subject, with who has agreed to take it on. A retry finds the same."""
    candidate = await offers.candidate_of(session, context, now=now)
    if candidate is None or candidate.person is None:
        return context.subject
    subject: BaseModel = context.kind.taken_on_by(context.subject, candidate.person.id)
    context.request.subject = subject.model_dump(mode="json")
    return subject


async def check_may_decide(session: AsyncSession, context: RequestContext, person: Person, verdict: Verdict) -> None:
    """Raise what `decide` would say to this person's verdict on the current step. Nothing is locked."""
    step = await _step(session, context.request, None)
    await _check_may_decide(session, context, step, person)
    earlier = await queries.decision_of(session, step.id, person.id)
    await _check_may_give(session, context, step, verdict, earlier=earlier)


async def _passed(session: AsyncSession, context: RequestContext, step: RequestStep) -> DomainError:
    """What has happened since the page was drawn; nothing of it is counted for another step."""
    if context.request.state is not RequestState.PENDING:
        return await too_late(session, context)
    given = "；".join(map(str, await given_so_far(session, context)))
    return StepPassed(
        f"您打开页面之后，这份申请已到另一步：{given}，现在等待{quoted(step.name)}。这次的决定没有记录，请看过现在的情况再办",
        f"Request #{context.request.number} has come to another step since you opened the page. "
        "Your decision was not recorded: look at where it stands now",
        state=context.request.state.value,
    )


async def _check_may_give(
    session: AsyncSession, context: RequestContext, step: RequestStep, verdict: Verdict, *, earlier: Decision | None
) -> None:
    if earlier or not rules.is_open(context.request, step):
        raise await too_late(session, context)
    if verdict is Verdict.APPROVE:
        await check_told(session, context)


async def _locked(session: AsyncSession, *, request_id: RequestId | None, step_id: StepId | None) -> Request:
    if request_id is None:
        if step_id is None:
            raise TypeError("decide needs a request_id or a step_id")
        request_id = await queries.request_id_of_step(session, step_id)
    return await queries.get_for_update(session, request_id)


async def _step(session: AsyncSession, request: Request, step_id: StepId | None) -> RequestStep:
    """The step with this id, or the current one. Read it after the lock."""
    for step in await queries.steps_of(session, request.id):
        if step.id == step_id or (step_id is None and step.position == request.current_step):
            return step
    raise RequestNotFound("这份申请没有需要审批的步骤", "This request has no step to decide")


async def _check_may_decide(session: AsyncSession, context: RequestContext, step: RequestStep, person: Person) -> None:
    approvers = {row.person_id for row in await queries.approvers_of(session, step.id)}
    barred = context.barred
    if person.id not in approvers | barred and context.request.state is not RequestState.PENDING:
        # "It has a result already" tells them more than "you are not an approver".
        raise await too_late(session, context)
    rules.check_may_decide(context.request, step, person=person, barred=barred, approver_ids=approvers)


async def _count(
    session: AsyncSession, context: RequestContext, step: RequestStep, ballot: Ballot, *, now: datetime
) -> None:
    request = context.request
    session.add(
        Decision(
            request_id=request.id,
            step_id=step.id,
            person_id=ballot.person.id,
            verdict=ballot.verdict,
            comment=ballot.comment.strip(),
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
    await publish_about_request(
        session,
        request,
        STEP_EVENTS[ballot.verdict],
        actor=ballot.actor,
        now=now,
        step=step,
        via=ballot.via,
        comment=ballot.comment.strip(),
        recorded_by=ballot.recorded_by,
    )
    log.info("request.decided", request_id=str(request.id), step=step.position, verdict=ballot.verdict.value)
    if not await settle(session, context, step, clicked=ballot.clicked, actor=ballot.actor, now=now):
        await _show_standing(session, context, step, ballot, now=now)


async def settle(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> bool:
    """Give the step its result if the verdicts so far suffice. Returns whether they do."""
    verdicts = [decision.verdict for decision in await queries.decisions_on(session, step.id)]
    result = rules.step_result(verdicts, step.needed)
    if result is StepState.OPEN:
        return False
    await open_and_close.close_step(session, step, result, now=now)
    if result is StepState.REJECTED and context.rule_of(step).is_offer:
        await ask_next(session, context, step, clicked=clicked, actor=actor, now=now)
    elif result is StepState.REJECTED:
        await _reject(session, context, step, clicked=clicked, actor=actor, now=now)
    else:
        await go_on(session, context, step, clicked=clicked, actor=actor, now=now)
    return True


async def go_on(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Open what follows a step that has its result; approve the request if nothing does."""
    following = (await queries.steps_of(session, context.request.id))[step.position :]
    opened = await open_and_close.open_next(session, context, following, actor=actor, now=now)
    if opened is None and not context.kind.is_applied_for and not await _is_taken_on(session, context, now=now):
        await _nobody_takes_it_on(session, context, step, clicked=clicked, actor=actor, now=now)
        return
    if opened is None:
        await approve_request(session, context, actor=actor, now=now)
        await show_outcome(session, context, step, clicked=clicked, actor=actor, now=now)
        return
    await _tell_next(session, context, step, opened, clicked=clicked, actor=actor, now=now)


async def ask_next(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    """An offer is declined, or its candidate is gone: the next one is asked. Without one the request is rejected."""
    candidate = await offers.candidate_of(session, context, now=now)
    opened = await open_and_close.open_offer(session, context, candidate, actor=actor, now=now)
    if opened is not None:
        await _tell_next(session, context, step, opened, clicked=clicked, actor=actor, now=now)
    elif candidate is not None and candidate.has_agreed:
        await go_on(session, context, step, clicked=clicked, actor=actor, now=now)
    else:
        await _nobody_takes_it_on(session, context, step, clicked=clicked, actor=actor, now=now)


async def _nobody_takes_it_on(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Nobody is left to ask: the request is rejected. Or nobody needs to any more: it ends, and the card says why."""
    candidate = await offers.candidate_of(session, context, now=now)
    if candidate is None or not candidate.offer.needless:
        await _reject(session, context, step, clicked=clicked, actor=actor, now=now)
        return
    context.request.outcome_detail = candidate.offer.needless
    await take_back(session, context, actor=SYSTEM, detail=candidate.offer.needless, clicked=clicked, now=now)


async def pass_over(
    session: AsyncSession, context: RequestContext, step: RequestStep, *, because: str, now: datetime
) -> None:
    """Wait no longer for the answer to an offer, and go on to the next one."""
    step.note = because
    await open_and_close.close_step(session, step, StepState.SKIPPED, now=now)
    await session.flush()
    await publish_about_request(
        session, context.request, catalogue.StepPassed, actor=SYSTEM, now=now, step=step, detail=because
    )
    await ask_next(session, context, step, clicked=None, actor=SYSTEM, now=now)


async def _is_taken_on(session: AsyncSession, context: RequestContext, *, now: datetime) -> bool:
    candidate = await offers.candidate_of(session, context, now=now)
    return candidate is not None and candidate.has_agreed


async def _tell_next(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    opened: Opened,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    standing = messages.passed_on(opened.step, is_offer=opened.is_offer)
    await show_outcome(session, context, step, next_step=standing, clicked=clicked, actor=actor, now=now)
    text = messages.moved_on(
        context.told, opened.step, await given_so_far(session, context), opened.asked, is_offer=opened.is_offer
    )
    await ask.tell_requester(session, context.request, text, actor=actor, now=now)


async def _reject(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    request = context.request
    rules.move_request(request, RequestState.REJECTED)
    request.decided_at = now
    await open_and_close.cancel_unfinished(session, context, now=now)
    await publish_about_request(session, request, catalogue.RequestRejected, actor=actor, now=now)
    await context.kind.rejected(session, request, context.subject, actor=actor, now=now)
    forget_unless_kept(session, request, now=now)
    await show_outcome(session, context, step, clicked=clicked, actor=actor, now=now)
    text = messages.rejected(context.told, await given_so_far(session, context))
    await ask.tell_requester(session, request, text, actor=actor, now=now)


async def take_back(
    session: AsyncSession,
    context: RequestContext,
    *,
    actor: Actor,
    recorded_by: Actor | None = None,
    detail: str | None = None,
    clicked: ClickedCard | None = None,
    now: datetime,
) -> None:
    """Withdraw an open request, and say so on the approvers' cards."""
    request = context.request
    rules.move_request(request, RequestState.WITHDRAWN)
    request.decided_at = request.updated_at = now
    open_step = (await queries.steps_of(session, request.id))[request.current_step - 1]
    await open_and_close.cancel_unfinished(session, context, now=now)
    if actor != SYSTEM:
        # What the service takes back itself may be handed in again: who does so erases them.
        forget_unless_kept(session, request, now=now)
    await show_outcome(session, context, open_step, clicked=clicked, actor=actor, now=now)
    await publish_about_request(
        session, request, catalogue.RequestWithdrawn, actor=actor, now=now, recorded_by=recorded_by, detail=detail
    )


async def too_late(session: AsyncSession, context: RequestContext) -> AlreadyDecided:
    """The refusal for somebody who is too late. It says who decided, and when (F55)."""
    what = context.told.named
    if context.request.state is RequestState.WITHDRAWN:
        why = context.request.outcome_detail
        said = f"{context.told.result}（{why}）" if why else "已由申请人撤回"
        return AlreadyDecided(
            f"{what} {said}",
            f"Request #{context.request.number} was withdrawn",
            state=context.request.state.value,
        )
    given = await given_so_far(session, context)
    return AlreadyDecided(
        f"{what} 这一步已有结果：{'；'.join(map(str, given))}",
        f"This step of request #{context.request.number} has been decided",
        state=context.request.state.value,
    )


async def _show_standing(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    ballot: Ballot,
    *,
    notice: str = "",
    now: datetime,
) -> None:
    """Update the card of the person who acted: the platform greys it on every click."""
    given = await given_so_far(session, context)
    if not rules.is_open(context.request, step):
        card = messages.outcome_card(context.told, step, given)
    elif await queries.decision_of(session, step.id, ballot.person.id):
        card = messages.own_verdict_card(context.told, step, given)
    else:
        card = context.card(step, notice=notice)
    only = {ballot.person.id}
    await show_on_cards(session, step, card, clicked=ballot.clicked, only=only, actor=ballot.actor, now=now)


async def _explain(
    session: AsyncSession, ballot: Ballot, step_id: StepId, refusal: DomainError, *, now: datetime
) -> None:
    """Show on the card where the request stands, and send as a text what the card cannot say."""
    request = await queries.get(session, await queries.request_id_of_step(session, step_id))
    context = await load_context(session, request)
    step = await _step(session, request, step_id)
    await _show_standing(session, context, step, ballot, notice=str(refusal), now=now)
    if not isinstance(refusal, AlreadyDecided):
        text = messages.click_refused(context.told, str(refusal))
        to = [PersonId(ballot.person.id)]
        header = ask.header_for(request, RequestPurpose.REFUSAL, ballot.actor)
        await delivery.send_text(session, header, to=to, text=text, now=now)
