"""P5: the trail is verifiable. Tampered with as only a superuser can: with the triggers switched off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Select, select, text
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.audit.seal import GENESIS, seal
from app.audit.service import Act, HeadMissing, record, record_many, seal_entries
from app.audit.verify import Trouble, Verification, verify
from app.audit.why import About, Why
from app.database import Sessions, transaction
from models.audit import AuditEntry, ObjectKind
from tests.fakes.clock import MONDAY_9AM

LATER = MONDAY_9AM + timedelta(minutes=5)


@pytest.fixture
async def trail(sessions: Sessions) -> Sessions:
    """Ten sealed rows."""
    await given(sessions, 10)
    await sealed(sessions)
    return sessions


async def given(sessions: Sessions, count: int, *, late: timedelta = timedelta()) -> None:
    async with transaction(sessions) as session:
        for number in range(count):
            await record(
                session,
                "request.approved",
                About(ObjectKind.REQUEST, number),
                Why(SYSTEM),
                now=MONDAY_9AM + late,
                details={"姓名": "李雷", "number": number},
            )


async def sealed(sessions: Sessions, *, late: timedelta = timedelta()) -> None:
    async with transaction(sessions) as session:
        await seal_entries(session, now=MONDAY_9AM + timedelta(minutes=1) + late)


async def tampered(sessions: Sessions, *statements: str) -> None:
    async with transaction(sessions) as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await session.execute(text(statement))


async def found(sessions: Sessions, *, expected: Sequence[str] = (), late: timedelta = timedelta()) -> Verification:
    return await verify(sessions, now=LATER + late, expected=expected)


def told(result: Verification) -> list[tuple[Trouble, int | None]]:
    return [(finding.trouble, finding.position) for finding in result.findings]


class TestAnUntouchedTrail:
    async def test_it_holds(self, trail: Sessions) -> None:
        result = await found(trail)
        assert (result.holds, result.checked, result.position, result.unsealed) == (True, 10, 10, 0)

    async def test_an_empty_one_holds(self, sessions: Sessions) -> None:
        assert (await found(sessions)).holds

    async def test_rows_recorded_in_a_set_are_sealed_alike(self, trail: Sessions) -> None:
        async with transaction(trail) as session:
            acts = [
                Act(str(number), Why(SYSTEM, "a.b"), f"c{number}", {"via": "card", "迟": False}) for number in range(3)
            ]
            await record_many(session, "a.done", ObjectKind.TASK, acts, now=MONDAY_9AM)
        await sealed(trail)
        result = await found(trail)
        assert (result.holds, result.checked) == (True, 13)

    async def test_erased_details_are_no_trouble(self, trail: Sessions) -> None:
        await tampered(trail, "DELETE FROM audit_details")
        assert (await found(trail)).holds

    async def test_a_late_commit_with_a_smaller_id_is_no_trouble(self, trail: Sessions) -> None:
        await given(trail, 2, late=timedelta(minutes=2))
        await sealed(trail, late=timedelta(minutes=3))
        assert (await found(trail)).holds

    async def test_the_walk_goes_on_while_it_is_told_how_far_it_is(self, trail: Sessions) -> None:
        steps: list[tuple[int, int]] = []
        await verify(trail, now=LATER, progress=lambda done, total: steps.append((done, total)))
        assert steps == [(10, 10)]


class TestChangedRows:
    @pytest.mark.parametrize(
        "change",
        ["actor_id = 'somebody-else'", "at = at - interval '1 hour'", "rule_key = 'x'", "details_digest = NULL"],
    )
    async def test_a_changed_row_is_named(self, trail: Sessions, change: str) -> None:
        await tampered(trail, f"UPDATE audit_entries SET {change} WHERE position = 4")  # noqa: S608 -- from above
        result = await found(trail)
        assert (Trouble.CHANGED, 4) in told(result)
        assert {position for _, position in told(result)} == {4}
        assert "第 4 行" in result.findings[0].says

    async def test_changed_details_are_named(self, trail: Sessions) -> None:
        await tampered(trail, """UPDATE audit_details SET details = '{"number": 99}' WHERE entry_id = 3""")
        assert told(await found(trail)) == [(Trouble.DETAILS_CHANGED, 3)]

    async def test_a_row_sealed_anew_does_not_fit_the_next(self, trail: Sessions) -> None:
        async with trail() as session:
            rows = {row.position: row for row in await session.scalars(_rows())}
        forged = AuditEntry(**rows[4].model_dump() | {"actor_id": "somebody-else"})
        new_seal = seal(rows[3].seal or b"", 4, forged).hex()
        change = f"actor_id = 'somebody-else', seal = '\\x{new_seal}'"
        await tampered(trail, f"UPDATE audit_entries SET {change} WHERE position = 4")  # noqa: S608 -- from above
        assert told(await found(trail)) == [(Trouble.CHANGED, 5)]


class TestMissingRows:
    async def test_a_missing_row_is_named(self, trail: Sessions) -> None:
        await tampered(trail, "DELETE FROM audit_entries WHERE position IN (5, 6)")
        result = await found(trail)
        assert told(result) == [(Trouble.MISSING, 5)]
        assert "第 5 到 6 行不见了" in result.findings[0].says

    async def test_a_hole_that_was_closed_by_counting_anew_is_found(self, trail: Sessions) -> None:
        await tampered(
            trail,
            "DELETE FROM audit_entries WHERE position = 5",
            *(f"UPDATE audit_entries SET position = {n - 1} WHERE position = {n}" for n in range(6, 11)),  # noqa: S608 -- numbers
        )
        assert not (await found(trail)).holds

    async def test_the_first_row_too(self, trail: Sessions) -> None:
        await tampered(trail, "DELETE FROM audit_entries WHERE position = 1")
        assert told(await found(trail)) == [(Trouble.MISSING, 1)]

    async def test_a_missing_end_is_found_and_stays_found_after_the_next_sealing(self, trail: Sessions) -> None:
        await tampered(trail, "DELETE FROM audit_entries WHERE position > 8")
        assert told(await found(trail)) == [(Trouble.TRUNCATED, 9)]
        await given(trail, 1)
        await sealed(trail)
        assert told(await found(trail)) == [(Trouble.MISSING, 9)]

    async def test_without_the_sealers_own_record_nothing_is_sealed_any_more(self, trail: Sessions) -> None:
        await tampered(trail, "DELETE FROM audit_heads")
        assert told(await found(trail)) == [(Trouble.HEAD, None)]
        await given(trail, 1)
        with pytest.raises(HeadMissing):
            await sealed(trail)


ADD = """
INSERT INTO audit_entries (at, actor_kind, actor_id, action, object_kind, object_id, correlation_id, position, seal,
    sealed_at)
