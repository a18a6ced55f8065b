"""P5: what has happened to one object, with names, clauses and sentences; of a key in a person's name both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.access.service import create_key
from app.announcements import service as announcements
from app.approvals import service as approvals
from app.audit.actor import KEY_OF_REQUEST, PERSON_OF_REQUEST, SYSTEM, Actor, ActorKind, person_actor
from app.audit.service import record
from app.audit.why import About, Why
from app.database import transaction
from app.settings import Settings
from app.timeline import service
from app.timeline.service import Entry
from app.web.pagination import PageQuery
from models.audit import ObjectKind
from models.ids import AnnouncementId, RequestId, new_id
from tests.builders.announcements import announcement
from tests.builders.approvals import Library, borrowing, decide, step
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD = [step("部门负责人", "department_head")]


async def entries(session: AsyncSession, kind: ObjectKind, object_id: object) -> list[Entry]:
    await session.flush()
    return list((await service.timeline(session, About(kind, object_id))).entries)


class TestSentences:
    async def test_who_when_what_and_by_which_clause(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library(HEAD), company.li)
        await decide(session, Library(HEAD), request, company.wang, now=MONDAY_9AM + timedelta(minutes=5))
        told = await entries(session, ObjectKind.REQUEST, request.id)
        assert [(one.chinese, one.actor.chinese) for one in told] == [
            ("申请已同意", "王芳"),
            ("审批人同意", "王芳"),
            ("提交了申请", "李军"),
        ]
        first = told[-1]
        assert (first.english, first.at) == ("The request was submitted", MONDAY_9AM)
        assert first.actor.person is not None
        assert (first.actor.person.userid, first.actor.person.department) == ("li", "研发部")
        assert first.clause == company.policy.cite("member.join")

    async def test_the_service_the_platform_and_the_command_line_have_names(
        self, session: AsyncSession, company: Company
    ) -> None:
        group_id = new_id()
        about = About(ObjectKind.GROUP, group_id)
        for actor in (SYSTEM, Actor(ActorKind.PLATFORM, "wecom"), Actor(ActorKind.OPERATOR, "cli")):
            await record(session, "group.created", about, Why(actor), now=MONDAY_9AM)
        told = await entries(session, ObjectKind.GROUP, group_id)
        assert [one.actor.chinese for one in told] == ["命令行 cli", "企业微信", "本服务"]
        assert [one.clause for one in told] == [None] * 3

    async def test_who_is_not_known_any_more_is_named_by_the_id(self, session: AsyncSession, company: Company) -> None:
        group_id, gone = new_id(), new_id()
        about = About(ObjectKind.GROUP, group_id)
        await record(session, "group.created", about, Why(person_actor(gone)), now=MONDAY_9AM)
        await record(session, "group.created", about, Why(Actor(ActorKind.API_KEY, str(gone))), now=MONDAY_9AM)
        told = await entries(session, ObjectKind.GROUP, group_id)
        assert [one.actor.english for one in told] == [f"the API key {gone}", str(gone)]

    async def test_a_rule_that_the_version_does_not_know_cites_nothing(
        self, session: AsyncSession, company: Company
    ) -> None:
        group_id = new_id()
        why = Why(SYSTEM, "unheard.of", company.policy.id)
        await record(session, "group.created", About(ObjectKind.GROUP, group_id), why, now=MONDAY_9AM)
        [only] = await entries(session, ObjectKind.GROUP, group_id)
        assert only.clause is None


class TestKeys:
    async def test_a_key_in_a_persons_name_shows_both(self, session: AsyncSession, company: Company) -> None:
        key, _ = await create_key(session, name="OA系统", scopes=["requests:write"], actor=SYSTEM, now=MONDAY_9AM)
        acting = Actor(ActorKind.API_KEY, str(key.id))
        request = await borrowing(session, Library(HEAD), company.li)
        token = KEY_OF_REQUEST.set(acting)
        try:
            await approvals.withdraw(session, request_id=RequestId(request.id), now=MONDAY_9AM)
        finally:
            KEY_OF_REQUEST.reset(token)
        last, first = await entries(session, ObjectKind.REQUEST, request.id)
        assert first.recorded_by is None
        assert (last.actor.chinese, last.recorded_by and last.recorded_by.chinese) == ("李军", "接口密钥 OA系统")

    async def test_a_key_that_acts_for_somebody(self, session: AsyncSession, company: Company) -> None:
        key, _ = await create_key(session, name="OA系统", scopes=["groups:write"], actor=SYSTEM, now=MONDAY_9AM)
        acting, group_id = Actor(ActorKind.API_KEY, str(key.id)), new_id()
        token, other = KEY_OF_REQUEST.set(acting), PERSON_OF_REQUEST.set(person_actor(company.li.id))
        try:
            await record(session, "group.created", About(ObjectKind.GROUP, group_id), Why(acting), now=MONDAY_9AM)
        finally:
            KEY_OF_REQUEST.reset(token)
            PERSON_OF_REQUEST.reset(other)
        [only] = await entries(session, ObjectKind.GROUP, group_id)
        assert (only.actor.chinese, only.on_behalf_of and only.on_behalf_of.chinese) == ("接口密钥 OA系统", "李军")


class TestLength:
    async def test_confirmations_have_a_list_of_their_own(self, session: AsyncSession, company: Company) -> None:
        notice = await announcement(session, company.wang, people=["li"])
        await announcements.confirm(
            session, announcement_id=AnnouncementId(notice.id), person=company.li, via="rest", now=MONDAY_9AM
        )
        assert [one.action for one in await entries(session, ObjectKind.ANNOUNCEMENT, notice.id)] == [
            "announcement.published"
        ]
        about = About(ObjectKind.ANNOUNCEMENT, notice.id)
        everything = await service.timeline(session, about, with_confirmations=True)
        assert len(everything.entries) == 2

    async def test_pages_and_as_many_statements_for_many_as_for_one(
        self, session: AsyncSession, company: Company
    ) -> None:
        group_id = new_id()
        about = About(ObjectKind.GROUP, group_id)
        for person in company.people.values():
            why = Why(person_actor(person.id), "group.create", company.policy.id)
            await record(session, "group.created", about, why, now=MONDAY_9AM)

        async def statements(limit: int) -> int:
            ran: list[str] = []
            connection = (await session.connection()).sync_connection

            def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
                ran.append(statement)

            event.listen(connection, "before_cursor_execute", note)
            try:
                told = await service.timeline(session, about, page=PageQuery(None, limit))
            finally:
                event.remove(connection, "before_cursor_execute", note)
            assert len(told.entries) == limit
            return len(ran)

        assert await statements(6) == await statements(1) <= 5
        first = await service.timeline(session, about, page=PageQuery(None, 4))
        rest = await service.timeline(session, about, page=PageQuery(first.next_cursor, 4))
        assert len({one.id for one in [*first.entries, *rest.entries]}) == 6
        assert rest.next_cursor is None


class TestRest:
    async def test_it_is_served(self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                request = await borrowing(session, Library(HEAD), company.li)
            async with serving(sessions, clock, settings, scopes=["audit:read"]) as client:
                wanted = {"object_kind": "request", "object_id": str(request.id)}
                [only] = (await answer(client.get("/timeline", params=wanted)))["items"]
                nothing = await answer(client.get("/timeline", params=wanted | {"object_id": "1"}))
                await answer(client.get("/timeline", params=wanted | {"object_kind": "weather"}), 422)
        assert nothing == {"items": [], "next_cursor": None}
        assert (only["what"], only["what_en"]) == ("提交了申请", "The request was submitted")
        assert only["actor"] == {
            "kind": "person",
            "id": str(company.li.id),
            "name": "李军",
            "name_en": "李军",
            "userid": "li",
        }
        assert only["clause"]["rule_key"] == "member.join"
