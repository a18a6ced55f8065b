"""The request by which somebody is asked to own a group: what they read, and what their answer brings (policy 1.9)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.approvals.service import Offer, RequestKind, RequestText, Submission
from app.audit.actor import Actor
from app.findings import service as findings
from app.groups import messages, queries
from app.groups.changes.cause import Cause
from app.groups.schemas import OwnGroup
from app.groups.succession.ask import (
    SuccessionSubject,
    ask_for_an_owner,
    is_noted,
    note_nobody_left,
    waits_for_owner,
    why_needless,
)
from app.groups.succession.candidates import KIND, candidates
from app.groups.succession.hand_over import hand_over, set_on_platform
from app.org import queries as org
from app.policy import service as policies
from app.policy.sections.people import StepRule
from app.policy.service import Policy
from app.quotes import quoted
from models.approvals import OutcomeState, Request
from models.groups import Group, GroupState
from models.ids import GroupId, PersonId, PolicyVersionId, RequestId
from models.org import Person


class OwnGroupKind(RequestKind[OwnGroup, SuccessionSubject]):
    """Nobody applies for it: the service asks, when an owner goes or an administrator names another one."""

    name = KIND
    rule_key = "group.owner"
    payload = OwnGroup
    subject = SuccessionSubject
    is_applied_for = False

    async def resolve(self, _session: AsyncSession, _payload: OwnGroup, _submission: Submission) -> SuccessionSubject:
        raise TypeError("nobody applies to own a group")

    async def check(self, _session: AsyncSession, _subject: SuccessionSubject, _submission: Submission) -> None:
        """`ask_for_an_owner` and `change_owner` have looked."""

    def steps(self, _policy: Policy, _subject: SuccessionSubject) -> Sequence[StepRule]:
        return ()

    def subject_key(self, subject: SuccessionSubject) -> str:
        return subject.key

    async def describe(self, session: AsyncSession, subject: SuccessionSubject, _submission: Submission) -> RequestText:
        group = await queries.group(session, GroupId(subject.group_id))
        former = (await org.people_by_id(session, [subject.former_id]))[subject.former_id]
        inside = await queries.members_inside(session, group.id)
        is_leaving = subject.named_id is None
        fields = [
            ("群", group.desired_name),
            ("用途", group.purpose),
            ("原群主", f"{former.name}（{subject.why}）") if is_leaving else ("现群主", former.name),
            ("成员", f"{len(inside)} 人"),
        ]
        return RequestText(title=f"接任{quoted(group.desired_name)}的群主", fields=fields, group_id=GroupId(group.id))

    async def offer(self, session: AsyncSession, subject: SuccessionSubject, _submission: Submission) -> Offer:
        group = await queries.group(session, GroupId(subject.group_id))
        needless = await why_needless(session, group, subject)
        people = [] if needless else await self._people(session, group, subject)
        return Offer("担任群主", "group.owner", people, needless)

    async def _people(self, session: AsyncSession, group: Group, subject: SuccessionSubject) -> Sequence[Person]:
        if subject.named_id is None:
            former = (await org.people_by_id(session, [subject.former_id]))[subject.former_id]
            return (await candidates(session, group, former=former)).to_ask
        stay = await queries.current_stay(session, group.id, subject.named_id)
        inside = stay is not None and stay.desired and stay.observed
        return list((await org.people_by_id(session, [subject.named_id])).values()) if inside else []

    def taken_on_by(self, subject: SuccessionSubject, person_id: UUID) -> SuccessionSubject:
        return subject.model_copy(update={"owner_id": person_id})

    async def approved(
        self, session: AsyncSession, request: Request, subject: SuccessionSubject, *, actor: Actor, now: datetime
    ) -> None:
        """Somebody has accepted. A retry sets the same owner on the platform again."""
        group = await queries.group_for_update(session, GroupId(subject.group_id))
        people = await org.people_by_id(session, [one for one in (subject.owner_id, subject.former_id) if one])
        owner, former = people[subject.owner_id] if subject.owner_id else None, people[subject.former_id]
        is_registered = owner is not None and group.desired_owner_id == owner.id
        needless = "" if is_registered else await why_needless(session, group, subject)
        if owner is None or needless:
            await _finish(session, request, OutcomeState.FAILED, needless or None, now=now)
            return
        cause = Cause("owner", "group.owner", request.policy_version_id, actor, request.id, request.reason)
        if not is_registered:
            await hand_over(session, group, owner, former=former, why=subject.why, cause=cause, now=now)
        await set_on_platform(session, group, former, cause=cause, now=now)
        if group.state is GroupState.FAILED:
            await _finish(session, request, OutcomeState.DONE, now=now)

    async def rejected(
        self, session: AsyncSession, request: Request, subject: SuccessionSubject, *, actor: Actor, now: datetime
    ) -> None:
        """Nobody of those asked takes it on: a person whom the policy names decides how it goes on."""
        group = await queries.group_for_update(session, GroupId(subject.group_id))
        if group.state is GroupState.LOST or group.desired_owner_id != subject.former_id:
            return
        policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
        former = (await org.people_by_id(session, [subject.former_id]))[subject.former_id]
        cause = Cause("owner", "group.owner", policy.id, actor, request.id)
        asked = await _asked(session, request)
        if await waits_for_owner(session, group):
            if subject.named_id is not None and not await is_noted(session, group, former):
                await ask_for_an_owner(session, group, former, "离任", policy=policy, cause=cause, now=now)
                return
            declined = (await candidates(session, group, former=former)).declined
            names = [person.name for person in {one.id: one for one in (*declined, *asked)}.values()]
            why = subject.why if subject.named_id is None else "离任"
            if await note_nobody_left(session, group, former, why, asked=names, policy=policy, now=now):
                return
        if subject.named_id is None:
            return
        text = messages.owner_not_found(group, names=[person.name for person in asked])
        without = [person.id for person in asked]
        await findings.tell_administrators(session, group, text, policy=policy, why=cause.why, now=now, without=without)

    async def group_administrators(self, _session: AsyncSession, _subject: SuccessionSubject) -> Sequence[PersonId]:
        return ()

    def concerns(self, _subject: SuccessionSubject) -> Collection[UUID]:
        """Nobody: who is asked answers for themselves."""
        return ()


async def _asked(session: AsyncSession, request: Request) -> list[Person]:
    steps = await request_queries.steps_of(session, request.id)
    ids = list(dict.fromkeys(await request_queries.asked_on(session, [step.id for step in steps])))
    people = await org.people_by_id(session, ids)
    return [people[one] for one in ids]


async def _finish(
    session: AsyncSession, request: Request, outcome: OutcomeState, detail: str | None = None, *, now: datetime
) -> None:
    await approvals.finish_outcome(session, request_id=RequestId(request.id), outcome=outcome, detail=detail, now=now)
