"""F168: what waits for one person, over all domains in one list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.announcements import service as announcements
from app.approvals import service as approvals
from app.approvals.service import Application, Objection
from app.audit.actor import person_actor
from app.bootstrap import REGISTRY
from app.confirmations import service as confirmations
from app.confirmations.service import Answer, Wish
from app.database import transaction
from app.dual_control import TwoPersonAct
from app.policy.document import default_source
from app.settings import Settings
from app.tasks import service as tasks
from app.today import service
from app.web.pagination import BadCursor, PageQuery
from models.announcements import AnnouncementState
from models.approvals import Verdict
from models.audit import ObjectKind
from models.ids import AnnouncementId, RequestId, TaskId
from models.org import Person
from tests.builders import groups
from tests.builders.announcements import announcement, card_reaches
from tests.builders.approvals import Library, borrowing, decide, step
from tests.builders.tasks import FRIDAY_6PM, task
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr")]


async def waiting(session: AsyncSession, whom: Person, **more: Any) -> list[tuple[str, str, str]]:
    """Kind, title and who asks, in order."""
    found = await service.waiting_for(session, whom.id, now=more.pop("now", MONDAY_9AM), **more)
    return [(one.kind, one.title, one.asker) for one in found.items]


class TestRequests:
    async def test_the_open_step_waits_for_those_whom_it_names_until_they_have_decided(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        assert await waiting(session, company.wang) == [("request.decide", "借用投影仪", "李军")]
        assert await waiting(session, company.han) == await waiting(session, company.li) == []

        await decide(session, library, request, company.wang)

        assert await waiting(session, company.wang) == []
        assert await waiting(session, company.han) == [("request.decide", "借用投影仪", "李军")]
        await approvals.withdraw(session, request_id=RequestId(request.id), now=MONDAY_9AM)
        assert await waiting(session, company.han) == []

    async def test_it_says_number_and_deadline_and_what_is_late(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)
        [one] = (await service.waiting_for(session, company.wang.id, now=MONDAY_9AM)).items
        assert (one.about.kind, one.id, one.number) == (ObjectKind.REQUEST, request.id, request.number)
        assert (one.asked_at, one.is_late) == (MONDAY_9AM, False)
        assert one.due_at is not None
        later = one.due_at + timedelta(minutes=1)
        [late] = (await service.waiting_for(session, company.wang.id, now=later)).items
        assert late.is_late

    async def test_an_offer_waits_for_an_answer(self, session: AsyncSession, company: Company) -> None:
        """1.9: nobody becomes the owner unasked."""
        payload = {"name": "研发部-新品", "type": "project", "purpose": "新品", "owner": "chen", "members": ["li"]}
        request = await approvals.submit(
            session,
            Application("create_group", company.li, payload, submitted_by=person_actor(company.li.id)),
            now=MONDAY_9AM,
        )
        ballot = approvals.Ballot(company.wang, Verdict.APPROVE, "rest")
        await approvals.decide(session, ballot, request_id=RequestId(request.id), now=MONDAY_9AM)
        assert await waiting(session, company.chen) == [("request.answer", "申请建立群“研发部-新品”", "李军")]

    async def test_where_the_service_asks_nobody_is_named_as_asking(
        self, session: AsyncSession, company: Company
    ) -> None:
        """1.9: the owner so far asks nobody."""
        group = await groups.group(session, owner=company.li, deputy=company.chen, members=[company.wang])
        await groups.owner_is_asked(session, group, company.chen)
        [(kind, _, asker)] = await waiting(session, company.chen)
        assert (kind, asker) == ("request.answer", "")

    async def test_whom_it_is_about_may_object_once(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li, borrower=company.chen)
        assert await waiting(session, company.chen) == [("request.object", "借用投影仪", "李军")]
        objection = Objection(company.chen, "rest")
        await approvals.object_to(session, objection, request_id=RequestId(request.id), now=MONDAY_9AM)
        assert await waiting(session, company.chen) == []


class TestAnnouncements:
    async def test_it_waits_until_it_is_confirmed(self, session: AsyncSession, company: Company) -> None:
        notice = await announcement(session, company.wang, people=["li", "chen"])
        [one] = (await service.waiting_for(session, company.li.id, now=MONDAY_9AM)).items
        assert (one.kind, one.asker, one.number, one.due_at) == ("announcement.confirm", "王芳", None, None)

        await card_reaches(session, notice, company.li)
        [one] = (await service.waiting_for(session, company.li.id, now=MONDAY_9AM)).items
        assert one.due_at == notice.deadline

        await announcements.confirm(
            session, announcement_id=AnnouncementId(notice.id), person=company.li, via="console", now=MONDAY_9AM
        )
        assert await waiting(session, company.li) == []
        assert len(await waiting(session, company.chen)) == 1

    async def test_what_needs_no_receipt_waits_for_nobody(self, session: AsyncSession, company: Company) -> None:
        await announcement(session, company.wang, people=["li"], receipt=False)
        assert await waiting(session, company.li) == []

    @pytest.mark.parametrize(("days", "listed"), [(29, 1), (31, 0)])
    async def test_when_the_clocks_have_run_out_it_is_asked_for_a_while_longer(
        self, session: AsyncSession, company: Company, days: int, listed: int
    ) -> None:
        notice = await announcement(session, company.wang, people=["li"])
        notice.state, notice.closed_at = AnnouncementState.CLOSED, MONDAY_9AM
        await session.flush()
        assert len(await waiting(session, company.li, now=MONDAY_9AM + timedelta(days=days))) == listed


class TestTasks:
    async def test_it_is_to_be_accepted_then_done(self, session: AsyncSession, company: Company) -> None:
        work = await task(session, company.wang, company.li)
        assert await waiting(session, company.li) == [("task.accept", "整理验收单", "王芳")]
        facts: dict[str, Any] = {"task_id": TaskId(work.id), "person": company.li, "via": "rest", "now": MONDAY_9AM}
        await tasks.accept(session, **facts)
        assert await waiting(session, company.li) == [("task.do", "整理验收单", "王芳")]
        await tasks.complete(session, **facts)
        assert await waiting(session, company.li) == []


class TestConfirmations:
    """F197."""

    async def test_an_act_of_somebody_else_waits_for_those_who_may_confirm_it(
        self, session: AsyncSession, company: Company
    ) -> None:
        payload = {"source": default_source() + "\n# 修订"}
        wish = Wish(TwoPersonAct.POLICY_ACTIVATE, payload, company.han, "年度修订")
        row = (await confirmations.ask(session, wish, now=MONDAY_9AM)).row
        assert await waiting(session, company.sun) == [("confirmation.confirm", "启用制度", "韩梅")]
        assert await waiting(session, company.han) == await waiting(session, company.li) == []
        assert await waiting(session, company.sun, now=row.expires_at) == []

        await confirmations.refuse(session, row.id, Answer(company.sun, "console"), now=MONDAY_9AM)
        assert await waiting(session, company.sun) == []


class TestTogether:
    async def test_the_nearest_deadline_leads_and_what_has_none_comes_last(
        self, session: AsyncSession, company: Company
    ) -> None:
        await announcement(session, company.zhao, people=["wang"])  # not delivered: no clock runs
        await task(session, company.zhao, company.wang, due_at=FRIDAY_6PM)
        await borrowing(session, Library(HEAD_THEN_HR), company.li)
        assert [kind for kind, _, _ in await waiting(session, company.wang)] == [
            "request.decide",
            "task.accept",
            "announcement.confirm",
        ]
        assert await service.count_waiting(session, company.wang.id, now=MONDAY_9AM) == {
            "request.decide": 1,
            "task.accept": 1,
            "announcement.confirm": 1,
        }

    async def test_pages_show_everything_once(self, session: AsyncSession, company: Company) -> None:
        for number in range(7):
            due = FRIDAY_6PM if number % 2 else FRIDAY_6PM + timedelta(hours=1)
            await task(session, company.wang, company.li, title=f"任务{number}", due_at=due)
        await announcement(session, company.wang, people=["li"])
        whole = await waiting(session, company.li)
        assert len(whole) == 8
        seen: list[Any] = []
        cursor = None
        while True:
            page = await service.waiting_for(session, company.li.id, page=PageQuery(cursor, 3), now=MONDAY_9AM)
            seen += [(one.kind, one.title, one.asker) for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == whole

    async def test_the_cursor_of_another_list_is_refused(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(BadCursor):
            await service.waiting_for(session, company.li.id, page=PageQuery("WzFd", 3), now=MONDAY_9AM)

    def test_every_domain_that_asks_people_says_so(self) -> None:
        saying = {domain.name for domain in REGISTRY.domains if domain.waiting}
        assert saying == {domain.name for domain in REGISTRY.domains if domain.card_actions}


class TestRest:
    async def test_the_list_of_one_person(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                work = await task(session, company.wang, company.li)
            async with serving(sessions, clock, settings, scopes=["personal:read"]) as http:
                body = await answer(http.get("/members/LI/waiting"))
                assert body == {
                    "items": [
                        {
                            "kind": "task.accept",
                            "about": "task",
                            "id": str(work.id),
                            "number": work.number,
                            "title": "整理验收单",
                            "asker": "王芳",
                            "asked_at": "2026-03-02T01:00:00Z",
                            "due_at": "2026-03-06T10:00:00Z",
                            "late": False,
                        }
                    ],
                    "next_cursor": None,
                }
                assert (await answer(http.get("/members/chen/waiting")))["items"] == []
                assert (await http.get("/members/nobody/waiting")).status_code == 404
            async with serving(sessions, clock, settings, scopes=["org:read"]) as http:
                assert (await http.get("/members/li/waiting")).status_code == 403
