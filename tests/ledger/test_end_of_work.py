"""Policy 3.4, read as the document says it: what a deadline causes is sent when it falls due, also at 18:00."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.jobs import TIMERS as APPROVALS
from app.ladders.tell import tell_due
from app.ledger.claiming.sending_hours import outside_hours
from app.policy.sections.delivery import NOTICE, Hours
from models.delivery import CallKind
from models.ladders import Rung
from tests.builders.announcements import announcement, calls_of_kind
from tests.builders.approvals import Library, borrowing, step, step_of
from tests.builders.ladders import rings
from tests.builders.policy import policy
from tests.builders.tasks import FRIDAY_6PM, everything_delivered, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

MONDAY_6PM = MONDAY_9AM + timedelta(hours=9)
TUESDAY_6PM = MONDAY_6PM + timedelta(days=1)
SATURDAY_3AM = FRIDAY_6PM + timedelta(hours=9)
SATURDAY_HALF_PAST_7 = FRIDAY_6PM + timedelta(hours=13, minutes=30)


class TestAtTheEndOfWork:
    """3.6, 4.4: it is not kept until the next working day."""

    async def test_the_final_list_goes_at_six(self, session: AsyncSession, company: Company) -> None:
        told = await announcement(session, company.wang, people=["li", "chen"])
        await everything_delivered(session)
        assert told.deadline == TUESDAY_6PM

        await rings(session, "announcement.deadline", str(told.id), TUESDAY_6PM)

        assert await hold_of(session, "announcement.final_list", now=TUESDAY_6PM) == [None]

    async def test_an_overdue_task_is_told_at_six_and_so_is_its_escalation(
        self, session: AsyncSession, company: Company
    ) -> None:
        given = await task(session, company.zhao, company.li)
        await everything_delivered(session)

        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)

        assert await hold_of(session, "task.overdue", now=FRIDAY_6PM) == [None]
        assert await hold_of(session, "task.escalation", now=FRIDAY_6PM) == [None]

    async def test_superiors_are_asked_at_six_when_an_approver_is_late(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([step("部门负责人", "department_head")])
        request = await borrowing(session, library, company.li)
        await everything_delivered(session)
        library.open_to(session)

        await APPROVALS["approval.due"](session, str((await step_of(session, request)).id), TUESDAY_6PM)

        assert await hold_of(session, "approval.card", now=TUESDAY_6PM) == [None]

    async def test_what_falls_due_in_the_rest_period_waits_for_its_end_and_for_no_working_day(
        self, session: AsyncSession, company: Company
    ) -> None:
        given = await task(session, company.zhao, company.li, due_at=SATURDAY_3AM)
        await everything_delivered(session)

        await rings(session, "task.overdue", str(given.id), SATURDAY_3AM)

        assert await hold_of(session, "task.overdue", now=SATURDAY_3AM) == []
        told_at = max(rung.due_at for rung in await session.scalars(select(Rung)))
        assert SATURDAY_HALF_PAST_7 <= told_at < SATURDAY_HALF_PAST_7 + timedelta(minutes=12)
        await tell_due(session, now=told_at)
        assert await hold_of(session, "task.overdue", now=told_at) == [None]

    async def test_work_itself_is_not_sent_after_hours(self, session: AsyncSession, company: Company) -> None:
        await announcement(session, company.wang, people=["li"], now=MONDAY_6PM)
        [until] = await hold_of(session, "announcement.card", now=MONDAY_6PM)
        assert until is not None
        assert until >= MONDAY_9AM + timedelta(days=1)


async def test_a_document_of_before_that_names_no_notices_keeps_them_out_of_the_rest_period_only(
    session: AsyncSession,
) -> None:
    document = (await policy(session)).document
    classes = {name: rule for name, rule in document.delivery.classes.items() if name != NOTICE}
    older = document.delivery.model_copy(update={"classes": classes})
    assert older.hours_of(NOTICE) is Hours.NOT_QUIET
    assert older.hours_of("unheard-of") is Hours.WORK


async def hold_of(session: AsyncSession, purpose: str, *, now: datetime) -> list[datetime | None]:
    """Until when each call for this purpose that has not been made would wait; None: it may go.

    Asked a few seconds later, as a worker does.
    """
    calls = [call for call in await calls_of_kind(session, CallKind.MESSAGE_SEND) if call.purpose == purpose]
    holds = [
        await outside_hours(session, call, now=now + timedelta(seconds=5)) for call in calls if call.sent_at is None
    ]
    return [hold.until if hold else None for hold in holds]
