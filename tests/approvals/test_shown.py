"""What people see of requests: their lists, the way of one request so far, what they may do now and why not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from app.approvals import queries, service
from app.approvals.service import ActName, EntryKind, Objection, RequestPage
from app.approvals.steps import escalation
from app.audit.actor import Actor, ActorKind
from app.database import transaction
from app.errors import DomainError
from app.settings import Settings
from app.web.pagination import PageQuery
from models.approvals import OutcomeState, Request, RequestState, Verdict
from models.audit import AuditDetail
from models.delivery import Delivery, DeliveryState
from models.ids import RequestId, StepId
from models.org import Person
from tests.builders import groups
from tests.builders.approvals import Library, borrowing, decide, step, step_of
from tests.company import Company, answer, found, serving
from tests.databases import register, rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr", needed="any")]


def at(minutes: int) -> datetime:
    return MONDAY_9AM + timedelta(minutes=minutes)


def titles(page: RequestPage) -> list[str]:
    return [one.title for one in page.items]


async def way(session: AsyncSession, library: Library, request: Request) -> list[tuple[str, str, str]]:
    """Kind, step, and who, in order."""
    library.open_to(session)
    followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
    return [(one.kind.value, one.step, "、".join(who.name for who in one.people)) for one in followed.timeline]


class TestLists:
    async def test_each_person_has_their_own(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        own = await borrowing(session, library, company.li, thing="相机")
        await borrowing(session, library, company.li, thing="投影仪", borrower=company.chen, now=at(1))
        await decide(session, library, own, company.wang, now=at(2))

        assert titles(await service.requests_mine(session, company.li.id)) == ["借用相机", "借用投影仪"]
        assert titles(await service.requests_about(session, company.chen.id)) == ["借用投影仪"]
        assert titles(await service.requests_waiting_for(session, company.wang.id)) == ["借用投影仪"]
        assert titles(await service.requests_decided_by(session, company.wang.id)) == ["借用相机"]
        assert titles(await service.requests_mine(session, company.chen.id)) == []
        assert titles(await service.requests_about(session, company.li.id)) == []

    async def test_a_line_says_where_it_stands_and_whom_it_waits_for(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        [line] = (await service.requests_mine(session, company.li.id)).items
        assert (line.state, line.requester.name, line.requester.department) == (RequestState.PENDING, "李军", "研发部")
        assert line.open_step is not None
        assert (line.open_step.position, line.open_step.name) == (1, "部门负责人")
        assert [(one.name, one.userid) for one in line.open_step.asked] == [("王芳", "wang")]

        await decide(session, library, request, company.wang, Verdict.REJECT)
        [line] = (await service.requests_mine(session, company.li.id)).items
        assert (line.state, line.open_step) == (RequestState.REJECTED, None)
        [line] = (await service.requests_decided_by(session, company.wang.id)).items
        assert line.own_verdict is Verdict.REJECT

    async def test_who_has_decided_is_waited_for_no_more(self, session: AsyncSession, company: Company) -> None:
        library = Library([step("人力资源", "role:hr", needed="all")])
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        [line] = (await service.requests_mine(session, company.li.id)).items
        assert line.open_step is not None
        assert [one.name for one in line.open_step.asked] == ["孙宁"]

    async def test_what_the_service_asks_about_a_place_is_nobodys_application(
        self, session: AsyncSession, company: Company
    ) -> None:
        group = await groups.group(session, owner=company.li, deputy=company.chen, members=[company.wang])
        from_now = await groups.owner_is_asked(session, group, company.chen)
        assert from_now.requester_id == company.li.id
        assert titles(await service.requests_mine(session, company.li.id)) == []

    async def test_pages(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        for number in range(5):
            await borrowing(session, library, company.li, thing=f"相机{number}", now=at(number))
        seen, cursor = [], None
        for _ in range(3):
            page = await service.requests_mine(session, company.li.id, page=PageQuery(cursor, 2))
            seen += titles(page)
            cursor = page.next_cursor
        assert (seen, cursor) == ([f"借用相机{number}" for number in (4, 3, 2, 1, 0)], None)

    async def test_whom_a_request_involves(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.chen)
        involved = [
            userid
            for userid, person in company.people.items()
            if (
                await session.scalars(queries.matching(queries.RequestFilter()).where(queries.involving(person.id)))
            ).all()
        ]
        assert sorted(involved) == ["chen", "li", "wang"]


class TestTheWaySoFar:
    async def test_from_the_application_to_the_outcome(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.wang, comment="可以", now=at(1))
        await decide(session, library, request, company.han, now=at(2))
        await service.finish_outcome(
            session, request_id=RequestId(request.id), outcome=OutcomeState.FAILED, detail="没有库存", now=at(3)
        )
        assert await way(session, library, request) == [
            ("submitted", "", "李军"),
            ("asked", "部门负责人", "王芳"),
            ("decided", "部门负责人", "王芳"),
            ("asked", "人力资源", "韩梅、孙宁"),
            ("decided", "人力资源", "韩梅"),
            ("approved", "", ""),
            ("failed", "", ""),
        ]
        followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
        said = {one.kind: one for one in followed.timeline}
        first = next(one for one in followed.timeline if one.kind is EntryKind.DECIDED)
        assert (first.text, first.via, first.verdict) == ("可以", "rest", Verdict.APPROVE)
        assert first.clause is not None
        assert first.clause.clause == "2.1"
        assert said[EntryKind.SUBMITTED].text == "客户演示"
        assert said[EntryKind.FAILED].text == "没有库存"
        assert [one.at for one in followed.timeline] == sorted(one.at for one in followed.timeline)

    async def test_reminded_escalated_and_decided_by_the_superior(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        opened = await step_of(session, request)
        await escalation.remind(session, step_id=StepId(opened.id), now=at(10))
        await escalation.escalate(session, step_id=StepId(opened.id), now=at(20))
        await decide(session, library, request, company.zhao, Verdict.REJECT, comment="预算不足", now=at(30))
        assert await way(session, library, request) == [
            ("submitted", "", "李军"),
            ("asked", "部门负责人", "王芳"),
            ("reminded", "部门负责人", ""),
            ("escalated", "部门负责人", "赵总"),
            ("decided", "部门负责人", "赵总"),
            ("rejected", "", ""),
        ]
        followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
        [escalated] = [one for one in followed.timeline if one.kind is EntryKind.ESCALATED]
        assert escalated.clause is not None
        assert escalated.clause.rule_key == "approval.deadline"

    async def test_a_passed_step_says_why(self, session: AsyncSession, company: Company) -> None:
        """`approvals.nobody_above`."""
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.zhao)
        assert await way(session, library, request) == [
            ("submitted", "", "赵总"),
            ("passed", "部门负责人", ""),
            ("asked", "人力资源", "韩梅、孙宁"),
        ]
        followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
        [passed] = [one for one in followed.timeline if one.kind is EntryKind.PASSED]
        assert passed.text == "申请人之上没有负责人，此步免审"

    async def test_withdrawn_and_by_whom(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        key = Actor(ActorKind.API_KEY, "k1")
        await service.withdraw(session, request_id=RequestId(request.id), recorded_by=key, now=at(5))
        followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
        last = followed.timeline[-1]
        assert (last.kind, [one.name for one in last.people], last.recorded_by) == (
            EntryKind.WITHDRAWN,
            ["李军"],
            "api_key:k1",
        )

    async def test_an_objection_stands_in_it(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        objection = Objection(company.chen, "card", "本周出差")
        await service.object_to(session, objection, request_id=RequestId(request.id), now=at(5))
        followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
        last = followed.timeline[-1]
        assert (last.kind, last.text, last.via) == (EntryKind.OBJECTED, "本周出差", "card")
        assert followed.objections == ["陈晨 提出异议：本周出差"]

    async def test_it_is_readable_when_details_were_erased(self, session: AsyncSession, company: Company) -> None:
        """D17."""
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await escalation.remind(session, step_id=StepId((await step_of(session, request)).id), now=at(10))
        before = await way(session, library, request)
        await session.execute(delete(AuditDetail).where(col(AuditDetail.entry_id) > 0))
        assert await way(session, library, request) == before


class TestWhatOneMayDo:
    """Asked of the engine itself: the sentence is the one with which the act would be refused."""

    async def acts(self, session: AsyncSession, request: Request, who: Person) -> dict[ActName, str]:
        """What would be refused, and as what; allowed acts as an empty text."""
        followed = await service.follow(session, RequestId(request.id), reader=who, now=MONDAY_9AM)
        return {one.name: one.reason for one in followed.acts}

    async def test_everybody_may_what_is_theirs(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.chen)
        assert await self.acts(session, request, company.wang) == {
            ActName.APPROVE: "",
            ActName.REJECT: "",
            ActName.WITHDRAW: "not-the-requester",
            ActName.OBJECT: "not-concerned-by-request",
        }
        assert await self.acts(session, request, company.li) == {
            ActName.APPROVE: "own-request",
            ActName.REJECT: "own-request",
            ActName.WITHDRAW: "",
            ActName.OBJECT: "not-concerned-by-request",
        }
        assert (await self.acts(session, request, company.chen))[ActName.OBJECT] == ""
        assert (await self.acts(session, request, company.han))[ActName.APPROVE] == "not-an-approver"

    async def test_after_the_result_nothing_is_left(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await decide(session, library, request, company.wang, Verdict.REJECT)
        for who in (company.wang, company.li, company.chen):
            followed = await service.follow(session, RequestId(request.id), reader=who, now=MONDAY_9AM)
            assert not [one.name for one in followed.acts if one.is_allowed]
        assert (await self.acts(session, request, company.li))[ActName.WITHDRAW] == "already-decided"

    async def test_who_has_objected_does_not_object_again(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.chen)
        objection = Objection(company.chen, "rest")
        await service.object_to(session, objection, request_id=RequestId(request.id), now=MONDAY_9AM)
        assert (await self.acts(session, request, company.chen))[ActName.OBJECT] == "already-objected"

    async def test_while_somebody_is_still_to_be_told_it_can_only_be_rejected(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        library.objection_ends = True
        request = await borrowing(session, library, company.li, borrower=company.chen)
        await session.execute(
            update(Delivery).where(col(Delivery.person_id) == company.chen.id).values(state=DeliveryState.HELD)
        )
        found = await self.acts(session, request, company.wang)
        assert (found[ActName.APPROVE], found[ActName.REJECT]) == ("not-told-yet", "")

    @pytest.mark.parametrize("name", list(ActName))
    async def test_a_refusal_is_what_the_act_itself_answers(
        self, session: AsyncSession, company: Company, name: ActName
    ) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)
        followed = await service.follow(session, RequestId(request.id), reader=company.sun, now=MONDAY_9AM)
        [act] = [one for one in followed.acts if one.name is name]
        refusal = await refused(session, name, request, company.sun)
        assert (act.why_not, act.why_not_english) == refusal


async def refused(session: AsyncSession, name: ActName, request: Request, who: Person) -> tuple[str, str]:
    """Both sentences of the refusal."""
    request_id = RequestId(request.id)
    facts: dict[str, Any] = {"request_id": request_id, "now": MONDAY_9AM}
    try:
        if name is ActName.WITHDRAW:
            await service.withdraw(session, person=who, **facts)
        elif name is ActName.OBJECT:
            await service.object_to(session, Objection(who, "rest"), **facts)
        else:
            await service.decide(session, service.Ballot(who, Verdict(name.value), "rest"), **facts)
    except DomainError as refusal:
        return str(refusal), refusal.english
    raise AssertionError(f"{name} was not refused")


class TestRest:
    async def test_lists_timeline_and_acts(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                library = Library(HEAD_THEN_HR)
                request = await borrowing(session, library, company.li, borrower=company.chen)
                await decide(session, library, request, company.wang, comment="可以", now=at(1))
            register(sessions, kinds={library.name: library})
            async with serving(sessions, clock, settings, scopes=["requests:read"]) as http:
                for query, many in (("concerned=chen", 1), ("concerned=li", 0), ("decided_by=wang", 1)):
                    assert len((await answer(http.get(f"/requests?{query}")))["items"]) == many
                body = await answer(http.get(f"/requests/{request.id}/timeline"))
                assert [one["kind"] for one in body["items"]] == ["submitted", "told", "asked", "decided", "asked"]
                assert body["items"][3] | {"rule": None} == {
                    "kind": "decided",
                    "at": "2026-03-02T01:01:00Z",
                    "people": ["wang"],
                    "step": "部门负责人",
                    "position": 1,
                    "is_offer": False,
                    "verdict": "approve",
                    "text": "可以",
                    "via": "rest",
                    "recorded_by": "",
                    "due_at": None,
                    "rule": None,
                }
                body = await answer(http.get(f"/requests/{request.id}/acts?person=han"))
                assert [(one["act"], one["allowed"]) for one in body["items"]] == [
                    ("approve", True),
                    ("reject", True),
                    ("withdraw", False),
                    ("object", False),
                ]
                assert body["items"][2]["type"] == "/problems/not-the-requester"
                assert (await http.get(f"/requests/{request.id}/acts")).status_code == 422
                assert (await http.get(f"/requests/{company.li.id}/timeline")).status_code == 404
