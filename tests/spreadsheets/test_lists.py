"""Lists of requests and tasks as files: the same filter, the same order, all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import Sessions, transaction
from app.settings import Settings
from tests.builders.approvals import Library, borrowing, decide, step
from tests.builders.tasks import task
from tests.company import RESEARCH, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock
from tests.spreadsheets.reading import csv_rows, xlsx_tables

HEAD = [step("部门负责人", "department_head")]


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


@pytest.fixture
async def client(sessions: Sessions, clock: FakeClock, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(sessions, clock, settings, scopes=["requests:read", "tasks:read"]) as client:
        yield client


async def test_requests(client: httpx.AsyncClient, sessions: Sessions, company: Company, clock: FakeClock) -> None:
    async with transaction(sessions) as session:
        request = await borrowing(session, Library(HEAD), company.li)
        await borrowing(session, Library(HEAD), company.sun, thing="会议室", now=clock.now() + timedelta(minutes=1))
        await decide(session, Library(HEAD), request, company.wang, now=clock.now() + timedelta(minutes=2))
    titles, first, second = csv_rows((await client.get("/requests/export.csv")).content)
    assert titles[:5] == ["编号", "申请", "申请人姓名", "申请人部门", "申请人账号"]
    assert first[1:7] == ["借用投影仪", "李军", "研发部", "li", "已同意", ""]
    assert first[-2:] == ["2026-03-02 09:00:00", "2026-03-02 09:02:00"]
    assert second[1:8] == ["借用会议室", "孙宁", "人力资源部", "sun", "审批中", "部门负责人", "韩梅"]
    params = {"state": "pending"}
    [[_, only]] = xlsx_tables((await client.get("/requests/export.xlsx", params=params)).content)
    assert only[1] == "借用会议室"
    listed = (await answer(client.get("/requests", params=params)))["items"]
    assert [one["number"] for one in listed] == [only[0]]


async def test_tasks(client: httpx.AsyncClient, sessions: Sessions, company: Company, clock: FakeClock) -> None:
    async with transaction(sessions) as session:
        await task(session, company.zhao, company.li, title="=研")
        await task(session, company.zhao, company.sun, title="人")
    clock.advance(timedelta(days=30))
    file = await client.get("/tasks/export.csv", params={"department": RESEARCH}, headers={"Accept-Language": "en"})
    titles, only = csv_rows(file.content)
    assert titles == [
        "Number",
        "Task",
        *("Owner Name", "Owner Department", "Owner Userid"),
        *("Assigner Name", "Assigner Department", "Assigner Userid"),
        *("State", "Progress (%)", "Due", "Late"),
    ]
    assert only[1:5] == ["'=研", "李军", "研发部", "li"]
    assert only[8:] == ["to be accepted", "0", "2026-03-06 18:00:00", "yes"]
    assert file.headers["content-disposition"].endswith("UTF-8''tasks.csv")
    [[_, *rows]] = xlsx_tables((await client.get("/tasks/export.xlsx")).content)
    assert [row[1] for row in rows] == ["人", "=研"]


async def test_who_may_not_list_may_not_export(sessions: Sessions, clock: FakeClock, settings: Settings) -> None:
    async with serving(sessions, clock, settings, scopes=["org:read"]) as client:
        for path in ("/requests/export.csv", "/tasks/export.xlsx"):
            await answer(client.get(path), 403)
