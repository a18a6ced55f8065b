"""What somebody says against a request about them that somebody else has made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import queries, service
from app.approvals.errors import AlreadyDecided, NotConcerned, NotToldYet
from app.approvals.jobs import CARD_ACTIONS
from app.approvals.service import Objection
from models.approvals import ConcernedPerson, Request, RequestState, StepState, Verdict
from models.audit import AuditEntry
from models.delivery import Delivery, DeliveryState, Message
from models.events import PublishedEvent
from models.ids import RequestId
from models.org import Person
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
from tests.builders.clicks import press
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr")]
LATER = MONDAY_9AM + timedelta(minutes=5)


class Lending(Library):
    """As leaving a group is: it ends when the person objects."""

    objection_ends = True


async def objecting(
    session: AsyncSession, library: Library, request: Request, by: Person, reason: str = "本周出差"
) -> Request:
    library.open_to(session)
    objection = Objection(by, "rest", reason)
    return await service.object_to(session, objection, request_id=RequestId(request.id), now=LATER)


async def by_card(session: AsyncSession, library: Library, request: Request, by: Person) -> None:
    library.open_to(session)
    key = f"approval.object:{request.id}"
    await press(session, CARD_ACTIONS, by, key, purpose="approval.concerned", now=LATER)


async def everybody_was_told(session: AsyncSession) -> None:
    await session.execute(update(Delivery).values(state=DeliveryState.SENT, reason="", until=None))


class TestWhoIsAppliedOut:
    """2.5: leaving is applied for by the person; whom an application of somebody else concerns may object."""

    async def test_a_press_ends_the_request_and_everybody_reads_why(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Lending(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await everything_arrives(session)

        await by_card(session, library, request, company.chen)

        assert (request.state, request.outcome_detail) == (RequestState.WITHDRAWN, "陈晨 提出异议")
        assert (await step_of(session, request)).state is StepState.CANCELLED
        assert not library.lent
        [approvers] = await faces_of(session, company.wang)
        assert approvers["replace_text"] == "已撤回"
        assert approvers["sub_title_text"] == "陈晨 提出异议，不再需要审批"
        assert "陈晨 提出异议，这份申请随之结束" in (await texts_to(session, company.li))[-1]
        [own] = await faces_of(session, company.chen)
        assert (own["replace_text"], own["sub_title_text"]) == ("已撤回", "陈晨 提出异议")

    async def test_their_card_says_what_it_does(self, session: AsyncSession, company: Company) -> None:
        """P8."""
        await borrowing(session, Lending(HEAD_THEN_HR), company.li, borrower=company.chen)
        [card] = await cards_to(session, company.chen)
        assert "如有异议，请在卡片上点“我有异议”：这份申请随之结束。" in card["sub_title_text"]

    async def test_nobody_agrees_before_they_could_hear_of_it(self, session: AsyncSession, company: Company) -> None:
        """3.4: at night they are not told before the morning; a no needs no waiting for."""
        library = Lending([step("部门负责人", "department_head")])
        request = await borrowing(session, library, company.li, borrower=company.chen)
        with pytest.raises(NotToldYet, match="陈晨 还没有收到这份申请的告知，现在不能同意"):
            await decide(session, library, request, company.wang)
        assert not library.lent

        await everybody_was_told(session)
        await decide(session, library, request, company.wang)
        assert library.lent == [request]

    async def test_a_no_needs_nobody_to_be_told(self, session: AsyncSession, company: Company) -> None:
        library = Lending(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await decide(session, library, request, company.wang, Verdict.REJECT)
        assert request.state is RequestState.REJECTED

    async def test_nobody_decides_it_afterwards(self, session: AsyncSession, company: Company) -> None:
        library = Lending(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await objecting(session, library, request, company.chen)
        with pytest.raises(AlreadyDecided, match="陈晨 提出异议：本周出差"):
            await decide(session, library, request, company.wang)

    async def test_twice_is_once(self, session: AsyncSession, company: Company) -> None:
        library = Lending(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await objecting(session, library, request, company.chen)
        await objecting(session, library, request, company.chen, "又一个理由")
        assert request.outcome_detail == "陈晨 提出异议：本周出差"

    @pytest.mark.parametrize("reason", ["我不同意。", " 我不同意！！ ", "我不同意, "])
    async def test_a_reason_that_ends_a_sentence_of_its_own_stands_within_ours(
        self, session: AsyncSession, company: Company, reason: str
    ) -> None:
        library = Lending(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await everything_arrives(session)
        await objecting(session, library, request, company.chen, reason)
        assert "陈晨 提出异议：我不同意，这份申请随之结束" in (await texts_to(session, company.li))[-1]
        [approvers] = await faces_of(session, company.wang)
        assert approvers["sub_title_text"] == "陈晨 提出异议：我不同意，不再需要审批"


class TestWhoIsAppliedIn:
    """2.1 and 2.5: a head may send somebody into a work group; what they have against it, the approvers read."""

    async def test_the_approvers_who_were_asked_and_the_applicant_read_it(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await everything_arrives(session)

        await objecting(session, library, request, company.chen)

        assert request.state is RequestState.PENDING
        for reader in (company.wang, company.li):
            text = (await texts_to(session, reader))[-1]
            assert "陈晨 提出异议：本周出差。申请仍在审批，请审批人一并考虑。" in text
        [own] = await faces_of(session, company.chen)
        assert own["replace_text"] == "已提出异议"

    async def test_a_reason_with_a_mark_at_its_end_is_read_without(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await objecting(session, library, request, company.chen, "我不同意。")
        assert (
            "陈晨 提出异议：我不同意。申请仍在审批，请审批人一并考虑。" in (await texts_to(session, company.wang))[-1]
        )

    async def test_whoever_is_asked_later_reads_it_on_the_card(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await objecting(session, library, request, company.chen)

        await decide(session, library, request, company.wang)

        [card] = await cards_to(session, company.han)
        assert card["sub_title_text"].startswith("陈晨 提出异议：本周出差\n")

    async def test_when_there_is_a_result_their_card_shows_it(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await everything_arrives(session)
        await decide(session, library, request, company.wang, Verdict.REJECT)
        [face] = await faces_of(session, company.chen)
        assert face["replace_text"] == "已驳回"
        assert "王芳" in face["sub_title_text"]

    async def test_who_comes_after_the_result_reads_it(self, session: AsyncSession, company: Company) -> None:
        library = Library([step("部门负责人", "department_head")])
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await everything_arrives(session)
        await decide(session, library, request, company.wang)
        with pytest.raises(AlreadyDecided, match="王芳"):
            await objecting(session, library, request, company.chen)

        await by_card(session, library, request, company.chen)
        assert (await faces_of(session, company.chen))[-1]["replace_text"] == "已同意"


class TestTheRecord:
    """P5: a person, a time, a rule and a policy version; the trail and the feed have it."""

    async def test_it_stands_with_the_request_in_the_trail_and_in_the_feed(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await objecting(session, library, request, company.chen)

        [row] = await queries.concerned_by(session, request.id)
        assert (row.person_id, row.objected_at, row.objection, row.via) == (company.chen.id, LATER, "本周出差", "rest")
        entry = (await session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "request.objected"))).one()
        assert (entry.actor_id, entry.rule_key) == (str(company.chen.id), "member.join")
        assert entry.policy_version_id == company.policy.id
        event = (
            await session.scalars(select(PublishedEvent).where(col(PublishedEvent.type) == "request.objected"))
        ).one()
        assert event.data == {"request_id": str(request.id), "number": request.number, "kind": "borrow"}

    @pytest.mark.parametrize("who", ["li", "sun"])
    async def test_neither_the_applicant_nor_a_stranger_objects(
        self, session: AsyncSession, company: Company, who: str
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        with pytest.raises(NotConcerned):
            await objecting(session, library, request, company.people[who])

    async def test_a_request_from_before_an_upgrade_is_objected_to_likewise(
        self, session: AsyncSession, company: Company
    ) -> None:
        """Its people were told in a text: no row, no card."""
        library = Lending(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        for row in await session.scalars(select(ConcernedPerson)):
            await session.delete(row)
        await objecting(session, library, request, company.chen)
        assert request.state is RequestState.WITHDRAWN

    async def test_nothing_of_it_rings_in_the_rest_period(self, session: AsyncSession, company: Company) -> None:
        """3.4: what somebody else has done is no answer to what one has done oneself."""
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await objecting(session, library, request, company.chen)
        statement = select(col(Message.message_class)).where(
            col(Message.purpose).in_(["approval.concerned", "approval.objected"])
        )
        assert set(await session.scalars(statement)) == {"notice"}
