"""Opening and closing a step: who may decide and is asked, by when, and the news to the applicant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.context import RequestContext, about
from app.approvals.errors import NoApprover
from app.approvals.rules import RequestPurpose
from app.audit.actor import Actor
from app.audit.why import Why
from app.calendar import service as calendar
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.jobs.timers import cancel_timer, set_timer
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind, StepRule
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from models.approvals import Request, RequestStep, StepApprover, StepState
from models.delivery import MessageClass
from models.ids import PersonId
from models.org import Person

REMIND = "approval.remind"
DUE = "approval.due"


async def check_reachable(session: AsyncSession, context: RequestContext) -> None:
    """Raise NoApprover if any step has nobody to decide it: on submission the applicant still reads the answer."""
    for rule in context.chain:
        found = await approvers_for(session, context, rule)
        rules.needed_of(rule.needed, len(found.people))


async def open_step(
    session: AsyncSession, context: RequestContext, step: RequestStep, *, actor: Actor, now: datetime
) -> list[str]:
    """Ask everybody who may decide it. Returns their names."""
    rule = context.rule_of(step)
    found = await approvers_for(session, context, rule)
    rules.move_step(step, StepState.OPEN)
    step.needed = rules.needed_of(rule.needed, len(found.people))
    step.note, step.opened_at = found.note, now
    context.request.current_step = step.position
    await ask(session, context, step, found.people, actor=actor, now=now)
    await set_deadlines(session, context, step, now=now)
    return [person.name for person in found.people]


async def ask(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    people: Sequence[Person],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Make these people approvers of the step and send each a card of their own."""
    await session.flush()
    card, to = (
        messages.approval_card(context.told, step, steps=len(context.chain)),
        [PersonId(person.id) for person in people],
    )
    why = Why(actor, step.rule_key, context.policy.id)
    header = MessageHeader(RequestPurpose.CARD, about(context.request), why)
    message = await delivery.send_card(session, header, to=to, card=card, now=now, individually=True)
    if card.is_cut:
        details = header_for(context.request, RequestPurpose.DETAILS, actor, message_class=MessageClass.WORK)
        await delivery.send_text(session, details, to=to, text=messages.in_full(context.told, step), now=now)
    former = {row.person_id: row for row in await queries.former_approvers_of(session, step.id)}
    for person in people:
        # Somebody whose account was disabled for a while has lost the place and gets it back.
        place = former.get(person.id) or StepApprover(step_id=step.id, person_id=person.id, added_at=now)
        place.card_message_id, place.ended_at = message.id, None
        session.add(place)
    await session.flush()


async def set_due(session: AsyncSession, context: RequestContext, step: RequestStep, *, now: datetime) -> None:
    duration = context.rule_of(step).due_after or context.policy.document.approvals.due_after
    due_at, basis = await calendar.deadline(session, start=now, duration=duration, policy=context.policy)
    step.due_at = due_at
    await set_timer(session, DUE, str(step.id), due_at, basis=basis)


async def set_deadlines(session: AsyncSession, context: RequestContext, step: RequestStep, *, now: datetime) -> None:
    await set_due(session, context, step, now=now)
    duration = context.rule_of(step).remind_after or context.policy.document.approvals.remind_after
    remind_at, basis = await calendar.deadline(session, start=now, duration=duration, policy=context.policy)
    if step.due_at and remind_at < step.due_at:
        await set_timer(session, REMIND, str(step.id), remind_at, basis=basis)


async def close_step(session: AsyncSession, step: RequestStep, state: StepState, *, now: datetime) -> None:
    """Give the step its result, and cancel its timers."""
    rules.move_step(step, state)
    step.decided_at = now
    await cancel_timer(session, REMIND, str(step.id))
    await cancel_timer(session, DUE, str(step.id))


async def cancel_unfinished(session: AsyncSession, context: RequestContext, *, now: datetime) -> None:
    """Close the steps that nobody needs to decide now."""
    for step in await queries.steps_of(session, context.request.id):
        if StepState.CANCELLED in rules.STEP_TRANSITIONS[step.state]:
            await close_step(session, step, StepState.CANCELLED, now=now)


def header_for(
    request: Request, purpose: RequestPurpose, actor: Actor, *, message_class: str = MessageClass.ANSWER
) -> MessageHeader:
    """Of a text about a request, under the request's own rule."""
    why = Why(actor, request.rule_key, request.policy_version_id)
    return MessageHeader(purpose, about(request), why, message_class)


async def tell_requester(session: AsyncSession, request: Request, text: str, *, actor: Actor, now: datetime) -> None:
    """Tell the applicant what became of the request. It answers them, so it may come at any hour."""
    to = [PersonId(request.requester_id)]
    await delivery.send_text(session, header_for(request, RequestPurpose.PROGRESS, actor), to=to, text=text, now=now)


# ---------------------------------------------------------------- who may decide


@dataclass(frozen=True)
class Approvers:
    people: Sequence[Person]
    note: str | None = None
    """Why it is not whom the policy names."""


async def approvers_for(session: AsyncSession, context: RequestContext, rule: StepRule) -> Approvers:
    """The people who may decide a step: never the applicant, nor the people whom it is about (F56).

    If nobody is left, the policy's `approvals.fallback` says who decides. If that names nobody either, this raises
    NoApprover, which says what to configure.
    """
    named = await _people_named(session, context, rule.approver)
    if able := _able(named, context.barred):
        return Approvers(able)
    why = _why_nobody(named, context)
    fallback = context.policy.document.approvals.fallback
    for other in fallback:
        if able := _able(await _people_named(session, context, other), context.barred):
            return Approvers(able, f"{why}，转{_title(other, context.policy)}审批")
    tried = "、".join(map(str, fallback)) or "未写"
    raise NoApprover(
        f"步骤“{rule.name}”（{rule.approver}）没有可以审批的人：{why}，制度的 approvals.fallback（{tried}）也没有。"
        "请在通讯录中设置部门负责人，或在制度中配置审批人。",
        step=rule.name,
        approver=str(rule.approver),
    )


async def _people_named(session: AsyncSession, context: RequestContext, expression: Expression) -> list[Person]:
    """Whom the expression names. A head whom the request is about is passed over, as the applicant is."""
    administrators: Sequence[Person] = ()
    if expression.kind in {ExpressionKind.GROUP_ADMINISTRATOR, ExpressionKind.GROUP_OWNER}:
        ids = await context.kind.group_administrators(session, context.subject)
        people = await org.people_by_id(session, ids)
        administrators = [people[id_] for id_ in ids if id_ in people]
    about = Subject(context.requester, administrators=administrators, barred=context.barred)
    return await roles.resolve(session, expression, about, context.policy)


def _able(people: Iterable[Person], barred: Collection[UUID]) -> list[Person]:
    """Those who can act, and are not barred (F56)."""
    return [person for person in people if person.id not in barred and may_act(person)]


def _why_nobody(named: Iterable[Person], context: RequestContext) -> str:
    ids = {person.id for person in named}
    if context.requester.id in ids:
        return "申请人本人是审批人"
    return "申请涉及的本人是审批人" if ids & context.barred else "没有在职的审批人"


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
