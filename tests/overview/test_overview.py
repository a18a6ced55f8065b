"""F116: what waits, what is late, what is wrong; each domain counts its own, and an empty company is well."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.bootstrap import REGISTRY
from app.database import transaction
from app.limits.catalogue import LIMITS
from app.limits.usage.windows import COUNT_BITS
from app.overview import service
from app.overview.service import Ages, Figure, Level, SightOf
from app.permissions import Permission, Sight, Words
from app.settings import Settings
from models.announcements import AnnouncementState
from models.approvals import OutcomeState
from models.delivery import CallKind, CallState, FailReason, OutgoingCall, refused_with
from models.groups import FindingKind, GroupFinding
from models.ids import new_id
from models.inbox import EventState, ReceivedEvent
from models.installation import PlatformState
from models.intake import CallbackGap, GapReason
from models.limits import LimitBlock, LimitCounter
from models.org import SyncKind, SyncRun, SyncState, UseridReview
from models.policy import Timer
from models.tasks import TaskState
from tests.builders import groups
from tests.builders.announcements import announcement, card_reaches
from tests.builders.approvals import Library, borrowing, step
from tests.builders.tasks import FRIDAY_6PM, task
from tests.company import RESEARCH, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD = [step("部门负责人", "department_head")]


async def figures(session: AsyncSession, *, now: datetime = MONDAY_9AM) -> dict[str, Figure]:
    await session.flush()
    return {one.measure.name: one for one in (await service.overview(session, now=now)).figures}


async def counts(session: AsyncSession, *, now: datetime = MONDAY_9AM) -> dict[str, int]:
    return {name: one.count for name, one in (await figures(session, now=now)).items() if one.count}


class TestWhole:
    async def test_a_company_in_which_nothing_has_happened_is_well(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = await service.overview(session, now=MONDAY_9AM)
        assert told.is_well
        assert {one.count for one in told.figures} == {0}
        assert {one.since for one in told.figures} == {None}

    async def test_every_name_is_there_once_and_says_what_it_counts(
        self, session: AsyncSession, company: Company
    ) -> None:
        told = (await service.overview(session, now=MONDAY_9AM)).figures
        names = Counter(one.measure.name for one in told)
        assert [name for name, count in names.items() if count > 1] == []
        assert all(one.measure.chinese and one.measure.english.isascii() for one in told)

    async def test_a_statement_or_two_for_each_domain(self, session: AsyncSession, company: Company) -> None:
        """No statement for each thing that is counted."""
        ran: list[str] = []
        connection = (await session.connection()).sync_connection

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            ran.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        try:
            await service.overview(session, now=MONDAY_9AM)
        finally:
            event.remove(connection, "before_cursor_execute", note)
        assert len(ran) <= len(REGISTRY.overview) + 3

    async def test_what_waits_is_no_fault(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD), company.li)
        told = await service.overview(session, now=MONDAY_9AM)
        assert told.is_well
        assert {one.measure.name for one in told.of(Level.WAITING) if one.count} == {
            "requests.pending",
            "calls.waiting",
        }


class TestRequests:
    async def test_by_age_and_past_the_deadline(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD), company.li)
        request = await borrowing(session, Library(HEAD), company.chen, thing="会议室")
        request.submitted_at = MONDAY_9AM - timedelta(days=10)
        told = await figures(session)
        pending = told["requests.pending"]
        assert (pending.count, pending.since) == (2, MONDAY_9AM - timedelta(days=10))
        assert pending.ages == Ages(under_a_day=1, under_three_days=0, under_a_week=0, older=1)
        assert told["requests.overdue"].count == 0
        late = (await figures(session, now=MONDAY_9AM + timedelta(days=30)))["requests.overdue"]
        assert late.count == 2
        assert late.since is not None

    async def test_approved_and_not_done(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library(HEAD), company.li)
        request.outcome = OutcomeState.FAILED
        assert (await counts(session))["requests.failed"] == 1


class TestWork:
    async def test_receipts(self, session: AsyncSession, company: Company) -> None:
        notice = await announcement(session, company.wang, people=["li", "chen"])
        assert (await counts(session))["receipts.undelivered"] == 2
        await card_reaches(session, notice, company.li)
        told = await counts(session)
        assert (told["receipts.open"], told["receipts.undelivered"], "receipts.late" in told) == (1, 1, False)
        later = await figures(session, now=MONDAY_9AM + timedelta(days=30))
        assert (later["receipts.late"].count, later["receipts.late"].since) == (1, notice.deadline)
        notice.state = AnnouncementState.CLOSED
        assert "receipts.open" not in await counts(session)

    async def test_tasks(self, session: AsyncSession, company: Company) -> None:
        await task(session, company.wang, company.li)
        blocked = await task(session, company.wang, company.chen)
        done = await task(session, company.wang, company.chen)
        blocked.state, done.state = TaskState.BLOCKED, TaskState.DONE
        told = await figures(session, now=FRIDAY_6PM + timedelta(minutes=1))
        assert [told[f"tasks.{name}"].count for name in ("open", "overdue", "blocked")] == [2, 2, 1]
        assert told["tasks.overdue"].since == FRIDAY_6PM
        assert (await figures(session))["tasks.overdue"].count == 0

    async def test_findings(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, owner=company.li, deputy=company.chen, members=[company.wang])
        session.add(finding(company, group.id))
        found_open = (await figures(session))["findings.open"]
        assert (found_open.count, found_open.since) == (1, MONDAY_9AM - timedelta(hours=1))


def finding(company: Company, group_id: UUID) -> GroupFinding:
    return GroupFinding(
        group_id=group_id,
        kind=FindingKind.RENAMED,
        details={},
        policy_version_id=company.policy.id,
        rule_key="group.name",
        correlation_id="0" * 32,
        first_seen_at=MONDAY_9AM - timedelta(hours=1),
    )


def call(state: CallState, **columns: Any) -> OutgoingCall:
    facts: dict[str, Any] = {
        "app_id": "app",
        "kind": CallKind.APPCHAT_UPDATE,
        "purpose": "group.update",
        "subject_kind": "group",
        "subject_id": str(new_id()),
        "request_body": b"{}",
        "request_sha256": b"",
        "actor": "system:steward",
        "correlation_id": "0" * 32,
        "created_at": MONDAY_9AM,
    }
    return OutgoingCall(**{**facts, "state": state, **columns})


class TestOperations:
    """What only a person can mend."""

    async def test_calls(self, session: AsyncSession, company: Company) -> None:
        refused: dict[str, Any] = {"hold_reason": refused_with(86008)}
        session.add_all(
            [
                call(CallState.HELD),
                call(CallState.READY),
                call(CallState.UNKNOWN),
                call(CallState.DONE, hold_reason=FailReason.ARRIVED_AFTER_ALL, finished_at=MONDAY_9AM),
                call(CallState.FAILED, finished_at=MONDAY_9AM - timedelta(hours=23), **refused),
                call(CallState.FAILED, finished_at=MONDAY_9AM - timedelta(hours=25), **refused),
                call(CallState.FAILED, finished_at=MONDAY_9AM, hold_reason=FailReason.SUPERSEDED),
            ]
        )
        wanted = {"calls.waiting": 2, "calls.unknown": 1, "calls.arrived_after_all": 1, "calls.refused": 1}
        assert await counts(session) == wanted

    async def test_callbacks(self, session: AsyncSession, company: Company) -> None:
        for at, state in enumerate((EventState.PENDING, EventState.PARKED, EventState.DONE)):
            session.add(
                ReceivedEvent(
                    app_id="app",
                    dedup_key=bytes([at]),
                    event_type="message.text",
                    subject="user:li",
                    occurred_at=MONDAY_9AM,
                    received_at=MONDAY_9AM,
                    body_digest=b"",
                    state=state,
                    correlation_id="0" * 32,
                )
            )
        gap: dict[str, Any] = {"started_at": MONDAY_9AM, "ended_at": MONDAY_9AM, "recorded_at": MONDAY_9AM}
        session.add(CallbackGap(reason=GapReason.NOT_SERVED, **gap))
        session.add(CallbackGap(reason=GapReason.NOT_SERVED, closed_at=MONDAY_9AM, **gap))
        assert await counts(session) == {"callbacks.waiting": 1, "callbacks.parked": 1, "callbacks.gaps": 1}

    async def test_syncs_and_accounts_that_came_back(self, session: AsyncSession, company: Company) -> None:
        for hours, state in ((5, SyncState.FAILED), (4, SyncState.DONE), (2, SyncState.FAILED), (1, SyncState.HELD)):
            at = MONDAY_9AM - timedelta(hours=hours)
            when: dict[str, Any] = {"heartbeat_at": at, "started_at": at, "finished_at": at}
            session.add(SyncRun(kind=SyncKind.FULL, state=state, correlation_id="0" * 32, **when))
        session.add(
            UseridReview(
                userid="li", new_person_id=company.li.id, former_person_id=company.chen.id, found_at=MONDAY_9AM
            )
        )
        told = await figures(session)
        # A held run has read the organisation: no run has failed since.
        assert (told["sync_runs.held"].count, told["sync_runs.failed"].count) == (1, 0)
        assert told["members.returned"].count == 1
        await session.execute(text("DELETE FROM sync_runs WHERE state = 'held'"))
        failed = (await figures(session))["sync_runs.failed"]
        assert (failed.count, failed.since) == (1, MONDAY_9AM - timedelta(hours=2))

    async def test_jobs_and_deadlines_that_have_failed(self, session: AsyncSession, company: Company) -> None:
        facts: dict[str, Any] = {"due_at": MONDAY_9AM, "correlation_id": "0" * 32, "created_at": MONDAY_9AM}
        session.add(Timer(kind="task.remind", subject="1", parked_at=MONDAY_9AM, **facts))
        session.add(Timer(kind="task.remind", subject="2", **facts))
        await session.flush()
        await session.execute(
            text(
                "INSERT INTO pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint)"
                " VALUES (0, now(), now(), now(), now(), 'failed', 'ledger.make_call')"
            )
        )
        assert await counts(session) == {"jobs.held": 1, "timers.parked": 1}

    async def test_the_platform_and_its_limits(self, session: AsyncSession, company: Company) -> None:
        state: dict[str, Any] = {"since": MONDAY_9AM, "updated_at": MONDAY_9AM}
        session.add(PlatformState(key="token:app", healthy=False, detail="应用的 Secret 被拒绝", **state))
        session.add(PlatformState(key="clock", healthy=True, detail="", **state))
        until = MONDAY_9AM + timedelta(hours=1)
        block: dict[str, Any] = {"first_refused_at": MONDAY_9AM, "blocked_until": until}
        session.add(LimitBlock(scope="app", path="message/send", errcode=45009, window="day", **block))
        session.add(LimitBlock(scope="", path="appchat/send", errcode=0, window="trouble", **block))
        limit = LIMITS["appchat.create.day"]
        slot = limit.window.slot_of(MONDAY_9AM) << COUNT_BITS
        used = limit.most * 9 // 10
        session.add(LimitCounter(counter=limit.counter, subject="", day=[slot | used], touched_at=MONDAY_9AM))
        told = await figures(session)
        assert told["platform.unhealthy"].details == (Words("应用的 Secret 被拒绝", "应用的 Secret 被拒绝"),)
        assert told["limits.blocked"].details == (Words("message/send", "message/send"),)
        assert told["limits.trouble"].details == (Words("appchat/send", "appchat/send"),)
        assert told["limits.tight"].count == 1
        assert told["limits.tight"].details[0].chinese.endswith(f"，每天：已用 90%，还剩 {limit.most - used}")
        assert told["limits.tight"].details[0].english.endswith(f", a day: 90% used, {limit.most - used} left")
        assert (await figures(session, now=until))["limits.blocked"].count == 0


def only(**sights: Sight) -> SightOf:
    """What somebody sees who holds these permissions alone."""
    held = {Permission[name.upper()]: sight for name, sight in sights.items()}
    return lambda permission: held.get(permission, Sight())


class TestSight:
    """D21: nobody is told by a number what they may not look at."""

    async def test_who_may_see_nothing_gets_no_figure(self, session: AsyncSession, company: Company) -> None:
        assert (await service.overview(session, now=MONDAY_9AM, sight_of=only())).figures == []

    async def test_a_head_counts_their_department(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD), company.li)
        await borrowing(session, Library(HEAD), company.sun, thing="会议室")
        await task(session, company.zhao, company.han)
        await announcement(session, company.han, people=["li"])
        research = Sight(departments=frozenset([RESEARCH]))
        sights = only(request_read=research, task_read=research, announcement_read=research)
        told = await service.overview(session, now=MONDAY_9AM, sight_of=sights)
        assert {one.measure.name: one.count for one in told.figures if one.count} == {"requests.pending": 1}
        assert {one.measure.name for one in told.figures} >= {"tasks.open", "receipts.open", "requests.failed"}

    async def test_findings_of_ones_own_groups(self, session: AsyncSession, company: Company) -> None:
        group = await groups.group(session, owner=company.li, deputy=company.chen, members=[company.wang])
        session.add(finding(company, group.id))
        await session.flush()
        for sight, count in ((Sight(person_id=company.wang.id), 1), (Sight(person_id=company.sun.id), 0)):
            told = await service.overview(session, now=MONDAY_9AM, sight_of=only(group_read=sight))
            assert [(one.measure.name, one.count) for one in told.figures] == [("findings.open", count)]

    async def test_figures_of_the_whole_company_are_for_who_may_see_all_of_it(
        self, session: AsyncSession, company: Company
    ) -> None:
        some, all_of_it = Sight(departments=frozenset([RESEARCH])), Sight(everything=True)
        told = await service.overview(
            session, now=MONDAY_9AM, sight_of=only(delivery_read=some, callback_read=all_of_it)
        )
        assert {one.measure.name for one in told.figures} == {"callbacks.waiting", "callbacks.parked", "callbacks.gaps"}


class TestRest:
    async def test_it_is_served_to_keys_with_the_scope(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                await task(session, company.wang, company.li)
            async with serving(sessions, clock, settings, scopes=["overview:read"]) as client:
                told = await answer(client.get("/overview"))
            async with serving(sessions, clock, settings, scopes=["tasks:read"]) as client:
                await answer(client.get("/overview"), 403)
        assert told["well"]
        [tasks] = [one for one in told["figures"] if one["name"] == "tasks.open"]
        assert (tasks["count"], tasks["level"], tasks["place"], tasks["filters"]) == (
            1,
            "waiting",
            "tasks",
            {"open": "true"},
        )
        assert tasks["ages"] == {"under_a_day": 1, "under_three_days": 0, "under_a_week": 0, "older": 0}

    async def test_what_it_counts_is_listed_by_the_filters_that_it_names(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        refused: dict[str, Any] = {"hold_reason": refused_with(86008)}
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                await found(session)
                session.add_all([call(CallState.HELD), call(CallState.READY), call(CallState.UNKNOWN)])
                for hours in (23, 25):
                    ended = clock.now() - timedelta(hours=hours)
                    session.add(call(CallState.FAILED, finished_at=ended, **refused))
                for hours, state in ((3, SyncState.FAILED), (2, SyncState.DONE), (1, SyncState.FAILED)):
                    at = clock.now() - timedelta(hours=hours)
                    when: dict[str, Any] = {"heartbeat_at": at, "started_at": at, "finished_at": at}
                    session.add(SyncRun(state=state, correlation_id="0" * 32, **when))
            async with serving(
                sessions, clock, settings, scopes=["overview:read", "deliveries:read", "org:read"]
            ) as client:
                told = {one["name"]: one for one in (await answer(client.get("/overview")))["figures"]}
                listed = {
                    name: len((await answer(client.get(address, params=told[name]["filters"])))["items"])
                    for name, address in (
                        ("calls.waiting", "/deliveries/calls"),
                        ("calls.refused", "/deliveries/calls"),
                        ("sync_runs.failed", "/sync-runs"),
                    )
                }
        assert listed == {"calls.waiting": 2, "calls.refused": 1, "sync_runs.failed": 1}
        assert listed == {name: told[name]["count"] for name in listed}
