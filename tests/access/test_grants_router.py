"""REST: `access/grants`. A key gives in a person's name what they could give themselves, and never what two give."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.database import Sessions, transaction
from app.permissions import Reach
from app.settings import Settings
from tests.builders.policy import policy_in_force
from tests.company import PERSONNEL, RESEARCH, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock

HERE = {"person": "li", "bundle": "it", "reason": "值班", "reach": "department", "place": str(RESEARCH)}
EVERYWHERE = {"person": "li", "bundle": "it", "reason": "值班"}


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def company(sessions: Sessions, clock: FakeClock) -> Company:
    """Of the administrators, chen is one everywhere and wang one in 研发部."""
    async with transaction(sessions) as session:
        company = await found(session)
        places: list[Wanted] = [
            Wanted(company.chen, "administrator", "接手"),
            Wanted(company.wang, "administrator", "部门", Reach.DEPARTMENT, str(RESEARCH)),
        ]
        for wanted in places:
            await access.grant(session, wanted, actor=SYSTEM, authority=None, now=clock.now())
    return company


@pytest.fixture
async def client(
    sessions: Sessions, company: Company, clock: FakeClock, settings: Settings
) -> AsyncIterator[httpx.AsyncClient]:
    assert company.people
    async with serving(sessions, clock, settings, scopes=["admin:write", "audit:read", "confirmations:write"]) as http:
        yield http


async def give(client: httpx.AsyncClient, body: dict[str, Any], by: str, status: int = 201) -> Any:
    return await answer(client.post("/access/grants", json=body | {"granted_by": by}), status)


async def listed(client: httpx.AsyncClient, **query: str) -> list[Any]:
    items: list[Any] = (await answer(client.get("/access/grants", params=query)))["items"]
    return items


class TestGiving:
    async def test_given_seen_and_taken_back(self, client: httpx.AsyncClient) -> None:
        given = await give(client, HERE, "wang")
        assert {name: given[name] for name in HERE} == HERE
        assert (given["granted_by"], given["ends_at"], given["ended_at"]) == ("wang", None, None)
        assert await listed(client, userid="LI") == [given]
        revoke = f"/access/grants/{given['id']}/revoke"
        assert (await answer(client.post(revoke, json={"revoked_by": "wang"})))["ended_at"] is not None
        assert await listed(client, userid="li") == []
        assert (await answer(client.post(revoke, json={"revoked_by": "wang"}), 404))["type"].endswith("no-such-grant")

    async def test_the_trail_names_the_person_and_the_key(self, client: httpx.AsyncClient, company: Company) -> None:
        given = await give(client, HERE, "wang")
        query = {"object_kind": "access_grant", "object_id": given["id"]}
        (row,) = (await answer(client.get("/audit", params=query)))["items"]
        assert row["actor"] == f"person:{company.wang.id}"
        assert row["recorded_by"].startswith("api_key:")

    @pytest.mark.parametrize(
        ("by", "changes", "problem"),
        [
            ("sun", {}, "not-permitted"),  # holds nothing
            ("wang", {"place": str(PERSONNEL)}, "more-than-held"),  # holds it elsewhere
            ("wang", {"person": "wang"}, "more-than-held"),  # to themselves
        ],
    )
    async def test_not_more_than_the_person_holds(
        self, client: httpx.AsyncClient, by: str, changes: dict[str, str], problem: str
    ) -> None:
        assert (await give(client, HERE | changes, by, 403))["type"] == f"/problems/{problem}"
        assert len(await listed(client)) == 2

    @pytest.mark.parametrize(
        ("changes", "problem"), [({"bundle": "nothing"}, "unknown-bundle"), ({"place": "99"}, "wrong-place")]
    )
    async def test_what_there_is_not(self, client: httpx.AsyncClient, changes: dict[str, str], problem: str) -> None:
        assert (await give(client, HERE | changes, "wang", 400))["type"] == f"/problems/{problem}"

    async def test_once(self, client: httpx.AsyncClient) -> None:
        await give(client, HERE, "wang")
        assert (await give(client, HERE, "chen", 409))["type"] == "/problems/already-granted"


class TestInTheWholeCompany:
    @pytest.mark.parametrize("place", [{}, {"reach": "department", "place": "1"}])
    async def test_a_key_does_not_give_it_alone(self, client: httpx.AsyncClient, place: dict[str, str]) -> None:
        """Though `two_person_keys` is false: keys go on alone with what they do in their own name."""
        refused = await give(client, EVERYWHERE | place, "chen", 403)
        assert refused["type"] == "/problems/two-people-needed"
        assert "POST /confirmations" in refused["detail"]
        assert await listed(client, userid="li") == []

    async def test_where_it_points_to_two_people_give_it(
        self, client: httpx.AsyncClient, sessions: Sessions, company: Company, clock: FakeClock
    ) -> None:
        wanted = Wanted(company.han, "administrator", "第二位")
        async with transaction(sessions) as session:
            await access.grant(session, wanted, actor=SYSTEM, authority=None, now=clock.now())
        body = {"act": "access.grant", "person": "chen", "payload": EVERYWHERE}
        asked = await answer(client.post("/confirmations", json=body), 201)
        assert asked["asked"] == ["han"]

    async def test_one_gives_it_where_the_policy_wants_one(self, client: httpx.AsyncClient, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await policy_in_force(session, access__two_person=[])
        assert (await give(client, EVERYWHERE, "chen"))["reach"] == "company"
        assert (await give(client, EVERYWHERE | {"person": "sun"}, "wang", 403))["type"] == "/problems/more-than-held"


class TestTakingBack:
    @pytest.mark.parametrize(("by", "problem"), [("sun", "not-permitted"), ("wang", "more-than-held")])
    async def test_by_who_could_have_given_it(self, client: httpx.AsyncClient, by: str, problem: str) -> None:
        (everywhere,) = await listed(client, userid="chen")
        told = await answer(client.post(f"/access/grants/{everywhere['id']}/revoke", json={"revoked_by": by}), 403)
        assert told["type"] == f"/problems/{problem}"

    async def test_but_never_the_last_administrators(self, client: httpx.AsyncClient) -> None:
        (everywhere,) = await listed(client, userid="chen")
        told = await answer(client.post(f"/access/grants/{everywhere['id']}/revoke", json={"revoked_by": "chen"}), 409)
        assert told["type"] == "/problems/last-administrator"

    async def test_who_may_not_learns_nothing_about_what_there_is(self, client: httpx.AsyncClient) -> None:
        told = await answer(client.post(f"/access/grants/{uuid4()}/revoke", json={"revoked_by": "sun"}), 403)
        assert told["type"] == "/problems/not-permitted"


async def test_in_pages(client: httpx.AsyncClient) -> None:
    first = await answer(client.get("/access/grants", params={"limit": 1}))
    rest = await answer(client.get("/access/grants", params={"limit": 1, "cursor": first["next_cursor"]}))
    both = [*first["items"], *rest["items"]]
    assert [(one["person"], one["granted_by"]) for one in both] == [("wang", None), ("chen", None)]
    assert rest["next_cursor"] is None


async def test_to_read_is_not_to_give(
    sessions: Sessions, company: Company, clock: FakeClock, settings: Settings
) -> None:
    assert company.people
    async with serving(sessions, clock, settings, scopes=["admin:read"]) as http:
        assert len(await listed(http)) == 2
        assert (await give(http, HERE, "wang", 403))["type"] != "/problems/not-permitted"
