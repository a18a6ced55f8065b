"""REST: `confirmations`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access.service import Wanted, grant
from app.audit.actor import SYSTEM
from app.database import Sessions, transaction
from app.settings import Settings
from tests.builders.policy import policy_in_force
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock

NEW_KEY = {"act": "key.create", "person": "li", "payload": {"name": "报表", "scopes": ["org:read"]}, "reason": "月报"}
SCOPES = ["confirmations:write", "confirmations:decide", "admin:write", "org:read", "policy:write"]


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def it(sessions: Sessions, clock: FakeClock) -> Company:
    """李军 and 陈晨 hold the bundle of IT."""
    async with transaction(sessions) as session:
        company = await found(session)
        for person in (company.li, company.chen):
            await grant(session, Wanted(person, "it", "值班"), actor=SYSTEM, authority=None, now=clock.now())
    return company


class Desk:
    def __init__(self, sessions: Sessions, clock: FakeClock, settings: Settings) -> None:
        self._parts = (sessions, clock, settings)

    def program(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Another program with a key of its own."""
        return serving(*self._parts, scopes=SCOPES)


@pytest.fixture
def desk(sessions: Sessions, it: Company, clock: FakeClock, settings: Settings) -> Desk:
    assert it.people
    return Desk(sessions, clock, settings)


async def test_asked_with_one_key_confirmed_with_another_and_seen_in_the_list(desk: Desk) -> None:
    async with desk.program() as asking, desk.program() as confirming:
        asked: Any = await answer(asking.post("/confirmations", json=NEW_KEY), 201)
        assert (asked["state"], asked["asked_by"], asked["asked"]) == ("asked", "li", ["chen"])
        assert asked["fields"] == [["名称", "报表"], ["权限", "只读组织架构"], ["有效期至", "长期有效"]]
        assert "key_hash" not in asked["payload"]
        here = f"/confirmations/{asked['id']}"
        body = {"person": "chen", "digest": asked["digest"]}
        same = await answer(asking.post(f"{here}/confirm", json=body), 403)
        assert same["type"] == "/problems/same-hand"
        wrong = await answer(confirming.post(f"{here}/confirm", json=body | {"digest": "0" * 64}), 409)
        assert wrong["type"] == "/problems/something-else-was-asked"
        done = await answer(confirming.post(f"{here}/confirm", json=body))
        assert (done["state"], done["answered_by"], done["via"]) == ("confirmed", "chen", "rest")
        assert done["result"] in {row["id"] for row in (await answer(asking.get("/api-keys")))["items"]}
        (row,) = (await answer(asking.get("/confirmations", params={"state": "confirmed", "asked_by": "li"})))["items"]
        assert row["id"] == asked["id"]
        assert "key" not in await answer(asking.get(here))
        assert (await answer(confirming.post(f"{here}/refuse", json={"person": "chen"}), 409))["state"] == "confirmed"
        async with desk.program() as newly:
            newly.headers["Authorization"] = f"Bearer {asked['key']}"
            assert (await newly.get("/departments")).status_code == 200


async def test_a_secret_is_not_kept_by_whoever_is_between(desk: Desk) -> None:
    async with desk.program() as asking:
        told = await asking.post("/confirmations", json=NEW_KEY)
    assert told.headers["cache-control"] == "no-store"


async def test_withdrawn_by_the_asker(desk: Desk) -> None:
    async with desk.program() as asking:
        asked = await answer(asking.post("/confirmations", json=NEW_KEY), 201)
        here = f"/confirmations/{asked['id']}/withdraw"
        assert (await answer(asking.post(here, json={"person": "chen"}), 403))["type"] == "/problems/not-the-asker"
        assert (await answer(asking.post(here, json={"person": "li"})))["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (NEW_KEY | {"act": "key.fly"}, 422, None),
        (NEW_KEY | {"act": "person.erase"}, 400, "/problems/unknown-two-person-act"),
        (NEW_KEY | {"payload": {"name": "报表"}}, 400, "/problems/unreadable-two-person-act"),
        (NEW_KEY | {"payload": {"name": "报表", "scopes": ["org:fly"]}}, 400, "/problems/unknown-scope"),
        (NEW_KEY | {"person": "wang"}, 403, "/problems/not-theirs-to-confirm"),
    ],
)
async def test_what_cannot_be_asked(desk: Desk, body: dict[str, Any], status: int, problem: str | None) -> None:
    async with desk.program() as asking:
        told = await asking.post("/confirmations", json=body)
    assert told.status_code == status, told.text
    assert problem in {None, told.json()["type"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api-keys", {"name": "报表", "scopes": ["org:read"]}),
        ("POST", "/policy/versions", {"source": "title: x"}),
        ("DELETE", "/api-keys/019a0000-0000-7000-8000-000000000000", None),
        ("PATCH", "/api-keys/019a0000-0000-7000-8000-000000000000", {"act_as": "anybody"}),
    ],
)
async def test_a_key_asks_too_where_the_policy_wants_it(
    desk: Desk, sessions: Sessions, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """`access.two_person_keys`: what a key did alone it cannot do alone any more, and is told how to ask."""
    async with desk.program() as client:
        assert (await client.request(method, path, json=body)).status_code != 403
        async with transaction(sessions) as session:
            await policy_in_force(session, access__two_person_keys=True)
        refused = await answer(client.request(method, path, json=body), 403)
    assert refused["type"] == "/problems/two-people-needed"
    assert "POST /confirmations" in refused["detail"]
