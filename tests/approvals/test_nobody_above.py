"""What somebody applies for above whom nobody stands: nobody lower decides it, and it is said (policy 13)."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import presentation
from app.approvals.errors import NoApprover
from models.approvals import RequestState, StepState
from models.audit import AuditEntry
from models.org import Department, PersonStatus
from tests.builders.approvals import Library, asked, borrowing, cards_to, decide, step, step_of, texts_to
from tests.builders.org import department, person
from tests.builders.policy import policy
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HEAD = step("部门负责人", "department_head")
PRESIDENT = step("总裁", "role:president")
HR = step("人力资源", "role:hr")
SAID = "申请人之上没有负责人，此步免审"


class TestPassed:
    """`approvals.nobody_above: pass`, the default."""

    @pytest.mark.parametrize("own", [HEAD, PRESIDENT, step("直接上级", "direct_leader")])
    async def test_the_only_step_is_passed_and_the_request_approved(
        self, session: AsyncSession, company: Company, own: object
    ) -> None:
        library = Library([own])  # type: ignore[list-item]
        request = await borrowing(session, library, company.zhao)

        assert (request.state, library.lent) == (RequestState.APPROVED, [request])
        passed = await step_of(session, request)
        assert (passed.state, passed.note) == (StepState.SKIPPED, SAID)
        assert await asked(session, request) == set()
        assert SAID in (await texts_to(session, company.zhao))[-1]
        (row,) = await session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "step.passed"))
        assert row.object_id == str(request.id)

    async def test_what_the_chain_names_otherwise_stays(self, session: AsyncSession, company: Company) -> None:
        """HR reviews a join of the president's as anybody's (2.1), and reads on the card why nobody has before."""
        library = Library([HEAD, HR])
        request = await borrowing(session, library, company.zhao)

        assert await asked(session, request, 2) == {"韩梅", "孙宁"}
        assert SAID in (await texts_to(session, company.zhao))[-1]
        shown = await presentation.request(session, request)
        assert [(one.state, one.note) for one in shown.steps] == [(StepState.SKIPPED, SAID), (StepState.OPEN, None)]
        await decide(session, library, request, company.han)
        assert request.state is RequestState.APPROVED
        assert f"部门负责人：{SAID}" in (await texts_to(session, company.zhao))[-1]

    async def test_a_step_in_the_middle_or_at_the_end_is_passed_too(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([HR, HEAD, PRESIDENT])
        request = await borrowing(session, library, company.zhao)
        await decide(session, library, request, company.sun)
        assert request.state is RequestState.APPROVED
        assert [(await step_of(session, request, at)).state for at in (2, 3)] == [StepState.SKIPPED] * 2

    @pytest.mark.parametrize("known", [True, False])
    async def test_nothing_is_passed_while_a_head_beside_them_cannot_be_read(
        self, session: AsyncSession, company: Company, known: bool
    ) -> None:
        """P6: that a reading does not show somebody does not mean that nobody is there."""
        (await session.get_one(Department, 1)).leader_userids = ["zhao", "chair"]
        if known:
            await person(session, "chair", "董事长", departments=[1], status=PersonStatus.INVISIBLE)
        with pytest.raises(NoApprover):
            await borrowing(session, Library([HEAD]), company.zhao)

    async def test_a_deputy_beside_the_president_does_not_decide_about_the_president(
        self, session: AsyncSession, company: Company
    ) -> None:
        await person(session, "vice", "副总裁", leads=[1], position="副总裁")
        request = await borrowing(session, Library([HEAD]), company.zhao)
        assert request.state is RequestState.APPROVED

    async def test_the_head_of_the_presidents_office_does_not_either(
        self, session: AsyncSession, company: Company
    ) -> None:
        """Here nobody heads the root: the president is the only one whom the fallback names."""
        (await session.get_one(type(await department(session, 9, "总裁办", parent=1)), 1)).leader_userids = []
        await person(session, "office", "办公室主任", leads=[9])
        company.zhao.main_department_id = 9
        request = await borrowing(session, Library([HEAD, PRESIDENT]), company.zhao)
        assert request.state is RequestState.APPROVED
        assert not await cards_to(session, company.han)

    async def test_an_old_documents_fallback_gives_hr_nothing_of_the_presidents(
        self, session: AsyncSession, company: Company
    ) -> None:
        await policy(session, approvals__fallback=["department_head", "role:hr"], effective_at=MONDAY_9AM)
        await borrowing(session, Library([HEAD]), company.zhao)
        assert not await cards_to(session, company.han)


class TestRefused:
    async def test_a_document_may_refuse_it(self, session: AsyncSession, company: Company) -> None:
        await policy(session, approvals__nobody_above="refuse", effective_at=MONDAY_9AM)
        with pytest.raises(NoApprover, match="申请人之上没有负责人可以审批，制度规定此类申请不予受理"):
            await borrowing(session, Library([HEAD]), company.zhao)

    async def test_nobody_passes_it_in_the_presidents_name(self, session: AsyncSession, company: Company) -> None:
        """The president applies, and nobody for the president."""
        with pytest.raises(NoApprover, match="申请涉及的本人是审批人"):
            await borrowing(session, Library([PRESIDENT]), company.li, borrower=company.zhao)

    async def test_a_missing_head_is_no_top(self, session: AsyncSession, company: Company) -> None:
        """Nobody heads anything: that is a fault of the directory, and no reason to pass an application."""
        company.wang.status = company.zhao.status = PersonStatus.LEFT
        with pytest.raises(NoApprover, match="没有在职的审批人"):
            await borrowing(session, Library([HEAD]), company.li)

    async def test_nor_is_the_highest_department_that_we_can_see(self, session: AsyncSession, company: Company) -> None:
        company.zhao.status = PersonStatus.LEFT
        home = await session.get_one(type(await department(session, 9)), 2)
        home.parent_id = 77
        with pytest.raises(NoApprover, match="没有在职的审批人"):
            await borrowing(session, Library([HEAD]), company.wang)
