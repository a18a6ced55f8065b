"""REST: `policy` and `calendar`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from app.audit.actor import SYSTEM
from app.database import Sessions, transaction
from app.policy import service
from app.policy.document import default_source
from app.policy.service import MOST_CAUTIONS
from app.settings import Settings
from tests.builders.org import person
from tests.company import answer, serving
from tests.fakes.clock import FakeClock

STRICTER = default_source().replace("accept_within: 30wm", "accept_within: 15wm")


@pytest.fixture
async def client(sessions: Sessions, clock: FakeClock, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with transaction(sessions) as session:
        await service.ensure_first_version(session, source=default_source(), now=clock.now(), actor=SYSTEM)
    async with serving(sessions, clock, settings, scopes=["policy:write"]) as client:
        yield client


class TestPolicy:
    """D11: the version in force, all versions, and how a new one comes."""

    async def test_the_version_in_force_with_its_document(self, client: httpx.AsyncClient) -> None:
        found = await answer(client.get("/policy"))
        assert found["number"] == 1
        assert found["document"]["tasks"]["accept_within"] == "30wm"
        assert found["document"]["rules"]["approval.deadline"] == "7.10"

    async def test_each_clause_and_how_it_is_carried_out(self, client: httpx.AsyncClient) -> None:
        """P8: what the service does by itself, what a person does, what nothing does yet."""
        listed = await answer(client.get("/policy/clauses", params={"limit": 200}))
        assert {row["policy_version"] for row in listed["items"]} == {1}
        found = {row["clause"]: row for row in listed["items"]}
        assert found["2.7"]["rules"] == ["group.roster", "group.roster_loss"]
        assert found["2.7"]["enforced"].startswith("按间隔与实际核对")
        assert (found["5.1"]["rules"], found["5.1"]["enforced"], found["5.1"]["not_yet"]) == (
            [],
            None,
            "活动的申请和公布",
        )

    async def test_what_one_version_says_otherwise_than_another(self, client: httpx.AsyncClient) -> None:
        """F119: for people, with the rules it touches."""
        await answer(client.post("/policy/versions", json={"source": STRICTER}), 201)
        third = STRICTER.replace("accept_within: 15wm", "accept_within: 1wh")
        await answer(client.post("/policy/versions", json={"source": third}), 201)
        [change] = (await answer(client.get("/policy/versions/3/changes")))["items"]
        assert (change["path"], change["before"], change["after"]) == ("tasks.accept_within", "15wm", "1wh")
        assert change["rule_keys"] == ["task.accept"]
        [since_first] = (await answer(client.get("/policy/versions/3/changes", params={"since": 1})))["items"]
        assert (since_first["before"], since_first["after"]) == ("30wm", "1wh")
        [back] = (await answer(client.get("/policy/versions/1/changes", params={"since": 3})))["items"]
        assert (back["before"], back["after"]) == ("1wh", "30wm")
        assert (await answer(client.get("/policy/versions/1/changes")))["items"] == []
        await answer(client.get("/policy/versions/4/changes"), 404)
        await answer(client.get("/policy/versions/3/changes", params={"since": 9}), 404)

    async def test_changes_come_in_pages_of_one_comparison(self, client: httpx.AsyncClient) -> None:
        source = STRICTER.replace("within: 15wm", "within: 1wh").replace("title:", "title: 新", 1)
        await answer(client.post("/policy/versions", json={"source": source}), 201)
        first = await answer(client.get("/policy/versions/2/changes", params={"limit": 1}))
        cursor = first["next_cursor"]
        rest = await answer(client.get("/policy/versions/2/changes", params={"limit": 1, "cursor": cursor}))
        assert {row["path"] for row in first["items"] + rest["items"]} == {"title", "tasks.accept_within"}
        other = {"limit": 1, "cursor": cursor, "since": 2}
        assert (await answer(client.get("/policy/versions/2/changes", params=other), 400))[
            "type"
        ] == "/problems/bad-cursor"

    async def test_the_clauses_of_an_earlier_version(self, client: httpx.AsyncClient) -> None:
        await answer(client.post("/policy/versions", json={"source": STRICTER}), 201)
        listed = await answer(client.get("/policy/versions/1/clauses"))
        assert {row["policy_version"] for row in listed["items"]} == {1}
        await answer(client.get("/policy/versions/9/clauses"), 404)

    async def test_clauses_come_in_pages_of_one_version(self, client: httpx.AsyncClient) -> None:
        first = await answer(client.get("/policy/clauses", params={"limit": 2}))
        cursor = {"cursor": first["next_cursor"]}
        rest = await answer(client.get("/policy/clauses", params=cursor | {"limit": 200}))
        document = (await answer(client.get("/policy")))["document"]
        assert [row["clause"] for row in first["items"] + rest["items"]] == list(document["clauses"])
        assert rest["next_cursor"] is None

        await answer(client.post("/policy/versions", json={"source": STRICTER}), 201)
        assert (await answer(client.get("/policy/clauses", params=cursor), 400))["type"] == "/problems/bad-cursor"

    async def test_a_new_version_now_and_the_list_of_both(self, client: httpx.AsyncClient) -> None:
        made = await answer(client.post("/policy/versions", json={"source": STRICTER}), 201)
        assert made["number"] == 2
        assert (await answer(client.get("/policy")))["number"] == 2
        listed = await answer(client.get("/policy/versions", params={"limit": 1}))
        assert [row["number"] for row in listed["items"]] == [2]
        rest = await answer(client.get("/policy/versions", params={"cursor": listed["next_cursor"]}))
        assert [row["number"] for row in rest["items"]] == [1]

    async def test_a_version_for_later(self, client: httpx.AsyncClient, clock: FakeClock) -> None:
        later = (clock.now() + timedelta(days=1)).isoformat()
        await answer(client.post("/policy/versions", json={"source": STRICTER, "effective_at": later}), 201)
        assert (await answer(client.get("/policy")))["number"] == 1
        clock.advance(timedelta(days=1))
        assert (await answer(client.get("/policy")))["number"] == 2

    async def test_an_old_version_stays_readable_as_it_was_given(self, client: httpx.AsyncClient) -> None:
        await answer(client.post("/policy/versions", json={"source": STRICTER}), 201)
        assert (await answer(client.get("/policy/versions/1")))["source"] == default_source()

    async def test_a_version_that_is_not_there(self, client: httpx.AsyncClient) -> None:
        assert (await answer(client.get("/policy/versions/9"), 404))["type"] == "/problems/policy-version-not-found"

    async def test_a_faulty_document_is_refused_with_its_faults(self, client: httpx.AsyncClient) -> None:
        problem = await answer(client.post("/policy/versions", json={"source": "title: x\n"}), 400)
        assert problem["type"] == "/problems/faulty-policy"
        assert {"path": "tasks", "message": "缺少这一项，请补上"} in problem["faults"]

    async def test_a_check_tells_what_would_change_and_stores_nothing(self, client: httpx.AsyncClient) -> None:
        found = await answer(client.post("/policy/check", json={"source": STRICTER}))
        assert found["faults"] == []
        assert [change["sentence"] for change in found["changes"]] == ["tasks.accept_within：30wm → 15wm（任务接收）"]
        assert (await answer(client.get("/policy")))["number"] == 1

    async def test_a_check_tells_a_thousand_changes_and_counts_the_rest(self, client: httpx.AsyncClient) -> None:
        numbers = [f"9.{number}" for number in range(1_000, 1_600)]
        new = "".join(f'  "{number}": x\n' for number in numbers)
        manner = "".join(f'  "{number}": {{by_hand: x}}\n' for number in numbers)
        source = default_source().replace("\nclauses:\n", f"\nclauses:\n{new}", 1)
        source = source.replace("\ncarried_out:\n", f"\ncarried_out:\n{manner}", 1)
        found = await answer(client.post("/policy/check", json={"source": source}))
        assert (found["faults"], len(found["changes"]), found["more_changes"]) == ([], 1_000, 200)

    async def test_a_check_names_the_roles_that_nobody_holds(
        self, client: httpx.AsyncClient, sessions: Sessions
    ) -> None:
        """Policy 13: told before a request meets one."""
        assert (await answer(client.post("/policy/check", json={"source": STRICTER})))["cautions"] == []
        async with transaction(sessions) as session:
            await person(session, "zhao", "赵总", position="总裁")
        found = await answer(client.post("/policy/check", json={"source": STRICTER}))
        told = " ".join(one["message"] for one in found["cautions"])
        assert "角色“人力资源”（role:hr）没有人担任" in told
        assert "role:president）" not in told

    async def test_a_check_tells_a_hundred_of_them_and_counts_the_rest(
        self, client: httpx.AsyncClient, sessions: Sessions
    ) -> None:
        async with transaction(sessions) as session:
            await person(session, "zhao", "赵总", position="总裁")
        steps = ", ".join(f'{{name: x, approver: "userid:u{number}"}}' for number in range(3_500))
        join = f"join: {{mode: approve, steps: [{steps}]}}"
        head, project = default_source().split("\n    project:\n")
        source = f"{head}\n    project:\n{project.replace('join: *by_head_then_hr', join, 1)}"
        found = await answer(client.post("/policy/check", json={"source": source}))
        assert (found["faults"], len(found["cautions"])) == ([], MOST_CAUTIONS)
        assert found["more_cautions"] >= 3_500 - MOST_CAUTIONS, "and the roles of the other types"

    async def test_a_check_tells_the_faults(self, client: httpx.AsyncClient) -> None:
        found = await answer(client.post("/policy/check", json={"source": "- x"}))
        assert [fault["path"] for fault in found["faults"]] == [""]

    async def test_a_repeated_request_makes_one_version(self, client: httpx.AsyncClient) -> None:
        """F94: Idempotency-Key on every write."""
        headers = {"idempotency-key": "once"}
        first = await answer(client.post("/policy/versions", json={"source": STRICTER}, headers=headers), 201)
        again = await answer(client.post("/policy/versions", json={"source": STRICTER}, headers=headers), 201)
        assert first == again


class TestCalendar:
    """D14: days are shown with where they come from, and edited."""

    async def test_days_with_their_source(self, client: httpx.AsyncClient) -> None:
        found = await answer(client.get("/calendar", params={"from": "2026-10-01", "to": "2026-10-10"}))
        assert [day["is_working"] for day in found["items"]] == [False] * 7 + [True, True, True]
        assert found["items"][0] == {"day": "2026-10-01", "is_working": False, "note": "国庆节", "source": "library"}

    async def test_a_year_not_published_is_shown_as_provisional(self, client: httpx.AsyncClient) -> None:
        found = await answer(client.get("/calendar", params={"from": "2027-01-01", "to": "2027-01-01"}))
        assert [day["source"] for day in found["items"]] == ["provisional"]

    async def test_a_day_is_set_by_the_company(self, client: httpx.AsyncClient) -> None:
        await answer(client.put("/calendar/2026-03-03", json={"is_working": False, "note": "公司周年"}))
        found = await answer(client.get("/calendar", params={"from": "2026-03-03", "to": "2026-03-03"}))
        assert found["items"] == [{"day": "2026-03-03", "is_working": False, "note": "公司周年", "source": "company"}]

    async def test_a_span_back_to_front_is_refused(self, client: httpx.AsyncClient) -> None:
        await answer(client.get("/calendar", params={"from": "2026-03-03", "to": "2026-03-02"}), 400)
