"""REST: `announcements`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import unquote
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import Sessions, transaction
from app.settings import Settings
from models.delivery import Delivery, DeliveryState
from models.groups import GroupState
from models.ids import new_id
from tests.builders import groups
from tests.builders.approvals import everything_arrives
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock
from tests.spreadsheets.reading import csv_rows, xlsx_tables

WORK: dict[str, Any] = {
    "title": "周五前完成验收",
    "body": "请各负责人按验收单逐项确认。",
    "class": "work",
    "author": "wang",
    "audience": {"departments": [2], "people": ["han"]},
}


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


@pytest.fixture
async def client(
    sessions: Sessions, company: Company, clock: FakeClock, settings: Settings
) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(sessions, clock, settings, scopes=["announcements:write", "announcements:confirm"]) as client:
        yield client


async def publish(client: httpx.AsyncClient, **changes: Any) -> Any:
    return await answer(client.post("/announcements", json=WORK | changes), 201)


class TestPublishing:
    """3.2, 3.6: published by REST, with the class's receipt and deadline."""

    async def test_everything_about_it_is_in_the_answer(self, client: httpx.AsyncClient, company: Company) -> None:
        told = await publish(client)
        assert (told["author"], told["class"], told["state"]) == ("wang", "work", "published")
        assert told["deadline"] == "2026-03-03T10:00:00Z"
        assert told["receipts"] == {
            "audience": 3,
            "confirmed": 0,
            "unconfirmed": 0,
            "undelivered": 3,
            "late": 0,
            "chased": 0,
        }
        assert told["delivery"] == {"sent": 0, "failed": 0, "unknown": 0, "held": 3}
        assert (told["rule_key"], told["clause"]) == ("announcement.publish", "3.2")
        assert (await answer(client.get(f"/announcements/{told['id']}")))["correlation_id"] == told["correlation_id"]

    async def test_its_own_deadline_is_shown_in_utc(self, client: httpx.AsyncClient) -> None:
        told = await publish(client, deadline="2026-03-06T18:00:00+08:00")
        assert told["deadline"] == "2026-03-06T10:00:00Z"

    async def test_the_same_idempotency_key_publishes_once(self, client: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "1"}
        first = await answer(client.post("/announcements", json=WORK, headers=headers), 201)
        again = await answer(client.post("/announcements", json=WORK, headers=headers), 201)
        assert first["id"] == again["id"]
        assert len((await answer(client.get("/announcements")))["items"]) == 1

    @pytest.mark.parametrize(
        ("changes", "status", "slug"),
        [
            ({"class": "gossip"}, 400, "unknown-announcement-class"),
            ({"class": "sharing", "body": "字" * 201}, 400, "announcement-too-long"),
            ({"audience": {"people": ["wang"]}}, 400, "nobody-concerned"),
            ({"audience": {"people": ["nemo"]}}, 400, "unknown-audience"),
            ({"audience": {"groups": [str(new_id())]}}, 400, "unknown-audience"),
            ({"deadline": "2026-03-02T00:59:00Z"}, 400, "deadline-in-the-past"),
            ({"class": "sharing", "receipt": True}, 400, "receipt-not-possible"),
            ({"author": "nemo"}, 404, None),
            ({"audience": {}}, 422, None),
            ({"deadline": "2026-03-05T10:00:00"}, 422, None),
            ({"deadline": "9999-12-31T23:59:59-14:00"}, 422, "malformed"),
            ({"unheard_of": 1}, 422, None),
        ],
    )
    async def test_what_is_refused(
        self, client: httpx.AsyncClient, changes: dict[str, Any], status: int, slug: str | None
    ) -> None:
        refused = await answer(client.post("/announcements", json=WORK | changes), status)
        if slug:
            assert refused["type"] == f"/problems/{slug}"
        assert (await answer(client.get("/announcements")))["items"] == []

    async def test_a_group_that_is_not_active(
        self, client: httpx.AsyncClient, sessions: Sessions, company: Company
    ) -> None:
        async with transaction(sessions) as session:
            group = await groups.group(
                session, policy=company.policy, owner=company.wang, members=[company.li], state=GroupState.CREATING
            )
        wanted = WORK | {"audience": {"groups": [str(group.id)]}}
        refused = await answer(client.post("/announcements", json=wanted), 409)
        assert refused["type"] == "/problems/group-not-active"


