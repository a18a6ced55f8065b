"""F146: who will decide, why they and by when, before somebody applies. The preview and the engine say the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.approvals import queries, service
from app.approvals.errors import DuplicateRequest
from app.approvals.service import Application, Preview
from app.audit.actor import person_actor
from app.database import transaction
from app.errors import DomainError
from app.policy.sections.people import StepRule
from app.settings import Settings
from models.approvals import Request, StepApprover, StepState, Verdict
from models.audit import AuditEntry
from models.delivery import Message
from models.ids import RequestId
from models.org import Person, PersonStatus
from models.policy import Timer
from tests.builders import groups
from tests.builders.approvals import Library, borrowing, decide, step
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr")]


def application(kind: str, who: Person, reason: str = "工作需要", **payload: Any) -> Application:
    return Application(kind, who, payload, submitted_by=person_actor(who.id), reason=reason)


async def previewed(session: AsyncSession, wanted: Application) -> Preview:
    return await service.preview(session, wanted, now=MONDAY_9AM)


def names(found: Preview) -> list[list[str]]:
    return [[person.name for person in one.people] for one in found.steps]


async def written(session: AsyncSession) -> list[int]:
    """How many rows there are of everything that a submission writes, and the last number."""
    tables = (Request, StepApprover, Message, AuditEntry, Timer)
    counts = [(await session.scalars(select(func.count()).select_from(table))).one() for table in tables]
    number = (await session.execute(text("SELECT last_value FROM request_numbers"))).scalar_one()
    return [*counts, int(number)]


async def borrowed(session: AsyncSession, steps: Sequence[StepRule], who: Person, **payload: Any) -> Preview:
    Library(steps).open_to(session)
    return await previewed(session, application("borrow", who, thing="投影仪", **payload))


class TestWhoDecides:
    async def test_every_step_has_its_people_and_the_reason(self, session: AsyncSession, company: Company) -> None:
        found = await borrowed(session, HEAD_THEN_HR, company.li)
        assert names(found) == [["王芳"], ["韩梅", "孙宁"]]
        assert [one.reason for one in found.steps] == ["李军 的部门负责人", "制度中的角色“人力资源”"]
        assert [one.needed for one in found.steps] == [1, 1]
        assert (found.title, found.clause.clause) == ("借用投影仪", "2.1")
        assert [one.reason_to_applicant for one in found.steps] == ["您的部门负责人", ""]
        assert not found.takes_effect_at_once

    async def test_a_head_is_told_that_another_head_decides(self, session: AsyncSession, company: Company) -> None:
        [one] = (await borrowed(session, HEAD_THEN_HR[:1], company.wang)).steps
        assert [person.name for person in one.people] == [company.zhao.name]
        assert one.reason_to_applicant == "您是研发部负责人，您的申请由其他负责人审批"

    async def test_who_applies_is_passed_over_and_it_says_so(self, session: AsyncSession, company: Company) -> None:
        """F56."""
        steps = [step("人力资源", "role:hr", needed="all")]
        assert names(await borrowed(session, steps, company.sun)) == [["韩梅"]]
        only = await borrowed(session, [step("王芳", "userid:wang")], company.wang)
        assert (names(only), only.steps[0].reason) == ([["赵总"]], "申请人本人是审批人，转其上级审批")

    async def test_where_nobody_stands_above_the_step_is_passed(self, session: AsyncSession, company: Company) -> None:
        found = await borrowed(session, HEAD_THEN_HR[:1], company.zhao)
        [one] = found.steps
        assert (one.is_passed, one.people, one.due_at) == (True, [], None)
        assert one.reason == "申请人之上没有负责人，此步免审"
        assert found.takes_effect_at_once

    async def test_who_may_not_act_is_not_named(self, session: AsyncSession, company: Company) -> None:
        company.wang.status = PersonStatus.DISABLED
        await session.flush()
        assert names(await borrowed(session, HEAD_THEN_HR[:1], company.li)) == [["赵总"]]

    async def test_whom_it_is_about_would_be_told(self, session: AsyncSession, company: Company) -> None:
        found = await borrowed(session, HEAD_THEN_HR, company.li, borrower=str(company.chen.id))
        assert ([one.name for one in found.told], found.objection_ends) == (["陈晨"], False)


class TestByWhen:
    async def test_each_step_begins_when_the_one_before_has_taken_all_its_time(
        self, session: AsyncSession, company: Company
    ) -> None:
        steps = [step("一", "department_head", due_after="2wh"), step("二", "role:hr", due_after="4wh")]
        found = await borrowed(session, steps, company.li)
        # 9:00 and two hours; four more with an hour of lunch between them.
        assert [one.due_at for one in found.steps] == [MONDAY_9AM + timedelta(hours=hours) for hours in (2, 7)]
        assert found.due_at == MONDAY_9AM + timedelta(hours=7)

    async def test_a_passed_step_takes_no_time(self, session: AsyncSession, company: Company) -> None:
        steps = [step("一", "department_head", due_after="2wh"), step("二", "role:hr", due_after="2wh")]
        found = await borrowed(session, steps, company.zhao)
        assert [one.due_at for one in found.steps] == [None, MONDAY_9AM + timedelta(hours=2)]


CREATION: dict[str, Any] = {"name": "研发部-新品", "type": "project", "purpose": "新品", "members": ["chen", "wang"]}


class TestOffers:
    """1.9: nobody becomes the owner unasked."""

    async def test_who_would_own_the_group_is_asked_last(self, session: AsyncSession, company: Company) -> None:
        found = await previewed(session, application("create_group", company.li, **CREATION, owner="chen"))
        assert [(one.name, one.is_offer) for one in found.steps] == [("部门负责人", False), ("担任群主", True)]
        assert names(found) == [["王芳"], ["陈晨"]]
        assert found.steps[1].clause.clause == "1.9"
        assert found.steps[0].due_at is not None
        assert found.steps[1].due_at is not None
        assert found.steps[0].due_at < found.steps[1].due_at

    @pytest.mark.parametrize("owner", ["li", "wang"])
    async def test_who_applies_or_decides_alone_has_agreed(
        self, session: AsyncSession, company: Company, owner: str
    ) -> None:
        found = await previewed(session, application("create_group", company.li, **CREATION, owner=owner))
        assert [one.is_offer for one in found.steps] == [False]


def a_join(userid: str = "li", reason: str = "工作需要", **payload: Any) -> tuple[str, str, str, dict[str, Any]]:
    return "join", userid, reason, {"title": "工程师", "contact": "分机 8021"} | payload


APPLICATIONS = {
    "join": a_join(),
    "join of the president": a_join("zhao"),
    "join for somebody else": a_join("wang", person="li"),
    "join for somebody else by HR": a_join("han", person="li"),
    "exit": ("exit", "chen", "调岗", {}),
    "creation": ("create_group", "li", "新品", CREATION),
    "creation with another owner": ("create_group", "li", "新品", CREATION | {"owner": "chen"}),
    "creation by the president": ("create_group", "zhao", "新品", CREATION),
    "interest group": ("create_group", "li", "新品", CREATION | {"type": "interest"}),
}
REFUSED = {
    "incomplete": a_join(reason=""),
    "not for others": a_join("li", person="sun"),
    "a member already": a_join("chen"),
    "owner without a deputy": ("exit", "wang", "调岗", {}),
    "no member": ("exit", "li", "调岗", {}),
    "unknown people": a_join("li", person="nobody"),
    "unreadable": a_join(colour="red"),
    "unknown kind": ("steal", "li", "", {}),
    "asked by the service alone": ("own_group", "li", "", {}),
    "name taken": ("create_group", "li", "新品", CREATION | {"name": "研发部-旧品"}),
    "type not offered": ("create_group", "li", "新品", CREATION | {"type": "customer"}),
    "nobody holds the role": ("create_group", "li", "新品", CREATION | {"type": "executive", "members": ["chen"]}),
}


async def asked_for(session: AsyncSession, company: Company, case: tuple[str, str, str, dict[str, Any]]) -> Application:
    kind, userid, reason, payload = case
    group = await groups.group(session, "研发部-旧品", owner=company.wang, members=[company.chen, company.han])
    about = {"group_id": str(group.id)} if kind in {"join", "exit"} else {}
    return application(kind, company.people[userid], reason, **about, **payload)


class TestAgainstTheEngine:
    """What is foretold comes: the same steps, people, notes and deadlines as when it is submitted and decided."""

    @pytest.mark.parametrize("case", APPLICATIONS.values(), ids=APPLICATIONS)
    async def test_what_is_foretold_comes(
        self, session: AsyncSession, company: Company, case: tuple[str, str, str, dict[str, Any]]
    ) -> None:
        wanted = await asked_for(session, company, case)
        foretold = await previewed(session, wanted)
        request = await service.submit(session, wanted, now=MONDAY_9AM)
        await self._everybody_agrees(session, company, request)

        steps = await queries.steps_of(session, request.id)
        assert [one.name for one in foretold.steps] == [one.name for one in steps]
        assert (foretold.title, foretold.fields) == (request.title, [tuple(row) for row in request.shown["fields"]])
        for said, came in zip(foretold.steps, steps, strict=True):
            asked = {row.person_id for row in await queries.approvers_of(session, came.id)}
            assert {one.id for one in said.people} == asked
            assert said.is_passed == (came.state is StepState.SKIPPED)
            if said.is_passed:
                assert said.reason == came.note
        first = next((came for came in steps if came.opened_at == MONDAY_9AM), None)
        if first is not None and first.due_at is not None:
            assert foretold.steps[first.position - 1].due_at == first.due_at

    async def _everybody_agrees(self, session: AsyncSession, company: Company, request: Request) -> None:
        people = {person.id: person for person in company.people.values()}
        for _ in range(5):
            open_step = next(
                (one for one in await queries.steps_of(session, request.id) if one.state is StepState.OPEN), None
            )
            if open_step is None:
                return
            first = (await queries.approvers_of(session, open_step.id))[0]
            ballot = service.Ballot(people[first.person_id], Verdict.APPROVE, "rest")
            await service.decide(
                session, ballot, request_id=RequestId(request.id), now=MONDAY_9AM + timedelta(minutes=1)
            )

    @pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
    async def test_the_refusal_is_the_one_that_submitting_gives(
        self, session: AsyncSession, company: Company, case: tuple[str, str, str, dict[str, Any]]
    ) -> None:
        if case[3].get("type") == "executive":
            company.zhao.position = ""
            await session.flush()
        wanted = await asked_for(session, company, case)
        refusals = []
        for use_case in (service.preview, service.submit):
            with pytest.raises(DomainError) as refusal:
                async with session.begin_nested():
                    await use_case(session, wanted, now=MONDAY_9AM)
            refusals.append((type(refusal.value), str(refusal.value), refusal.value.english))
        assert refusals[0] == refusals[1]

    async def test_a_second_one_about_the_same_is_refused_with_the_number_of_the_first(
        self, session: AsyncSession, company: Company
    ) -> None:
        wanted = await asked_for(session, company, a_join())
        request = await service.submit(session, wanted, now=MONDAY_9AM)
        with pytest.raises(DuplicateRequest, match=f"#{request.number}"):
            await previewed(session, wanted)

    @pytest.mark.parametrize("case", [*APPLICATIONS.values(), *REFUSED.values()], ids=[*APPLICATIONS, *REFUSED])
    async def test_nothing_is_written(
        self, session: AsyncSession, company: Company, case: tuple[str, str, str, dict[str, Any]]
    ) -> None:
        wanted = await asked_for(session, company, case)
        before = await written(session)
        with suppress(DomainError):
            await previewed(session, wanted)
        assert not session.new
        assert not session.dirty
        assert await written(session) == before


class TestUnderWay:
    """F146: also after the submission."""

    async def test_what_follows_the_open_step(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        followed = await service.follow(session, RequestId(request.id), now=MONDAY_9AM)
        [ahead] = followed.ahead
        assert ([one.name for one in ahead.people], ahead.position) == (["韩梅", "孙宁"], 2)
        assert followed.line.open_step is not None
        assert followed.line.open_step.due_at is not None
        assert ahead.due_at is not None
        assert ahead.due_at > followed.line.open_step.due_at

        await decide(session, library, request, company.wang)
        assert (await service.follow(session, RequestId(request.id), now=MONDAY_9AM)).ahead == []

    async def test_a_step_that_nobody_may_decide_any_more_says_why(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)
        for who in (company.han, company.sun):
            who.status = PersonStatus.DISABLED
        await session.flush()
        [ahead] = (await service.follow(session, RequestId(request.id), now=MONDAY_9AM)).ahead
        assert (ahead.people, ahead.due_at) == ([], None)
        assert "没有" in ahead.reason


class TestRest:
    async def test_the_same_body_as_a_submission(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                group = await groups.group(session, owner=company.wang, members=[company.chen])
            body = {
                "kind": "join",
                "requester": "li",
                "reason": "工作需要",
                "payload": {"group_id": str(group.id), "title": "工程师", "contact": "分机 8021"},
            }
            async with serving(sessions, clock, settings, scopes=["requests:write"]) as http:
                said = await answer(http.post("/requests/preview", json=body))
                assert [(one["people"], one["reason"]) for one in said["steps"]] == [
                    (["wang"], "李军 的部门负责人"),
                    (["han", "sun"], "制度中的角色“人力资源”"),
                ]
                assert (said["title"], said["takes_effect_at_once"]) == ("申请加入“研发部-新品项目”", False)
                assert (await answer(http.get("/requests")))["items"] == []
                refused = await http.post("/requests/preview", json=body | {"reason": ""})
                assert refused.json()["type"] == "/problems/incomplete-application"
                request = await answer(http.post("/requests", json=body), 201)
                ahead = await answer(http.get(f"/requests/{request['id']}/ahead"))
                assert [one["people"] for one in ahead["items"]] == [["han", "sun"]]
                assert (await http.post("/requests/preview", json=body)).status_code == 409
            async with serving(sessions, clock, settings, scopes=["requests:read"]) as http:
                assert (await http.post("/requests/preview", json=body)).status_code == 403
