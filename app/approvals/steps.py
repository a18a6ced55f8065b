"""Opening and closing a step: who may decide and is asked, their cards, the deadlines, the news to the applicant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.context import Applicant, Case, about, given_so_far
from app.approvals.errors import NoApprover
from app.audit.actor import Actor
from app.audit.why import Why
from app.calendar import service as policies
from app.cards import service as cards
from app.cards.service import ClickedCard
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.jobs.timers import cancel_timer, set_timer
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind, StepRule
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from app.wecom.messages import Card
from models.approvals import Request, RequestStep, StepApprover, StepState
from models.delivery import MessageClass
from models.ids import MessageId, PersonId
from models.org import Person

REMIND = "approval.remind"
DUE = "approval.due"


async def check_reachable(session: AsyncSession, case: Case) -> None:
    """Refuse now what would have nobody to decide it later, while the applicant still reads the answer."""
    for rule in case.chain:
        found = await approvers_for(session, case.applicant, rule)
        rules.needed_of(rule.needed, len(found.people))


async def open_step(session: AsyncSession, case: Case, step: RequestStep, *, actor: Actor, now: datetime) -> list[str]:
    """Ask everybody who may decide it. Returns their names."""
    rule = case.rule_of(step)
    found = await approvers_for(session, case.applicant, rule)
    rules.move_step(step, StepState.OPEN)
    step.needed = rules.needed_of(rule.needed, len(found.people))
    step.note, step.opened_at = found.note, now
    case.request.current_step = step.position
    await ask(session, case, step, found.people, actor=actor, now=now)
    await set_deadlines(session, case, step, now=now)
    return [person.name for person in found.people]


async def ask(
    session: AsyncSession, case: Case, step: RequestStep, people: Sequence[Person], *, actor: Actor, now: datetime
) -> None:
    """Make these people approvers of the step and send each a card of their own."""
    await session.flush()
    card, to = (
        messages.approval_card(case.told, step, steps=len(case.chain)),
        [PersonId(person.id) for person in people],
    )
    why = Why(actor, step.rule_key, case.policy.id)
    header = MessageHeader("approval.card", about(case.request), why)
    message = await delivery.send_card(session, header, to=to, card=card, now=now, individually=True)
    if card.is_cut:
        details = header_for(case.request, "approval.details", actor, message_class=MessageClass.WORK)
        await delivery.send_text(session, details, to=to, text=messages.in_full(case.told, step), now=now)
    former = {row.person_id: row for row in await queries.former_approvers_of(session, step.id)}
    for person in people:
        # Who had given up the place, with an account that was disabled for a while, has it again.
        place = former.get(person.id) or StepApprover(step_id=step.id, person_id=person.id, added_at=now)
        place.card_message_id, place.ended_at = message.id, None
        session.add(place)
    await session.flush()


async def set_due(session: AsyncSession, case: Case, step: RequestStep, *, now: datetime) -> None:
    duration = case.rule_of(step).due_after or case.policy.document.approvals.due_after
    due_at, basis = await policies.deadline(session, start=now, duration=duration, policy=case.policy)
    step.due_at = due_at
    await set_timer(session, DUE, str(step.id), due_at, basis=basis)


async def set_deadlines(session: AsyncSession, case: Case, step: RequestStep, *, now: datetime) -> None:
    await set_due(session, case, step, now=now)
    duration = case.rule_of(step).remind_after or case.policy.document.approvals.remind_after
    remind_at, basis = await policies.deadline(session, start=now, duration=duration, policy=case.policy)
    if step.due_at and remind_at < step.due_at:
        await set_timer(session, REMIND, str(step.id), remind_at, basis=basis)


async def close_step(session: AsyncSession, step: RequestStep, state: StepState, *, now: datetime) -> None:
    """Give the step its result; its deadlines are over."""
    rules.move_step(step, state)
    step.decided_at = now
    await cancel_timer(session, REMIND, str(step.id))
    await cancel_timer(session, DUE, str(step.id))


async def cancel_unfinished(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Steps that nobody needs to decide any more."""
    for step in await queries.steps_of(session, case.request.id):
        if StepState.CANCELLED in rules.STEP_TRANSITIONS[step.state]:
            await close_step(session, step, StepState.CANCELLED, now=now)