class TestReceipts:
    """F67: the list of who has and who has not."""

    async def test_confirmed_by_rest(self, client: httpx.AsyncClient, sessions: Sessions) -> None:
        told = await publish(client)
        async with transaction(sessions) as session:
            await everything_arrives(session)
        where = f"/announcements/{told['id']}/receipts"
        made = await answer(client.post(where, json={"person": "LI"}), 201)
        assert (made["confirmed_via"], made["late"]) == ("rest", False)
        open_ones = await answer(client.get(where, params={"confirmed": "false"}))
        assert {row["person"] for row in open_ones["items"]} == {"chen", "han"}
        seen = await answer(client.get(f"/announcements/{told['id']}"))
        assert (seen["receipts"]["confirmed"], seen["receipts"]["unconfirmed"]) == (1, 2)

    async def test_the_list_says_why_and_whether_the_card_arrived(self, client: httpx.AsyncClient) -> None:
        told = await publish(client)
        listed = (await answer(client.get(f"/announcements/{told['id']}/receipts", params={"limit": 2})))["items"]
        assert [(row["person"], row["source"], row["card"]) for row in listed] == [
            ("li", "department:2", "held"),
            ("chen", "department:2", "held"),
        ]

    async def test_who_is_not_concerned(self, client: httpx.AsyncClient) -> None:
        told = await publish(client)
        where = f"/announcements/{told['id']}/receipts"
        assert (await answer(client.post(where, json={"person": "sun"}), 403))["type"] == "/problems/not-concerned"

    async def test_an_announcement_that_is_not_there(self, client: httpx.AsyncClient) -> None:
        where = f"/announcements/{UUID(int=0)}"
        assert (await answer(client.get(where), 404))["type"] == "/problems/no-such-announcement"
        await answer(client.post(f"{where}/receipts", json={"person": "li"}), 404)


class TestExport:
    """3.6: the list as personnel keeps it, exactly what is filtered."""

    TITLES: ClassVar = ["姓名", "部门", "账号", "状态", "送达时间", "确认时间", "截止", "逾期"]

    async def test_csv_and_xlsx_say_the_same(
        self, client: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        told = await publish(client)
        async with transaction(sessions) as session:
            await everything_arrives(session)
            await session.execute(update(Delivery).values(state=DeliveryState.SENT, updated_at=clock.now()))
        clock.advance(timedelta(minutes=5))
        where = f"/announcements/{told['id']}/receipts"
        await answer(client.post(where, json={"person": "li"}), 201)
        csv = await client.get(f"{where}.csv")
        assert csv.headers["content-type"] == "text/csv; charset=utf-8"
        assert unquote(csv.headers["content-disposition"]).endswith("周五前完成验收 回执.csv")
        titles, *lines = csv_rows(csv.content)
        assert titles == self.TITLES
        by_userid = {line[2]: line for line in lines}
        assert by_userid["li"][:4] == ["李军", "研发部", "li", "已确认"]
        assert by_userid["li"][4:] == ["2026-03-02 09:00:00", "2026-03-02 09:05:00", "2026-03-03 18:00:00", "否"]
        assert by_userid["han"][1:4] == ["人力资源部", "han", "待确认"]
        xlsx = await client.get(f"{where}.xlsx")
        [[shown, *rows]] = xlsx_tables(xlsx.content)
        assert shown == self.TITLES
        assert [row[:4] for row in rows] == [line[:4] for line in lines]

    async def test_a_filter_and_what_is_late(
        self, client: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        told = await publish(client)
        async with transaction(sessions) as session:
            await everything_arrives(session)
        where = f"/announcements/{told['id']}/receipts"
        await answer(client.post(where, json={"person": "li"}), 201)
        clock.advance(timedelta(days=5))
        unconfirmed = await client.get(f"{where}.csv", params={"state": "unconfirmed"})
        assert [(line[2], line[7]) for line in csv_rows(unconfirmed.content)[1:]] == [("chen", "是"), ("han", "是")]

    async def test_in_english(self, client: httpx.AsyncClient) -> None:
        told = await publish(client)
        csv = await client.get(f"/announcements/{told['id']}/receipts.csv", headers={"Accept-Language": "en"})
        titles, line, *_ = csv_rows(csv.content)
        assert titles == ["Name", "Department", "Userid", "State", "Delivered", "Confirmed", "Due", "Late"]
        assert line[3:] == ["not delivered", "", "", "", "no"]

    async def test_a_format_that_there_is_not(self, client: httpx.AsyncClient) -> None:
        told = await publish(client)
        await answer(client.get(f"/announcements/{told['id']}/receipts.pdf"), 422)
        await answer(client.get(f"/announcements/{new_id()}/receipts.csv"), 404)


class TestListing:
    """The latest change first, a page at a time."""

    async def test_by_author_and_since(self, client: httpx.AsyncClient, clock: FakeClock) -> None:
        await publish(client)
        later = clock.advance(timedelta(hours=1)).isoformat()
        second = await publish(client, title="第二个", author="han", audience={"people": ["li"]})
        everything = await answer(client.get("/announcements", params={"limit": 1}))
        assert [row["id"] for row in everything["items"]] == [second["id"]]
        rest = await answer(client.get("/announcements", params={"cursor": everything["next_cursor"]}))
        assert [row["author"] for row in rest["items"]] == ["wang"]
        assert len((await answer(client.get("/announcements", params={"updated_since": later})))["items"]) == 1
        assert len((await answer(client.get("/announcements", params={"author": "wang"})))["items"]) == 1
