"""F198: everything that is kept about one person, typed, from each domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app import kept_data
from app.bootstrap import REGISTRY
from app.database import transaction
from app.kept_data import Kept
from app.settings import Settings
from app.today import service
from models.approvals import Verdict
from models.base import metadata
from tests.builders import groups
from tests.builders.announcements import announcement
from tests.builders.approvals import Library, borrowing, decide, step
from tests.builders.tasks import task
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD = [step("部门负责人", "department_head")]


async def kept(session: AsyncSession, company: Company, userid: str) -> dict[str, Kept]:
    return {one.name: one for one in await service.kept_about(session, company.people[userid].id)}


async def a_busy_morning(session: AsyncSession, company: Company) -> None:
    """Something of everything: li applies, wang decides, both are in a group, read a notice, have a task."""
    library = Library(HEAD)
    request = await borrowing(session, library, company.li, borrower=company.chen)
    await decide(session, library, request, company.wang, Verdict.APPROVE, comment="可以")
    await groups.group(session, owner=company.wang, members=[company.li])
    await announcement(session, company.wang, people=["li"])
    await task(session, company.wang, company.li, collaborators=[company.chen])


class TestEverythingKept:
    async def test_what_somebody_did_and_what_was_done_to_them(self, session: AsyncSession, company: Company) -> None:
        await a_busy_morning(session, company)
        of_li, of_wang, of_chen = [await kept(session, company, userid) for userid in ("li", "wang", "chen")]

        assert {name: one.total for name, one in of_li.items() if one.total} == {
            "account": 1,
            "userids": 1,
            "departments": 1,
            "group_memberships": 1,
            "requests": 1,
            "receipts": 1,
            "tasks": 1,
            "deliveries": of_li["deliveries"].total,
        }
        [account] = [row.model_dump() for row in of_li["account"].rows]
        assert (account["name"], account["status"].value) == ("李军", "active")
        [place] = [row.model_dump() for row in of_li["departments"].rows]
        assert place["department"] == "研发部"
        [request] = [row.model_dump() for row in of_li["requests"].rows]
        assert (request["title"], request["reason"], request["payload"]["thing"]) == (
            "借用投影仪",
            "客户演示",
            "投影仪",
        )
        [decision] = [row.model_dump() for row in of_wang["decisions"].rows]
        assert (decision["verdict"], decision["comment"], decision["step"]) == (Verdict.APPROVE, "可以", "部门负责人")
        assert of_wang["announcements"].total == 1
        assert of_chen["requests_about"].total == 1
        assert [row.model_dump()["part"] for row in of_chen["tasks"].rows] == ["collaborator"]
        assert of_li["deliveries"].total >= 2

    async def test_nothing_of_others(self, session: AsyncSession, company: Company) -> None:
        await a_busy_morning(session, company)
        of_sun = await kept(session, company, "sun")
        assert {name for name, one in of_sun.items() if one.total} == {"account", "userids", "departments"}

    async def test_the_newest_come_first_and_the_total_says_how_many(
        self, session: AsyncSession, company: Company
    ) -> None:
        for number in range(3):
            await task(session, company.wang, company.li, title=f"任务{number}")
        tasks = (await kept(session, company, "li"))["tasks"]
        assert [row.model_dump()["title"] for row in tasks.rows] == ["任务2", "任务1", "任务0"]
        assert (tasks.total, kept_data.MOST_ROWS) == (3, 1_000)

    async def test_every_column_is_named_in_both_languages(self, session: AsyncSession, company: Company) -> None:
        everything = (await kept(session, company, "li")).values()
        assert len(everything) > 10
        for one in everything:
            assert one.title
            assert one.english.isascii()
            for field in one.columns.model_fields.values():
                assert field.title
                assert (field.description or "").isascii()


ELSEWHERE = {
    "access_links": "minutes, once; only the digest of a token",
    "api_requests": "days; ids of what a service asked",
    "person_spellings": "the name, as it may be typed",
    "read_people": "a digest of the account as it was read last",
    "groups": "shown as the group of the membership: owner, deputy",
    "group_change_people": "shown by the membership that it changes",
    "userid_reviews": "shown by the userids",
    "sign_in_attempts": "names nobody",
    "step_approvers": "shown by the decision",
    "rungs": "shown by the delivery that told it",
    "card_clicks": "shown by the decision, receipt or report that it made",
    "task_collaborators": "shown as the tasks",
    "confirmations": "shown in the audit trail",
}
"""Tables that name people and have no kind of their own, with the reason."""

OF_KINDS = {
    "people",
    "person_userids",
    "memberships",
    "group_members",
    "group_findings",
    "requests",
    "concerned_people",
    "decisions",
    "announcements",
    "receipts",
    "tasks",
    "task_entries",
    "person_sessions",
    "access_grants",
    "deliveries",
}


def test_every_table_that_names_people_is_shown_or_says_why_not() -> None:
    """A new one gets a kind of its own, or stands above."""
    naming = {
        table.name
        for table in metadata.tables.values()
        if table.name == "people" or any(_names_people(column) for column in table.columns)
    }
    assert naming - OF_KINDS - set(ELSEWHERE) == set()


def _names_people(column: Any) -> bool:
    keys: set[ForeignKey] = column.foreign_keys
    return any(key.target_fullname == "people.id" for key in keys) or column.name == "person_id"


def test_every_domain_with_such_tables_says_what_it_keeps() -> None:
    saying = {domain.name for domain in REGISTRY.domains if domain.kept_data is not None}
    assert saying == {"org", "access", "delivery", "approvals", "groups", "announcements", "tasks"}


class TestRest:
    async def test_a_document_of_one_person(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                await a_busy_morning(session, company)
            async with serving(sessions, clock, settings, scopes=["personal:read"]) as http:
                body = await answer(http.get("/members/li/data"))
                kinds = {one["kind"]: one for one in body["kinds"]}
                assert kinds["userids"]["rows"] == [
                    {"userid": "li", "started_at": "2026-03-02T01:00:00Z", "ended_at": None}
                ]
                assert kinds["userids"]["columns"][0] == {"name": "userid", "title": "账号", "english": "Userid"}
                [stay] = kinds["group_memberships"]["rows"]
                assert UUID(stay["group_id"])
                assert datetime.fromisoformat(stay["desired_since"]) == MONDAY_9AM
                assert (await http.get("/members/nobody/data")).status_code == 404
            async with serving(sessions, clock, settings, scopes=["org:read"]) as http:
                assert (await http.get("/members/li/data")).status_code == 403
