"""F104: ready means that a callback could be committed now. Everything else that is not well is `degraded`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import asyncpg
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select, text, update
from sqlalchemy.engine import make_url

from app.database import transaction
from app.inbox import service as inbox
from app.jobs.timers import set_timer
from app.probes import gauges, router
from app.wecom.health import note_state
from models.delivery import CallKind, CallState, OutgoingCall
from models.inbox import EventState, ReceivedEvent
from models.policy import Timer
from tests.builders.callbacks import arrival
from tests.databases import crowded, dsn
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.web.conftest import Desk, open_desk

ROOT = "http://steward.test"


async def readiness(desk: Desk, status: int = 200) -> dict[str, Any]:
    async with desk.client() as http:
        answer = await http.get(f"{ROOT}/readyz")
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def degraded(desk: Desk) -> dict[str, str]:
    found = await readiness(desk)
    assert found["ready"] is True
    return {entry["what"]: entry["detail"] for entry in found["degraded"]}


async def park(desk: Desk, state: EventState) -> None:
    async with transaction(desk.sessions) as session:
        await inbox.store(session, arrivals=[arrival()])
        await session.execute(text(f"UPDATE received_events SET state = '{state.value}'"))  # noqa: S608 -- an enum's value


async def give_up(desk: Desk) -> None:
    """A call of which nobody knows whether it had its effect."""
    async with transaction(desk.sessions) as session:
        session.add(
            OutgoingCall(
                app_id="app",
                kind=CallKind.APPCHAT_SEND,
                purpose="group.post",
                subject_kind="group",
                subject_id="g",
                request_body=b"{}",
                request_sha256=b"",
                state=CallState.UNKNOWN,
                actor="system:steward",
                rule_key="announcement.publish",
                policy_version_id=(await session.execute(text("SELECT id FROM policy_versions"))).scalar_one(),
                correlation_id="c",
                created_at=MONDAY_9AM,
            )
        )


class TestReady:
    async def test_a_service_that_is_well(self, desk: Desk) -> None:
        assert await readiness(desk) == {"ready": True, "degraded": []}

    async def test_a_refused_token_is_told_with_its_sentence_and_does_not_make_it_unready(self, desk: Desk) -> None:
        async with transaction(desk.sessions) as session:
            sentence = "Secret 不对。请核对 STEWARD_WECOM_APP_SECRET"
            await note_state(session, key="token:app", healthy=False, detail=sentence, now=MONDAY_9AM)
            await note_state(session, key="token:contacts", healthy=True, now=MONDAY_9AM)

        found = await readiness(desk)
        assert found["ready"] is True
        assert found["degraded"] == [{"what": "token:app", "detail": sentence, "since": "2026-03-02T01:00:00Z"}]

    async def test_parked_events_are_counted_and_the_command_is_named(self, desk: Desk) -> None:
        await park(desk, EventState.PARKED)
        found = await degraded(desk)
        assert found["inbox.parked"].startswith("1 ")
        assert "steward callbacks list --state parked" in found["inbox.parked"]

    async def test_calls_of_unknown_outcome_are_counted(self, desk: Desk) -> None:
        await give_up(desk)
        assert (await degraded(desk))["delivery.unknown"].startswith("1 ")

    async def test_deadlines_that_failed_to_the_end_are_counted(self, desk: Desk) -> None:
        async with transaction(desk.sessions) as session:
            await set_timer(session, "approval.due", "x", MONDAY_9AM)
            await session.execute(update(Timer).values(parked_at=MONDAY_9AM))
        assert (await degraded(desk))["timers.parked"].startswith("1 ")

    async def test_held_jobs_are_counted(self, desk: Desk) -> None:
        async with transaction(desk.sessions) as session:
            await session.execute(
                text(
                    "INSERT INTO pgqueuer (priority, entrypoint, payload, status) VALUES (0, 'org.sync', '', 'failed')"
                )
            )
        assert (await degraded(desk))["jobs.held"].startswith("1 ")

    async def test_a_callback_that_waits_for_more_than_a_minute_is_told(self, desk: Desk, clock: FakeClock) -> None:
        async with transaction(desk.sessions) as session:
            await inbox.store(session, arrivals=[arrival(at=clock.now())])
        clock.advance(timedelta(minutes=1))
        assert await degraded(desk) == {}
        clock.advance(timedelta(seconds=1))
        assert set(await degraded(desk)) == {"inbox.lag"}

    async def test_a_probe_leaves_nothing_and_asks_nobody(self, desk: Desk) -> None:
        for _ in range(3):
            await readiness(desk)
        async with transaction(desk.sessions) as session:
            assert (await session.scalars(select(func.count()).select_from(ReceivedEvent))).one() == 0
        assert desk.platform.called == []


class TestReadyWithoutTheRest:
    """Ready is what the connection of the intake can do, whatever others can."""

    async def test_a_full_server_on_which_the_intake_has_its_place(
        self, desk: Desk, database: str, clock: FakeClock
    ) -> None:
        async with crowded(database) as url, open_desk(url, clock, is_prepared=False) as crowded_desk:
            assert set(await degraded(crowded_desk)) == {"database.pool"}


class TestNotReady:
    """503 as soon as a callback could not be committed."""

    async def test_a_database_that_is_gone(self, desk: Desk, database: str, server_url: str) -> None:
        connection = await asyncpg.connect(dsn(server_url))
        name = make_url(database).database
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()

        found = await readiness(desk, 503)
        assert found["ready"] is False
        assert found["degraded"][0]["what"] == "database"

    async def test_a_server_that_does_not_answer(self, desk_without_database: Desk) -> None:
        assert (await readiness(desk_without_database, 503))["ready"] is False

    async def test_a_database_that_takes_no_writes(self, desk: Desk, database: str) -> None:
        connection = await asyncpg.connect(dsn(database))
        name = make_url(database).database
        await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await connection.close()
        await desk.services.writer.dispose()

        found = await readiness(desk, 503)
        assert found["degraded"] == [
            {"what": "database", "detail": "数据库不可写：ReadOnlySQLTransactionError", "since": None}
        ]

    async def test_a_server_without_a_place_for_the_intake(self, desk: Desk, database: str, clock: FakeClock) -> None:
        async with crowded(database) as url, open_desk(url, clock, is_prepared=False) as crowded_desk:
            somebody = await asyncpg.connect(dsn(url))
            found = await readiness(crowded_desk, 503)
            assert "TooManyConnectionsError" in found["degraded"][0]["detail"]

            await somebody.close()
            assert (await readiness(crowded_desk))["ready"] is True

    async def test_a_connection_that_was_cut_is_replaced(self, desk: Desk, server_url: str) -> None:
        """A restart of the database is not an outage of the service."""
        await readiness(desk)
        connection = await asyncpg.connect(dsn(server_url))
        name = desk.services.engine.url.database
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await connection.close()

        assert (await readiness(desk))["ready"] is True


class TestOtherProbes:
    async def test_alive_says_ok_without_a_key(self, counter: Desk) -> None:
        async with counter.client() as http:
            answer = await http.get(f"{ROOT}/healthz")
        assert (answer.status_code, answer.text) == (200, "ok")

    async def test_alive_does_not_need_the_database(self, desk_without_database: Desk) -> None:
        async with desk_without_database.client() as http:
            assert (await http.get(f"{ROOT}/healthz")).status_code == 200

    async def test_metrics_are_in_prometheus_form_with_our_names(self, counter: Desk) -> None:
        async with counter.client() as http:
            answer = await http.get(f"{ROOT}/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        for name in ("steward_callbacks_total", "steward_inbox_lag_seconds", "steward_platform_seconds"):
            assert f"# TYPE {name.removesuffix('_total')}" in answer.text or f"# TYPE {name}" in answer.text


class TestInterfacePage:
    """The page at /docs works in a closed network: its scripts come from us."""

    async def test_it_names_no_foreign_server_and_its_scripts_are_there(self, desk: Desk) -> None:
        answer = await desk.http.get(f"{ROOT}/docs")
        page = answer.text
        assert "https://" not in page
        assert answer.headers["cache-control"] == "no-cache"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        scripts = re.findall(r'(?:src|href)="(/[^"]+)"', page)
        assert len(scripts) >= 3
        for script in scripts:
            assert (await desk.http.get(f"{ROOT}{script}")).status_code == 200


class TestMetrics:
    """What an alarm needs, in every process, whichever does the work."""

    async def shown(self, desk: Desk) -> dict[str, float]:
        router.STORED_GAUGES = gauges.StoredGauges()  # this scrape reads, however soon after the last
        async with desk.client() as http:
            answer = await http.get(f"{ROOT}/metrics")
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.text)
        samples = [sample for family in families for sample in family.samples]
        assert [sample.name for sample in samples if sample.name.endswith("_created")] == []
        return {
            sample.name + "".join(f",{name}={value}" for name, value in sorted(sample.labels.items())): sample.value
            for sample in samples
        }

    async def test_degraded_mirrors_the_probe_and_goes_with_it(self, desk: Desk) -> None:
        async with transaction(desk.sessions) as session:
            await note_state(session, key="token:app", healthy=False, detail="x", now=MONDAY_9AM)
        shown = await self.shown(desk)
        assert {name for name in shown if name.startswith("steward_degraded")} == {
            f"steward_degraded,what={what}" for what in await degraded(desk)
        }
        assert shown["steward_ready"] == 1
        async with transaction(desk.sessions) as session:
            await note_state(session, key="token:app", healthy=True, now=MONDAY_9AM)
        assert "steward_degraded,what=token:app" not in await self.shown(desk)

    async def test_a_database_that_is_away_is_shown_and_the_scrape_answers(self, desk_without_database: Desk) -> None:
        shown = await self.shown(desk_without_database)
        assert shown["steward_ready"] == 0
        assert shown["steward_degraded,what=database"] == 1

    async def test_ages_are_read_by_a_process_that_does_no_work(self, desk: Desk, clock: FakeClock) -> None:
        async with transaction(desk.sessions) as session:
            await inbox.store(session, arrivals=[arrival(at=clock.now())])
            await set_timer(session, "approval.due", "x", clock.now())
        clock.advance(timedelta(seconds=90))
        shown = await self.shown(desk)
        assert shown["steward_inbox_lag_seconds"] == 90
        assert shown["steward_oldest_waiting_seconds,what=callback"] == 90
        assert shown["steward_oldest_waiting_seconds,what=deadline"] == 90
        assert shown["steward_oldest_waiting_seconds,what=call"] == 0

    async def test_requests_are_counted_by_route_and_status(self, desk: Desk) -> None:
        before = await self.shown(desk)
        async with desk.client() as http:
            await http.get(f"{ROOT}/api/v1/groups/00000000-0000-0000-0000-000000000000/members")
            await http.get(f"{ROOT}/nowhere/at/all")
        after = await self.shown(desk)
        for name in (
            "steward_http_requests_total,method=GET,route=/api/v1/groups/{group_id}/members,status=401",
            "steward_http_requests_total,method=GET,route=unmatched,status=404",
            "steward_http_seconds_count,method=GET,route=/api/v1/groups/{group_id}/members",
        ):
            assert after[name] == before.get(name, 0) + 1

    async def test_the_version_and_the_pool(self, desk: Desk) -> None:
        shown = await self.shown(desk)
        assert [value for name, value in shown.items() if name.startswith("steward_build_info")] == [1]
        assert shown["steward_database_pool_connections,state=allowed"] == 20
        assert shown["steward_database_pool_connections,state=in_use"] == 0
