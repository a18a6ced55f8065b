"""Background entry points: clicks on approval cards, deadlines, departures, dissolved groups."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import departures, lost_groups, queries
from app.approvals.applying import personal
from app.approvals.applying.objections import object_by_card
from app.approvals.decide import decide_by_card
from app.approvals.rules import RequestPurpose
from app.approvals.steps import deadlines, escalation
from app.cards.service import CardAction, ClickedCard
from app.database import transaction
from app.departures.service import Departure, DeparturePart, Stage
from app.events.service import EventPayload, catalogue
from app.jobs.job import Job, JobContext, JobFunction, TimerHandler
from app.jobs.timers import cancel_timer, set_timer
from app.ladders.service import Speaker
from models.approvals import Verdict
from models.ids import RequestId, StepId


async def approve(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    step_id = StepId(UUID(argument))
    await decide_by_card(session, clicked=clicked, step_id=step_id, verdict=Verdict.APPROVE, now=now)


async def reject(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    step_id = StepId(UUID(argument))
    await decide_by_card(session, clicked=clicked, step_id=step_id, verdict=Verdict.REJECT, now=now)


async def object_to_it(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    await object_by_card(session, clicked=clicked, request_id=RequestId(UUID(argument)), now=now)


async def remind(session: AsyncSession, subject: str, now: datetime) -> None:
    await escalation.remind(session, step_id=StepId(UUID(subject)), now=now)


async def escalate(session: AsyncSession, subject: str, now: datetime) -> None:
    await escalation.escalate(session, step_id=StepId(UUID(subject)), now=now)


async def forget(session: AsyncSession, subject: str, now: datetime) -> None:
    await personal.forget_unless_needed(session, request_id=RequestId(UUID(subject)), now=now)


async def forget_group(session: AsyncSession, subject: str, now: datetime) -> None:
    await personal.forget_group(session, group_id=UUID(subject), now=now)


async def take_out_of_requests(ctx: JobContext, departure: Departure) -> None:
    """Take somebody who left or was disabled out of every open request, one transaction each."""
    async with transaction(ctx.sessions) as session:
        request_ids = await queries.open_requests_involving(session, departure.person_id)
    for request_id in request_ids:
        async with transaction(ctx.sessions) as session:
            await departures.depart(session, request_id=request_id, departure=departure, now=ctx.now())


GROUP_LOST = Job("approvals.group_lost", EventPayload)
"""The subscriber of `group.lost`."""


async def end_requests(ctx: JobContext, payload: EventPayload) -> None:
    """End every open request about a group that somebody has dissolved, one transaction each."""
    event = payload.read_as(catalogue.GroupLost)
    async with transaction(ctx.sessions) as session:
        request_ids = await queries.pending_in_group(session, event.group_id)
    for request_id in request_ids:
        async with transaction(ctx.sessions) as session:
            await lost_groups.end_request(session, request_id=request_id, now=ctx.now())
    async with transaction(ctx.sessions) as session:
        await set_timer(session, personal.FORGET_GROUP, str(event.group_id), ctx.now() + personal.KEPT_FOR)


GROUP_FOUND_AGAIN = Job("approvals.group_found_again", EventPayload)
"""The subscriber of `group.found_again`."""


async def keep_details(ctx: JobContext, payload: EventPayload) -> None:
    """The group was none that is no more: its register needs the details in the applications about it."""
    event = payload.read_as(catalogue.GroupFoundAgain)
    async with transaction(ctx.sessions) as session:
        await cancel_timer(session, personal.FORGET_GROUP, str(event.group_id))


APPLICANT_BACK = Job("approvals.applicant_back", EventPayload)
"""The subscriber of `userid.linked`."""


async def hand_in_again(ctx: JobContext, payload: EventPayload) -> None:
    """Hand in again what was withdrawn because somebody counted as a leaver, one transaction each."""
    event = payload.read_as(catalogue.UseridLinked)
    since = ctx.now() - departures.HANDED_IN_AGAIN_WITHIN
    async with transaction(ctx.sessions) as session:
        taken_back = await queries.taken_back_for(session, event.person_id, departures.APPLICANT_LEFT, since=since)
    for request_id in taken_back:
        async with transaction(ctx.sessions) as session:
            await departures.hand_in_again(session, request_id=request_id, now=ctx.now())


MEMBER_LEFT = Job("approvals.member_left", EventPayload)
"""The subscriber of `member.left` and `member.left_unapproved`."""


async def erase_details(ctx: JobContext, payload: EventPayload) -> None:
    """2.5: who has left a group leaves no personal details in the applications about it."""
    is_approved = payload.type == catalogue.MemberLeft.type
    event = payload.read_as(catalogue.MemberLeft if is_approved else catalogue.MemberLeftUnapproved)
    async with transaction(ctx.sessions) as session:
        request_ids = await personal.requests_to_clear(
            session, group_id=event.group_id, person_id=event.person_id, until=payload.occurred_at
        )
    for request_id in request_ids:
        async with transaction(ctx.sessions) as session:
            await personal.clear(session, request_id=request_id, now=ctx.now())


JOBS: dict[str, JobFunction] = (
    GROUP_LOST.run_by(end_requests)
    | GROUP_FOUND_AGAIN.run_by(keep_details)
    | APPLICANT_BACK.run_by(hand_in_again)
    | MEMBER_LEFT.run_by(erase_details)
)

SUBSCRIBERS = {
    catalogue.GroupLost.type: [GROUP_LOST.name],
    catalogue.GroupFoundAgain.type: [GROUP_FOUND_AGAIN.name],
    catalogue.UseridLinked.type: [APPLICANT_BACK.name],
    catalogue.MemberLeft.type: [MEMBER_LEFT.name],
    catalogue.MemberLeftUnapproved.type: [MEMBER_LEFT.name],
}

CARD_ACTIONS: dict[str, CardAction] = {
    "approval.approve": approve,
    "approval.reject": reject,
    "approval.object": object_to_it,
}
"""A button's key is `approval.approve:<step>`, `approval.reject:<step>` or `approval.object:<request>`."""

TIMERS: dict[str, TimerHandler] = {
    deadlines.REMIND: remind,
    deadlines.DUE: escalate,
    personal.FORGET: forget,
    personal.FORGET_GROUP: forget_group,
}

RUNGS: dict[str, Speaker] = {
    RequestPurpose.REMINDER: escalation.reminder_words,
    RequestPurpose.ESCALATED: escalation.escalated_words,
}

DEPARTURE_PARTS = {"approvals": DeparturePart(Stage.WORK, take_out_of_requests)}
