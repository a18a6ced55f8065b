from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.approvals import Request, RequestState
from models.audit import AuditEntry
from models.policy import Timer
from tests.builders.approvals import (
    Library,
    asked,
    borrowing,
    cards_to,
    click,
    decide,
    everything_arrives,
    faces_of,
    step,
    step_of,
    texts_to,
)
from tests.builders.ladders import rings
from tests.builders.org import person
from tests.company import Company

HEAD = [step("部门负责人", "department_head")]
ALL_HR = [step("人力资源会签", "role:hr", needed="all")]
TUESDAY_6PM = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
WEDNESDAY_6PM = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


async def ring(
    session: AsyncSession, library: Library, request: Request, kind: str, now: datetime = TUESDAY_6PM
) -> None:
    """The sweep fires the timer of the first step: it deletes the row, then calls the handler."""
    opened = await step_of(session, request)
    timer = await session.get_one(Timer, (kind, str(opened.id)))
    await session.delete(timer)
    await session.flush()
    library.open_to(session)
    await rings(session, kind, str(opened.id), now)


class TestTheReminder:
    """7.10 and F52: who has not decided is reminded, once."""

    async def test_goes_to_who_has_not_decided(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)

        await ring(session, library, request, "approval.remind")

        assert "还在等待您（人力资源会签）审批" in (await texts_to(session, company.sun))[-1]
        assert not [text for text in await texts_to(session, company.han) if "还在等待您" in text]

    async def test_is_not_set_again(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await ring(session, library, request, "approval.remind")
        kinds = (await session.scalars(select(col(Timer.kind)).where(col(Timer.kind).startswith("approval.")))).all()
        assert kinds == ["approval.due"]

    async def test_says_nothing_after_the_decision(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.wang)
        before = len(await texts_to(session, company.wang))

        opened = await step_of(session, request)
        await rings(session, "approval.remind", str(opened.id), TUESDAY_6PM)

        assert len(await texts_to(session, company.wang)) == before

    async def test_is_left_out_when_it_would_come_with_the_deadline(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([step("部门负责人", "department_head", remind_after="2h", due_after="1h")])
        await borrowing(session, library, company.li)
        kinds = (await session.scalars(select(col(Timer.kind)).where(col(Timer.kind).startswith("approval.")))).all()
        assert kinds == ["approval.due"]


class TestTheDeadline:
    """7.10 and F52: past the deadline the superior is asked, too."""

    async def test_the_superior_gets_a_card_and_may_decide(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)

        await ring(session, library, request, "approval.due")

        assert await asked(session, request) == {"王芳", "赵总"}
        assert len(await cards_to(session, company.zhao)) == 1
        await decide(session, library, request, company.zhao)
        assert request.state is RequestState.APPROVED

    async def test_the_one_who_was_late_may_still_decide_and_everybody_sees_it(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await ring(session, library, request, "approval.due")
        await everything_arrives(session, now=TUESDAY_6PM)

        await click(session, library, company.wang, request, now=TUESDAY_6PM)

        assert (await faces_of(session, company.zhao))[-1]["sub_title_text"] == "王芳 03-03 18:00 同意"
        assert (await faces_of(session, company.wang))[-1]["replace_text"] == "已同意"

    async def test_the_applicant_is_told_and_the_trail_cites_the_deadline(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await ring(session, library, request, "approval.due")

        assert "已请上级审批：赵总" in (await texts_to(session, company.li))[-1]
        statement = select(AuditEntry).where(col(AuditEntry.action) == "request.escalated")
        assert (await session.scalars(statement)).one().rule_key == "approval.deadline"

    async def test_two_heads_of_one_department_do_not_hide_the_one_above(
        self, session: AsyncSession, company: Company
    ) -> None:
        await person(session, "zhou", "周副", leads=[2])
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        assert await asked(session, request) == {"王芳", "周副"}

        await ring(session, library, request, "approval.due")
        assert await asked(session, request) == {"王芳", "周副", "赵总"}

    async def test_the_superiors_deadline_begins_anew(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await ring(session, library, request, "approval.due")
        opened = await step_of(session, request)
        assert opened.due_at == WEDNESDAY_6PM

    async def test_at_the_top_everybody_is_reminded_and_it_ends_there(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await ring(session, library, request, "approval.due")
        await ring(session, library, request, "approval.due", WEDNESDAY_6PM)

        assert "还在等待您" in (await texts_to(session, company.zhao))[-1]
        assert request.state is RequestState.PENDING
        opened = await step_of(session, request)
        assert await session.get(Timer, ("approval.due", str(opened.id))) is None

    async def test_the_applicant_is_never_asked_as_a_superior(self, session: AsyncSession, company: Company) -> None:
        """F56."""
        library = Library([step("经办", "userid:chen")])
        request = await borrowing(session, library, company.wang)
        await ring(session, library, request, "approval.due")
        assert await asked(session, request) == {"陈晨", "赵总"}
