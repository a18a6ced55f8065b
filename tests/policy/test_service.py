"""Versions of the policy: which is in force, what it says, how a new one comes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.calendar import service as calendars
from app.database import Sessions, transaction
from app.policy import service
from app.policy.document import default_document, default_source
from app.policy.errors import (
    AlreadyScheduled,
    EffectiveInThePast,
    FaultyPolicy,
    NoPolicyInForce,
    UnknownRule,
    VersionNotFound,
)
from app.policy.rule_keys import RULES
from app.policy.schema import PolicyDuration
from models.audit import AuditEntry
from models.ids import PolicyVersionId
from models.policy import PolicyVersion
from tests.builders.policy import policy
from tests.fakes.clock import MONDAY_9AM

STRICTER = default_source().replace("accept_within: 30wm", "accept_within: 15wm")
DAY = timedelta(days=1)


async def apply(session: AsyncSession, source: str, **when: datetime) -> PolicyVersion:
    return await service.apply(session, source=source, actor=SYSTEM, **{"now": MONDAY_9AM, **when})


class TestTheFirstVersion:
    """D11: POLICY_FILE creates version 1 on an empty database only; a differing file is a warning."""

    async def test_an_empty_database_gets_version_1(self, session: AsyncSession) -> None:
        row = await service.ensure_first_version(session, source=default_source(), now=MONDAY_9AM, actor=SYSTEM)
        assert row is not None
        assert (row.number, row.source, row.effective_at) == (1, default_source(), MONDAY_9AM)
        assert (await service.in_force(session, now=MONDAY_9AM)).number == 1

    async def test_a_database_that_has_one_keeps_it(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        assert await service.ensure_first_version(session, source=STRICTER, now=MONDAY_9AM, actor=SYSTEM) is None
        assert (await service.in_force(session, now=MONDAY_9AM)).number == 1

    async def test_the_same_file_is_nothing_to_talk_about(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        assert await service.warning_about(session, source=default_source()) is None

    async def test_another_file_is_a_warning_that_names_the_command(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        warning = await service.warning_about(session, source=STRICTER)
        assert warning is not None
        assert "steward policy apply" in warning

    async def test_a_faulty_file_is_refused(self, session: AsyncSession) -> None:
        with pytest.raises(FaultyPolicy):
            await service.ensure_first_version(session, source="title: x", now=MONDAY_9AM, actor=SYSTEM)

    async def test_two_processes_starting_at_once_make_one(self, sessions: Sessions) -> None:
        async def start() -> None:
            async with transaction(sessions) as own:
                await service.ensure_first_version(own, source=default_source(), now=MONDAY_9AM, actor=SYSTEM)

        await asyncio.gather(*(start() for _ in range(5)))
        async with transaction(sessions) as own:
            assert (await own.scalars(select(func.count()).select_from(PolicyVersion))).one() == 1


class TestLaterVersions:
    """D11: immutable versions with effective dates, through `policy apply`."""

    async def test_a_new_text_is_the_next_version_at_once(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        await apply(session, STRICTER, now=MONDAY_9AM + DAY)
        current = await service.in_force(session, now=MONDAY_9AM + DAY)
        assert (current.number, str(current.document.tasks.accept_within)) == (2, "15wm")

    async def test_it_comes_into_force_on_its_day(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        await apply(session, STRICTER, effective_at=MONDAY_9AM + DAY)
        assert (await service.in_force(session, now=MONDAY_9AM)).number == 1
        assert (await service.in_force(session, now=MONDAY_9AM + DAY)).number == 2

    async def test_version_1_is_in_force_from_the_beginning_of_time(self, session: AsyncSession) -> None:
        """A clock that was ahead at the first start is set back."""
        await policy(session)
        earlier = MONDAY_9AM - timedelta(days=400)
        assert (await service.in_force(session, now=earlier)).number == 1

    async def test_a_later_version_replaces_a_scheduled_one(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        await apply(session, STRICTER, effective_at=MONDAY_9AM + 7 * DAY)
        await apply(session, STRICTER.replace("15wm", "20wm"), effective_at=MONDAY_9AM + DAY)
        assert (await service.in_force(session, now=MONDAY_9AM + 8 * DAY)).number == 3

    async def test_it_cannot_come_into_force_in_the_past(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        with pytest.raises(EffectiveInThePast):
            await apply(session, STRICTER, effective_at=MONDAY_9AM - DAY)

    async def test_the_same_text_again_makes_no_version(self, session: AsyncSession) -> None:
        first = await apply(session, default_source())
        assert await apply(session, default_source(), now=MONDAY_9AM + DAY) is first

    async def test_a_lost_last_line_end_makes_no_version(self, session: AsyncSession) -> None:
        """Bodies of REST and forms lose the edges of their texts."""
        first = await apply(session, default_source())
        assert (await apply(session, default_source().strip())).id == first.id
        assert await service.warning_about(session, source=default_source().strip() + "\n\n") is None

    async def test_the_same_text_is_not_silently_moved_to_another_day(self, session: AsyncSession) -> None:
        await apply(session, default_source(), effective_at=MONDAY_9AM + DAY)
        with pytest.raises(AlreadyScheduled):
            await apply(session, default_source(), effective_at=MONDAY_9AM + 2 * DAY)

    async def test_returning_to_an_earlier_text_is_a_version_of_its_own(self, session: AsyncSession) -> None:
        await apply(session, default_source())
        await apply(session, STRICTER)
        assert (await apply(session, default_source())).number == 3

    async def test_a_faulty_document_is_refused_with_all_its_faults(self, session: AsyncSession) -> None:
        source = default_source().replace("missing_runs: 2", "missing_run: 2").replace("task.accept: 4.2", "x: 4.2")
        with pytest.raises(FaultyPolicy) as refused:
            await apply(session, source)
        paths = {fault["path"] for fault in refused.value.facts["faults"]}
        assert paths == {"org.missing_run", "rules.task.accept", "rules.x"}

    async def test_who_made_it_is_in_the_trail(self, session: AsyncSession) -> None:
        """P5: every decision has a person, a time, a rule and a policy version."""
        row = await apply(session, default_source())
        entry = (await session.scalars(select(AuditEntry).where(col(AuditEntry.object_id) == str(row.id)))).one()
        assert (entry.action, entry.policy_version_id, entry.at) == ("policy.applied", row.id, MONDAY_9AM)


class TestCiting:
    """D11: code asks by a stable rule key; the document answers with its clause and text."""

    async def test_a_rule_is_cited_by_the_documents_own_clause(self, session: AsyncSession) -> None:
        current = await policy(session)
        citation = current.cite("announcement.receipt")
        assert citation.label == "第 3.6 条"
        assert citation.text == current.document.clauses["3.6"]

    async def test_an_older_version_cites_what_the_service_cited_then(self, session: AsyncSession) -> None:
        """An upgrade brings new rules; the version in force does not know them, and work goes on."""
        known = {key: clause for key, clause in default_document().rules.items() if key != "member.remove"}
        old = await policy(session, rules=known)
        assert old.cite("member.remove").clause == old.document.rules["group.roster"] == "2.7"

    async def test_every_rule_that_came_later_has_a_former_one(self) -> None:
        """A rule without one would stop the work of a company whose document is older."""
        first = {rule for rule in RULES.values() if rule.formerly is None}
        assert all(RULES[rule.formerly] in first for rule in RULES.values() if rule.formerly)

    async def test_what_the_platform_decides_is_cited_as_its_rule(self, session: AsyncSession) -> None:
        """P8: fewer than two members is the platform's rule; no clause of the company says it."""
        citation = (await policy(session)).cite("platform.fewest_members")
        assert (citation.clause, citation.label) == ("", "企业微信的规定")
        assert citation.sentence == "企业微信规定，应用建立的群至少有 2 名成员"

    async def test_a_rule_that_is_not_mapped_says_so(self, session: AsyncSession) -> None:
        with pytest.raises(UnknownRule):
            (await policy(session)).cite("task.unheard_of")

    async def test_a_request_keeps_the_version_it_began_under(self, session: AsyncSession) -> None:
        first = await policy(session)
        await policy(session, tasks__accept_within="15wm")
        assert str((await service.get(session, first.id)).document.tasks.accept_within) == "30wm"

    async def test_a_version_that_is_not_there(self, session: AsyncSession) -> None:
        with pytest.raises(VersionNotFound):
            await service.get(session, PolicyVersionId(UUID(int=1)))

    async def test_without_a_policy_the_service_says_what_to_do(self, session: AsyncSession) -> None:
        with pytest.raises(NoPolicyInForce, match="steward policy apply"):
            await service.in_force(session, now=MONDAY_9AM)


