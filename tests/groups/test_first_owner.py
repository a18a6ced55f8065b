"""Policy 1.9: nobody becomes the owner of a new group unasked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.approvals.service import Ballot
from app.bootstrap import REGISTRY
from app.database import transaction
from app.jobs.timers import sweep
from app.ladders.tell import GATHERS
from app.org import queries as org
from models.approvals import Request, RequestState, RequestStep, StepState, Verdict
from models.ids import RequestId
from models.org import Person
from tests.builders.approvals import texts_to
from tests.company import RESEARCH
from tests.groups.office import Office

ASKED: dict[str, Any] = {
    "name": "研发部-新品项目",
    "type": "project",
    "purpose": "新品项目协作",
    "owner": "qian",
    "members": ["li", "han", "zhao"],
}


async def says(office: Office, request: Request, who: str, verdict: Verdict, comment: str = "") -> Request:
    async with transaction(office.sessions) as session:
        ballot = Ballot(office.people[who], verdict, "rest", comment)
        await approvals.decide(session, ballot, request_id=RequestId(request.id), now=office.clock.now())
    return await office.request(request)


async def asked(office: Office) -> Request:
    """李军 applies for a group that 钱进 is to own; 王芳, the head, has approved."""
    request = await office.apply("create_group", "li", **ASKED)
    return await says(office, request, "wang", Verdict.APPROVE)


async def steps(office: Office, request: Request) -> list[RequestStep]:
    async with office.sessions() as session:
        return await request_queries.steps_of(session, RequestId(request.id))


async def told(office: Office, who: str) -> list[str]:
    async with office.sessions() as session:
        return await texts_to(session, office.people[who])


async def test_whom_somebody_else_names_is_asked_and_becomes_it_by_accepting(office: Office) -> None:
    request = await asked(office)
    assert request.state is RequestState.PENDING
    assert await office.asked(request) == {"钱进"}
    assert "下一步：请 钱进 答复是否愿意担任群主。" in (await told(office, "li"))[-1]

    request = await says(office, request, "qian", Verdict.APPROVE)
    await office.work()

    assert (await office.group_of(request)).desired_owner_id == office.people["qian"].id
    assert "愿意担任群主" in "".join(await told(office, "li"))


async def test_who_declines_is_not_made_the_owner_and_the_applicant_reads_why(office: Office) -> None:
    request = await says(office, await asked(office), "qian", Verdict.REJECT, "手上项目太多")
    assert request.state is RequestState.REJECTED
    last = (await told(office, "li"))[-1]
    assert "不愿担任群主：手上项目太多" in last
    assert "您可以另选人员后重新申请" in last


async def test_who_has_applied_or_approved_is_not_asked_again(office: Office) -> None:
    for owner in ("li", "wang"):
        request = await office.apply("create_group", "li", **ASKED | {"owner": owner, "name": f"研发部-{owner}"})
        request = await says(office, request, "wang", Verdict.APPROVE)
        assert request.state is RequestState.APPROVED
        assert len(await steps(office, request)) == 1


async def test_nobody_answers_in_their_place(office: Office) -> None:
    """The applicant hears of the silence and may withdraw; no superior is asked."""
    request = await asked(office)
    for waited in (timedelta(days=9), GATHERS):
        office.clock.advance(waited)
        while await sweep(office.sessions, office.clock, REGISTRY.timers):
            pass
    assert await office.asked(request) == {"钱进"}
    assert "钱进 尚未答复是否愿意担任群主，已再次提醒" in (await told(office, "li"))[-1]
    assert "还在等待您答复是否愿意担任群主" in (await told(office, "qian"))[-1]

    async with transaction(office.sessions) as session:
        await approvals.withdraw(session, request_id=RequestId(request.id), now=office.clock.now())
    assert (await office.request(request)).state is RequestState.WITHDRAWN


async def test_who_leaves_before_answering_is_not_waited_for(office: Office) -> None:
    request = await asked(office)
    await office.departed(await office.leaves_the_company("qian"))
    async with office.sessions() as session:
        row = (await session.scalars(select(Request).where(col(Request.id) == request.id))).one()
    assert row.state is RequestState.REJECTED
    assert (await steps(office, request))[-1].state is StepState.SKIPPED


async def test_whom_the_policy_names_is_asked_too_and_the_next_one_follows(office: Office) -> None:
    """The head stands first, and declines; the deputy, who has approved the group, has agreed to it."""
    async with transaction(office.sessions) as session:
        [place] = (await org.memberships_of(session, [office.people["han"].id]))[office.people["han"].id]
        place.is_leader = True
        (await session.get_one(Person, office.people["han"].id)).position = "研发部副经理"
    named_nobody = {key: value for key, value in ASKED.items() if key != "owner"}
    request = await office.apply("create_group", "li", **named_nobody | {"type": "department"}, department_id=RESEARCH)
    request = await says(office, request, "han", Verdict.APPROVE)
    assert await office.asked(request) == {"王芳"}

    request = await says(office, request, "wang", Verdict.REJECT)
    await office.work()

    assert request.state is RequestState.APPROVED
    assert (await office.group_of(request)).desired_owner_id == office.people["han"].id
