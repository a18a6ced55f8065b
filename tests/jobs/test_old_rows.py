"""Rows that an earlier version has queued are still understood: an update finds jobs in the queue."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.jobs import SEAL
from app.bootstrap import REGISTRY
from app.calendar.jobs import FILL_CALENDAR
from app.database import Sessions, transaction
from app.groups.changes.outcomes import SETTLE
from app.inbox.gaps import CLOSE_GAPS
from app.inbox.job_payloads import RECONCILE, SYNC, ReconcilePayload, SyncPayload
from app.inbox.jobs import PURGE
from app.jobs.job import Job, JobContext, Nothing, Payload
from app.jobs.runner import PRUNE_LOG, JobRunner
from app.ledger.calls import HEAR_OUTCOME, MAKE_CALL, CallPayload
from app.ledger.jobs import RECOVER, TEND_LIMITS
from app.manifest import Registry
from app.quota.jobs import LIMIT_CHANGED, LimitChanged
from app.settings import Settings
from app.sync.job_payloads import (
    PERSON_DEPARTED,
    REFRESH_DEPARTMENT,
    REFRESH_PERSON,
    REFRESH_TAG,
    DepartmentPayload,
    DeparturePayload,
    PersonPayload,
    TagPayload,
)
from app.web.jobs import PRUNE_ANSWERS
from models.delivery import CallKind, CallState, OutgoingCall
from models.ids import APP, GroupId, PersonId
from models.installation import App
from tests.fakes.clock import FakeClock
from tests.fakes.queue import queued, queued_rows, store

ID = "0199d3a0-5a5b-7c3e-8f00-0123456789ab"
ONE = UUID(ID)

WRITTEN: list[tuple[Job[Any], dict[str, Any], Payload]] = [
    # delivery/calls.py, cards.py, clicks.py, jobs.py, send.py
    (MAKE_CALL, {"call_id": ID}, CallPayload(call_id=ONE)),
    (HEAR_OUTCOME, {"call_id": ID}, CallPayload(call_id=ONE)),
    (RECOVER, {}, Nothing()),
    (TEND_LIMITS, {}, Nothing()),
    # web/limit_changes.py
    (LIMIT_CHANGED, {"key": "message.app.day"}, LimitChanged(key="message.app.day")),
    (LIMIT_CHANGED, {"path": "appchat/send"}, LimitChanged(path="appchat/send")),
    # groups/jobs.py, groups/outcomes.py, inbox/gaps.py
    (RECONCILE, {}, ReconcilePayload()),
    (RECONCILE, {"group_id": ID}, ReconcilePayload(group_id=GroupId(ONE))),
    (
        RECONCILE,
        {"group_id": ID, "accept_losses": True},
        ReconcilePayload(group_id=GroupId(ONE), accept_losses=True),
    ),
    (SETTLE, {"call_id": ID}, CallPayload(call_id=ONE)),
    # org/apply.py
    (PERSON_DEPARTED, {"person_id": ID, "why": "disabled"}, DeparturePayload(person_id=PersonId(ONE), why="disabled")),
    # org/runs.py, org/jobs.py, inbox/gaps.py; the recurring form has no fields
    (SYNC, {"run_id": ID}, SyncPayload(run_id=ONE)),
    (SYNC, {"reason": "gap"}, SyncPayload(reason="gap")),
    (SYNC, {}, SyncPayload(reason="job", dry_run=False)),
    # org/service.py
    (
        REFRESH_PERSON,
        {"userid": "ZhangWei", "new_userid": None, "deleted": False},
        PersonPayload(userid="ZhangWei", new_userid=None, deleted=False),
    ),
    (
        REFRESH_PERSON,
        {"userid": "ZhangWei", "new_userid": "zhangwei2", "deleted": False},
        PersonPayload(userid="ZhangWei", new_userid="zhangwei2"),
    ),
    (
        REFRESH_PERSON,
        {"userid": "li", "new_userid": None, "deleted": True},
        PersonPayload(userid="li", deleted=True),
    ),
    (
        REFRESH_DEPARTMENT,
        {"department_id": 3, "deleted": True},
        DepartmentPayload(department_id=3, deleted=True),
    ),
    (REFRESH_TAG, {"tag_id": 7}, TagPayload(tag_id=7)),
    # recurring ones
    (CLOSE_GAPS, {}, Nothing()),
    (PURGE, {}, Nothing()),
    (SEAL, {}, Nothing()),
    (FILL_CALENDAR, {}, Nothing()),
    (PRUNE_ANSWERS, {}, Nothing()),
    (PRUNE_LOG, {}, Nothing()),
]
"""Every payload that version 60cb961 wrote, by the modules that wrote it."""

NAMES = {
    "audit.seal",
    "delivery.hear_outcome",
    "delivery.limit_changed",
    "delivery.make_call",
    "delivery.recover",
    "delivery.tend_limits",
    "groups.reconcile",
    "groups.settle",
    "inbox.close_gaps",
    "inbox.purge",
    "jobs.prune_log",
    "org.person_departed",
    "org.refresh_department",
    "org.refresh_person",
    "org.refresh_tag",
    "org.sync",
    "policy.fill_calendar",
    "web.prune_answers",
}
"""Every job of that version."""


class TestRowsOfAnEarlierVersion:
    def test_every_job_of_that_version_is_still_carried_out(self) -> None:
        assert set(REGISTRY.jobs) >= NAMES

    def test_every_job_of_that_version_is_read_here(self) -> None:
        assert {job.name for job, _, _ in WRITTEN} == NAMES

    @pytest.mark.parametrize(("job", "raw", "meant"), WRITTEN, ids=lambda value: getattr(value, "name", None))
    def test_each_payload_is_read_as_it_was_meant(self, job: Job[Any], raw: dict[str, Any], meant: Payload) -> None:
        assert job.read(raw) == meant

    async def test_what_is_written_now_is_what_that_version_reads(self, session: AsyncSession) -> None:
        """During an update workers of both versions take jobs: a field that nobody has set stays out of the row."""
        for job, raw, _ in WRITTEN:
            await job.enqueue(session, job.read(raw))
        assert await queued_rows(session) == [(job.name, raw) for job, raw, _ in WRITTEN]

    def test_a_payload_without_its_facts_is_refused(self) -> None:
        with pytest.raises(ValueError, match="call_id"):
            MAKE_CALL.read({})

    async def test_a_stored_row_is_carried_out(self, database: str, sessions: Sessions, settings: Settings) -> None:
        """By the real runner: an operator changed a limit just before the update, and a call waits for it."""
        clock, done = FakeClock(), asyncio.Event()
        call = _waiting_call(clock.now(), limit_key="message.app.day")
        async with transaction(sessions) as session:
            session.add(App(id=APP, name="企微管家", agent_id=1_000_002, created_at=clock.now()))
            await session.flush()
            session.add(call)
            await store(session, LIMIT_CHANGED.name, b'{"key": "message.app.day"}')

        async def carry_out(ctx: JobContext, raw: dict[str, Any]) -> None:
            await REGISTRY.jobs[LIMIT_CHANGED.name](ctx, raw)
            done.set()

        # The call itself is not made: no platform is near.
        registry = Registry(jobs={LIMIT_CHANGED.name: carry_out})
        runner = JobRunner(registry, JobContext(sessions, clock, cast("Any", None), settings), database)
        running = asyncio.create_task(runner.run())
        try:
            async with asyncio.timeout(20):
                await done.wait()
        finally:
            runner.stop()
            await asyncio.wait([running], timeout=20)

        async with sessions() as session:
            assert (await session.get_one(OutgoingCall, call.id)).not_before == clock.now()
            assert await queued(session, MAKE_CALL) == [CallPayload(call_id=call.id)]


def _waiting_call(now: datetime, *, limit_key: str) -> OutgoingCall:
    return OutgoingCall(
        app_id=APP,
        kind=CallKind.APPCHAT_CREATE,
        purpose="group.create",
        subject_kind="group",
        subject_id="1",
        request_body=b"{}",
        request_sha256=b"",
        state=CallState.HELD,
        hold_reason="platform_limit",
        limit_key=limit_key,
        not_before=now + timedelta(hours=3),
        actor="system:steward",
        correlation_id="test",
        created_at=now,
    )