class TestDeadlines:
    """D14: a deadline in working time comes with what it was computed from."""

    async def test_thirty_working_minutes_over_lunch(self, session: AsyncSession) -> None:
        current = await policy(session)
        start = datetime(2026, 3, 2, 3, 45, tzinfo=UTC)
        due_at, basis = await calendars.deadline(
            session, start=start, duration=PolicyDuration.parse("30wm"), policy=current
        )
        assert due_at == datetime(2026, 3, 2, 5, 15, tzinfo=UTC)
        assert basis is not None
        assert basis.model_dump(mode="json", by_alias=True, exclude_none=True) == {
            "from": start.isoformat(),
            "working_seconds": 1800,
            "policy_version_id": str(current.id),
        }

    async def test_a_reminder_moves_along_with_its_deadline(self, session: AsyncSession) -> None:
        current = await policy(session)
        due_at, basis = await calendars.deadline(
            session, start=MONDAY_9AM, duration=PolicyDuration.parse("1wd"), policy=current
        )
        remind_at, remind_basis = await calendars.reminder(
            session, due_at=due_at, before=PolicyDuration.parse("2wh"), policy=current, due_basis=basis
        )
        assert remind_at == due_at - timedelta(hours=2)
        assert basis is not None
        assert remind_basis == basis.model_copy(update={"before": "2wh"})

    async def test_seconds_of_the_demo_need_no_calendar(self, session: AsyncSession) -> None:
        due_at, basis = await calendars.deadline(
            session, start=MONDAY_9AM, duration=PolicyDuration.parse("8s"), policy=await policy(session)
        )
        assert (due_at, basis) == (MONDAY_9AM + timedelta(seconds=8), None)
