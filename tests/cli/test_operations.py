"""What an operator does from day to day. Tables for people, `--json` for programs, non-zero on failure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import func, update

from app.database import Sessions, transaction
from app.inbox import service as inbox
from app.policy.document import default_source
from models.inbox import EventState, ReceivedEvent
from tests.builders.callbacks import arrival
from tests.cli.conftest import Steward
from tests.databases import dsn
from tests.fakes.clock import FakeClock
from tests.web.conftest import client_of, open_desk

_PARK = update(ReceivedEvent).values(state=EventState.PARKED, last_error="no luck", finished_at=func.now())
STRICTER = default_source().replace("accept_within: 30wm", "accept_within: 15wm")


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(STRICTER, encoding="utf-8")
    return path


class TestApiKeys:
    async def test_a_new_key_works_over_http_until_it_is_ended(self, steward: Steward, database: str) -> None:
        made = (await steward("api-key", "create", "报表系统", "--scope", "org:read", "--json")).json()
        async with open_desk(database, FakeClock(datetime.now(UTC))) as desk, client_of(desk.app, made["key"]) as http:
            assert (await http.get("/departments")).status_code == 200
            assert (await http.get("/api-keys")).status_code == 403
            assert (await steward("api-key", "end", made["id"])).code == 0
            assert (await http.get("/departments")).status_code == 401

    async def test_the_list_never_shows_a_key_and_never_cuts_an_id(self, steward: Steward) -> None:
        made = (await steward("api-key", "create", "报表系统", "--scope", "org:read", "--json")).json()
        ran = await steward("api-key", "list", COLUMNS="60")
        assert made["id"] in ran.out
        assert made["key"] not in ran.out

    async def test_whom_it_acts_for_is_said_when_it_is_made_and_anew(self, steward: Steward) -> None:
        """D21: a new key acts for nobody."""
        made = [
            (await steward("api-key", "create", name, "--scope", "tasks:write", *more, "--json")).json()
            for name, more in (("报表", ()), ("监控", ("--act-as", "anybody")))
        ]
        assert [key["act_as"] for key in made] == ["nobody", "anybody"]
        assert (await steward("api-key", "act-as", made[1]["id"], "nobody")).code == 0
        rows = (await steward("api-key", "list", "--json")).json()
        assert {row["act_as"] for row in rows if row["name"] == "监控"} == {"nobody"}

    @pytest.mark.parametrize(("said", "code"), [("everybody", 2), ("0", 2), ("4711", 1)])
    async def test_whom_it_could_not_act_for_is_refused(self, steward: Steward, said: str, code: int) -> None:
        ran = await steward("api-key", "create", "报表", "--scope", "org:read", "--act-as", said)
        assert ran.code == code
        assert "Traceback" not in ran.err

    async def test_an_unknown_scope_is_exit_1_and_names_the_known_ones(self, steward: Steward) -> None:
        ran = await steward("api-key", "create", "报表系统", "--scope", "org:fly")
        assert ran.code == 1
        assert "org:read" in ran.err


class TestPolicy:
    async def test_a_good_document_needs_no_configuration_to_be_checked(self, bare: Steward, policy_file: Path) -> None:
        assert (await bare("policy", "check", str(policy_file))).code == 0

    async def test_a_broken_document_is_exit_1_with_every_fault(self, bare: Steward) -> None:
        broken = bare.folder / "broken.yaml"
        broken.write_text(STRICTER.replace("tasks:", "taks:").replace("15wm", "soon"), encoding="utf-8")
        ran = await bare("policy", "check", str(broken))
        assert ran.code == 1
        assert "taks" in ran.err
        assert "tasks" in ran.err
        told = (await bare("policy", "check", str(broken), "--json")).out
        assert '"path": "taks"' in told

    async def test_before_the_first_sync_the_organisation_contradicts_nothing(
        self, steward: Steward, policy_file: Path
    ) -> None:
        ran = await steward("policy", "check", str(policy_file), "--organisation")
        assert (ran.code, ran.out.strip()) == (0, "制度文件没有问题")

    async def test_differences_are_shown_before_they_are_applied(self, steward: Steward, policy_file: Path) -> None:
        changes = (await steward("policy", "diff", str(policy_file), "--json")).json()
        assert [(row["位置"], row["现行"], row["新"]) for row in changes] == [("tasks.accept_within", "30wm", "15wm")]
        assert "第 2 版" in (await steward("policy", "apply", str(policy_file))).out
        assert (await steward("policy", "diff", str(policy_file), "--json")).json() == []

    async def test_a_time_without_an_offset_is_the_companys(
        self, steward: Steward, policy_file: Path, database: str
    ) -> None:
        ran = await steward(
            "policy", "apply", str(policy_file), "--effective", "2099-01-01T09:00", TZ="America/New_York"
        )
        assert "2099-01-01 09:00" in ran.out
        connection = await asyncpg.connect(dsn(database))
        found = await connection.fetchval("SELECT effective_at FROM policy_versions WHERE number = 2")
        await connection.close()
        assert found == datetime(2099, 1, 1, 1, 0, tzinfo=UTC)


class TestCallbacks:
    async def test_parked_ones_are_listed_shown_and_replayed(self, steward: Steward, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await inbox.store(session, arrivals=[arrival("user:li")])
            await session.execute(_PARK)

        rows = (await steward("callbacks", "list", "--state", "parked", "--json")).json()
        assert [(row["subject"], row["state"], row["last_error"]) for row in rows] == [("user:li", "parked", "no luck")]
        number = str(rows[0]["id"])
        assert "<Event>enter_agent</Event>" in (await steward("callbacks", "show", number)).out
        assert (await steward("callbacks", "replay", number)).code == 0
        rows = (await steward("callbacks", "list", "--json")).json()
        assert [row["state"] for row in rows] == [EventState.PENDING]

    async def test_nothing_is_an_empty_list(self, steward: Steward) -> None:
        assert (await steward("callbacks", "list", "--json")).json() == []

    async def test_one_that_is_not_there_is_exit_1(self, steward: Steward) -> None:
        for command in ("show", "replay"):
            ran = await steward("callbacks", command, "404")
            assert ran.code == 1
            assert "404" in ran.err


class TestDeliveries:
    async def test_unknown_calls_are_listed(self, steward: Steward) -> None:
        assert (await steward("deliveries", "list", "--json")).json() == []

    async def test_one_that_is_not_there_is_exit_1(self, steward: Steward) -> None:
        assert (await steward("deliveries", "retry", "404")).code == 1
        call = "019a0000-0000-7000-8000-000000000000"
        assert (await steward("deliveries", "resolve", call, "--as", "done")).code == 1


class TestSync:
    async def test_a_platform_that_is_away_is_exit_1_and_told(self, steward: Steward) -> None:
        ran = await steward("sync", STEWARD_WECOM_API_BASE="http://127.0.0.1:9/cgi-bin")
        assert ran.code == 1
        assert "Traceback" not in ran.err


class TestReturned:
    async def test_nobody_has_come_back(self, steward: Steward) -> None:
        assert "0 个账号等待确认" in (await steward("people", "returned")).out
        assert (await steward("people", "returned", "--link", "--json")).json() == []
