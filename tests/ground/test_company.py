"""The company of the tests does what a worker does: events, jobs and timers, until nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import transaction
from app.inbox import service as inbox
from app.org import queries
from app.settings import Settings
from app.sync.domain import DOMAIN as SYNC
from tests.builders.callbacks import arrival, payload
from tests.builders.tasks import task
from tests.company import SIX, OpenCompany, answer, open_company
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock


class WithoutSync(OpenCompany):
    kept = frozenset(SYNC.jobs)


@pytest.fixture
async def opened(shared_engine: AsyncEngine, clock: FakeClock, settings: Settings) -> AsyncIterator[OpenCompany]:
    async with (
        rolled_back(shared_engine) as sessions,
        open_company(OpenCompany, sessions, clock, settings, people=SIX, delivery__jitter_seconds=0) as opened,
    ):
        yield opened


async def li_was_renamed(company: OpenCompany) -> None:
    """On the platform, which has told us."""
    await company.sandbox.set_name("li", "李新")
    body = payload("change_contact__update_user").replace(b"u001", b"li")
    told = arrival("user:li", event_type="change_contact.update_user", body=body)
    async with transaction(company.sessions) as session:
        await inbox.store(session, arrivals=[told])


async def name_of_li(company: OpenCompany) -> str:
    async with transaction(company.sessions) as session:
        person = await queries.person_by_userid(session, "li")
        assert person is not None
        return person.name


class TestWork:
    async def test_an_event_its_job_and_what_the_platform_says(self, opened: OpenCompany) -> None:
        await li_was_renamed(opened)

        await opened.work()
        assert await name_of_li(opened) == "李军"
        await opened.work(with_inbox=True)
        assert (await name_of_li(opened), await opened.waiting()) == ("李新", [])

    async def test_jobs_that_are_kept_wait_in_the_queue(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with (
            rolled_back(shared_engine) as sessions,
            open_company(WithoutSync, sessions, clock, settings, people=SIX) as company,
        ):
            await li_was_renamed(company)
            await company.work(with_inbox=True)
            assert (await name_of_li(company), await company.waiting()) == ("李军", ["org.refresh_person"])

    async def test_a_card_arrives_and_a_reminder_when_its_time_has_come(self, opened: OpenCompany) -> None:
        async with transaction(opened.sessions) as session:
            await task(session, opened.company.wang, opened.company.li)
        await opened.work()
        assert len(await opened.sandbox.app_messages("li")) == 1
        await opened.pass_time(hours=1)
        assert len(await opened.sandbox.app_messages("li")) == 2


class TestServing:
    async def test_every_domain_answers_and_a_key_has_its_scopes(self, opened: OpenCompany) -> None:
        async with opened.serving("tasks:read") as reader:
            assert (await answer(reader.get("/tasks")))["items"] == []
            await answer(reader.get("/groups"), 403)
        async with opened.serving() as everybody:
            assert isinstance(everybody, httpx.AsyncClient)
            assert (await answer(everybody.get("/members/li")))["name"] == "李军"
