from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals.departures import depart
from app.approvals.errors import AlreadyDecided, NotAnApprover
from app.approvals.queries import open_requests_involving
from app.departures.service import Departure, DepartureReason
from models.approvals import Request, RequestState, RequestStep, StepApprover, StepState
from models.audit import AuditEntry
from models.ids import PersonId, RequestId
from models.org import Person, PersonStatus
from tests.approvals.test_deadlines import ring
from tests.builders.approvals import (
    Library,
    borrowing,
    cards_to,
    decide,
    everything_arrives,
    faces_of,
    step,
    step_of,
    texts_to,
)
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HEAD = [step("部门负责人", "department_head")]
HEAD_THEN_HR = [*HEAD, step("人力资源", "role:hr")]
ANY_HR = [step("人力资源", "role:hr")]
ALL_HR = [step("人力资源会签", "role:hr", needed="all")]


async def leaves(session: AsyncSession, library: Library, person: Person, *, why: str = "left") -> None:
    """The person is gone, and the job goes through the open requests they stand in."""
    person.status = PersonStatus.LEFT if why == "left" else PersonStatus.DISABLED
    await session.flush()
    person_id = PersonId(person.id)
    for request_id in await open_requests_involving(session, person_id):
        library.open_to(session)
        departure = Departure(person_id, DepartureReason(why))
        await depart(session, request_id=request_id, departure=departure, now=MONDAY_9AM)


async def may_decide(session: AsyncSession, opened: RequestStep) -> set[str]:
    statement = (
        select(col(Person.name))
        .join(StepApprover, col(StepApprover.person_id) == col(Person.id))
        .where(col(StepApprover.step_id) == opened.id, col(StepApprover.ended_at).is_(None))
    )
    return set(await session.scalars(statement))


class TestAnApproverLeaves:
    """8.2: 离职时，待办审批先行交接."""

    async def test_whom_the_policy_names_now_gets_the_card_and_decides(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await leaves(session, library, company.wang)

        opened = await step_of(session, request)
        assert await may_decide(session, opened) == {"赵总"}
        (card,) = await cards_to(session, company.zhao)
        assert "王芳已离职，改由赵总审批" in card["sub_title_text"]
        await decide(session, library, request, company.zhao)
        assert (await step_of(session, request, 2)).state is StepState.OPEN

    async def test_the_applicant_is_told_and_it_stands_in_the_trail(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await leaves(session, library, company.wang, why="disabled")

        assert "部门负责人：王芳账号已停用，改由赵总审批。" in (await texts_to(session, company.li))[-1]
        actions = select(col(AuditEntry.action)).where(col(AuditEntry.object_id) == str(request.id))
        assert "request.reassigned" in set(await session.scalars(actions))

    async def test_they_decide_nothing_any_more(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await leaves(session, library, company.wang, why="disabled")
        with pytest.raises(NotAnApprover):
            await decide(session, library, request, company.wang)

    async def test_where_others_can_decide_nobody_new_is_asked(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await leaves(session, library, company.sun)
        assert await may_decide(session, await step_of(session, request)) == {"韩梅"}
        assert not await cards_to(session, company.zhao)

    async def test_of_all_those_who_are_left_must_agree(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await leaves(session, library, company.sun)
        await decide(session, library, request, company.han)
        assert request.state is RequestState.APPROVED

    async def test_when_the_last_missing_one_of_all_leaves_it_is_decided(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        await leaves(session, library, company.sun)
        assert request.state is RequestState.APPROVED
        assert library.lent == [request]

    async def test_a_verdict_given_before_still_counts(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        await leaves(session, library, company.han)
        await decide(session, library, request, company.sun)
        assert request.state is RequestState.APPROVED

    async def test_when_nobody_follows_the_applicant_hears_it_and_the_deadline_looks_again(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([step("群管理员", "group_administrator")], administrators=[company.chen])
        request = await borrowing(session, library, company.li)
        others = (company.wang, company.zhao, company.han, company.sun)
        for other in others:
            other.status = PersonStatus.DISABLED
        await leaves(session, library, company.chen)
        assert "没有可以接替的审批人" in (await texts_to(session, company.li))[-1]

        company.wang.status = PersonStatus.ACTIVE
        await ring(session, library, request, "approval.due")
        assert await may_decide(session, await step_of(session, request)) == {"王芳"}

    async def test_who_comes_back_may_be_asked_again(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await leaves(session, library, company.wang, why="disabled")
        company.wang.status = PersonStatus.ACTIVE
        await leaves(session, library, company.zhao, why="disabled")
        assert await may_decide(session, await step_of(session, request)) == {"王芳"}

    async def test_twice_is_once(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        for _ in range(2):
            await leaves(session, library, company.wang)
            await depart(
                session,
                request_id=RequestId(request.id),
                departure=Departure(PersonId(company.wang.id), DepartureReason.LEFT),
                now=MONDAY_9AM,
            )
        assert len(await cards_to(session, company.zhao)) == 1


class TestTheApplicantLeaves:
    """2.6: what somebody applied for has no purpose once they have left."""

    async def test_the_request_is_withdrawn_and_the_cards_say_so(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await leaves(session, library, company.li)

        assert (request.state, request.outcome_detail) == (RequestState.WITHDRAWN, "申请人已离职")
        assert (await faces_of(session, company.wang))[-1]["replace_text"] == "已撤回"
        with pytest.raises(AlreadyDecided, match="已撤回（申请人已离职）"):
            await decide(session, library, request, company.wang)

    async def test_what_was_decided_before_stays(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.wang)
        await leaves(session, library, company.li)
        assert request.state is RequestState.APPROVED


async def test_requests_without_them_are_left_alone(session: AsyncSession, company: Company) -> None:
    library = Library(HEAD)
    request: Request = await borrowing(session, library, company.li)
    await leaves(session, library, company.sun)
    assert request.state is RequestState.PENDING
    assert await may_decide(session, await step_of(session, request)) == {"王芳"}