VALUES ('2026-03-02 00:30+00', 'person', 'x', 'request.approved', 'request', '77', 'c', {position}, {seal}, {sealed_at})
"""


class TestAddedRows:
    async def test_a_row_behind_the_end_is_named(self, trail: Sessions) -> None:
        await tampered(trail, ADD.format(position=11, seal="'\\x00'", sealed_at="'2026-03-02 01:01+00'"))
        assert told(await found(trail)) == [(Trouble.ADDED, 11)]

    async def test_a_row_that_waits_for_its_seal_with_an_old_time_is_named(self, trail: Sessions) -> None:
        await tampered(trail, ADD.format(position="NULL", seal="NULL", sealed_at="NULL"))
        assert told(await found(trail)) == [(Trouble.UNSEALED, None)]

    async def test_a_row_with_an_old_time_is_named_even_when_the_sealer_took_it(self, trail: Sessions) -> None:
        await tampered(trail, ADD.format(position="NULL", seal="NULL", sealed_at="NULL"))
        await sealed(trail, late=timedelta(minutes=1))
        assert told(await found(trail)) == [(Trouble.ADDED, 11)]


class TestWhoMayWriteEverything:
    """Computing the whole chain anew leaves no trace inside: a seal kept elsewhere does."""

    async def test_a_chain_written_anew_lacks_the_seal_that_was_kept(self, trail: Sessions) -> None:
        kept = (await found(trail)).head
        assert (await found(trail, expected=[kept])).holds
        await _written_anew(trail)

        assert (await found(trail)).holds, "inside everything fits"
        assert told(await found(trail, expected=[kept])) == [(Trouble.NOT_EXPECTED, None)]

    async def test_a_kept_seal_stays_good_while_the_chain_grows(self, trail: Sessions) -> None:
        kept = (await found(trail)).head
        await given(trail, 3)
        await sealed(trail)
        assert (await found(trail, expected=[kept, kept.partition(":")[2].upper()])).holds


class TestUnsealedRows:
    async def test_rows_of_the_last_minutes_are_counted_and_no_trouble(self, trail: Sessions) -> None:
        await given(trail, 2, late=timedelta(minutes=4))
        result = await found(trail)
        assert (result.holds, result.unsealed) == (True, 2)

    async def test_rows_that_wait_for_long_are_told(self, trail: Sessions) -> None:
        await given(trail, 2)
        result = await found(trail, late=timedelta(minutes=30))
        assert told(result) == [(Trouble.UNSEALED, None)]
        assert "2 行没有封印" in result.findings[0].says

    async def test_many_findings_are_counted_and_not_all_listed(self, sessions: Sessions) -> None:
        await given(sessions, 130)
        await sealed(sessions)
        await tampered(sessions, "UPDATE audit_entries SET action = 'x'")
        result = await found(sessions)
        assert (len(result.findings), result.troubles) == (100, 130)


def _rows() -> Select[AuditEntry]:
    return select(AuditEntry).order_by(col(AuditEntry.position))


async def _written_anew(sessions: Sessions) -> None:
    async with sessions() as session:
        rows = (await session.scalars(_rows())).all()
    statements, previous = [], GENESIS
    for row in rows:
        row.actor_id = "somebody-else"
        previous = seal(previous, row.position or 0, row)
        change = f"actor_id = 'somebody-else', seal = '\\x{previous.hex()}'"
        statements.append(f"UPDATE audit_entries SET {change} WHERE position = {row.position}")  # noqa: S608 -- ours
    await tampered(sessions, *statements, f"UPDATE audit_heads SET seal = '\\x{previous.hex()}'")  # noqa: S608 -- ours