async def show_on_cards(
    session: AsyncSession,
    step: RequestStep,
    card: Card,
    *,
    clicked: ClickedCard | None = None,
    only: Collection[UUID] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Give the step's cards a new face: everybody's, or only some people's. A click lends its code to its own card."""
    holders: dict[UUID, list[PersonId]] = {}
    for approver in await queries.approvers_of(session, step.id):
        if approver.card_message_id and (only is None or approver.person_id in only):
            holders.setdefault(approver.card_message_id, []).append(PersonId(approver.person_id))
    for message_id, person_ids in holders.items():
        await cards.update_cards(
            session,
            message_id=MessageId(message_id),
            card=card,
            person_ids=person_ids,
            click=clicked.click if clicked and clicked.message.id == message_id else None,
            actor=actor,
            now=now,
        )


async def show_outcome(
    session: AsyncSession,
    case: Case,
    step: RequestStep,
    *,
    next_step: str | None = None,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    """F54: every approver's card of the step shows who decided. Who decided an earlier step sees the end of it, too."""
    given = await given_so_far(session, case)
    card = messages.outcome_card(case.told, step, given, next_step=next_step)
    await show_on_cards(session, step, card, clicked=clicked, actor=actor, now=now)
    if next_step is None:
        await _show_to_earlier_deciders(session, case, step, card, actor=actor, now=now)


async def _show_to_earlier_deciders(
    session: AsyncSession, case: Case, last: RequestStep, card: Card, *, actor: Actor, now: datetime
) -> None:
    decisions = await queries.decisions_about(session, case.request.id)
    for step in await queries.steps_of(session, case.request.id):
        deciders = {one.person_id for one in decisions if one.step_id == step.id}
        if step.position < last.position and deciders:
            await show_on_cards(session, step, card, only=deciders, actor=actor, now=now)


def header_for(
    request: Request, purpose: str, actor: Actor, *, message_class: str = MessageClass.ANSWER
) -> MessageHeader:
    """Of a text about a request, under the request's own rule."""
    why = Why(actor, request.rule_key, request.policy_version_id)
    return MessageHeader(purpose, about(request), why, message_class)


async def tell_requester(session: AsyncSession, request: Request, text: str, *, actor: Actor, now: datetime) -> None:
    """News of their own application: an answer, so it may come at any hour."""
    to = [PersonId(request.requester_id)]
    await delivery.send_text(session, header_for(request, "approval.progress", actor), to=to, text=text, now=now)


# ---------------------------------------------------------------- who may decide


@dataclass(frozen=True)
class Approvers:
    people: Sequence[Person]
    note: str | None = None
    """Why it is not whom the policy names."""


async def approvers_for(session: AsyncSession, applicant: Applicant, rule: StepRule) -> Approvers:
    """The people who may decide a step. Never the applicant nor whom it is about (F56): a step that is left with
    nobody goes along the policy's `approvals.fallback`; when that leads nowhere, a refusal says what to configure.
    """
    named = await _people_named(session, applicant, rule.approver)
    if able := _able(named, applicant.barred):
        return Approvers(able)
    why = _why_nobody(named, applicant)
    fallback = applicant.policy.document.approvals.fallback
    for other in fallback:
        if able := _able(await _people_named(session, applicant, other), applicant.barred):
            return Approvers(able, f"{why}，转{_title(other, applicant.policy)}审批")
    tried = "、".join(map(str, fallback)) or "未写"
    raise NoApprover(
        f"步骤“{rule.name}”（{rule.approver}）没有可以审批的人：{why}，制度的 approvals.fallback（{tried}）也没有。"
        "请在通讯录中设置部门负责人，或在制度中配置审批人。",
        step=rule.name,
        approver=str(rule.approver),
    )


async def _people_named(session: AsyncSession, applicant: Applicant, expression: Expression) -> list[Person]:
    """A head whom the request is about is passed over like the applicant: they would not decide it either."""
    administrators: Sequence[Person] = ()
    if expression.kind in {ExpressionKind.GROUP_ADMINISTRATOR, ExpressionKind.GROUP_OWNER}:
        ids = await applicant.kind.group_administrators(session, applicant.payload)
        people = await org.people_by_id(session, ids)
        administrators = [people[id_] for id_ in ids if id_ in people]
    about = Subject(applicant.requester, administrators=administrators, barred=applicant.barred)
    return await roles.resolve(session, expression, about, applicant.policy)


def _able(people: Iterable[Person], barred: Collection[UUID]) -> list[Person]:
    """Able to act, and not in their own case (F56)."""
    return [person for person in people if person.id not in barred and may_act(person)]


def _why_nobody(named: Iterable[Person], applicant: Applicant) -> str:
    ids = {person.id for person in named}
    if applicant.requester.id in ids:
        return "申请人本人是审批人"
    return "申请涉及的本人是审批人" if ids & applicant.barred else "没有在职的审批人"


def _title(expression: Expression, policy: Policy) -> str:
    """An approver expression for people: 上一级负责人, 人力资源 …"""
    role = policy.document.roles.get(expression.name) if expression.kind is ExpressionKind.ROLE else None
    return role.title if role else _TITLES.get(expression.kind, expression.name)


_TITLES = {
    ExpressionKind.DEPARTMENT_HEAD: "上一级负责人",
    ExpressionKind.DIRECT_LEADER: "直接上级",
    ExpressionKind.GROUP_ADMINISTRATOR: "群管理员",
    ExpressionKind.GROUP_OWNER: "群主",
}
