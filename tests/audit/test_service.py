"""P5: every decision has a person, a time, a rule and a version; the trail is append-only and verifiable."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.audit.seal import GENESIS, details_digest, seal
from app.audit.service import record, seal_entries
from app.audit.why import About, Why
from models.audit import AuditDetail, AuditEntry, ObjectKind
from tests.fakes.clock import MONDAY_9AM


async def given_entries(session: AsyncSession, count: int) -> None:
    for number in range(count):
        await record(
            session,
            "request.approved",
            About(ObjectKind.REQUEST, number),
            Why(SYSTEM, "approval.decide"),
            now=MONDAY_9AM,
            details={"姓名": "李雷", "number": number},
        )


async def trail(session: AsyncSession) -> list[AuditEntry]:
    return list(await session.scalars(select(AuditEntry).order_by(col(AuditEntry.position), col(AuditEntry.id))))


class TestAppendOnly:
    async def test_a_row_cannot_be_changed(self, session: AsyncSession) -> None:
        await given_entries(session, 1)
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(update(AuditEntry).values(action="request.rejected"))

    async def test_a_row_cannot_be_removed(self, session: AsyncSession) -> None:
        await given_entries(session, 1)
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(delete(AuditEntry))

    async def test_a_sealed_row_cannot_be_sealed_anew(self, session: AsyncSession) -> None:
        await given_entries(session, 1)
        await seal_entries(session, now=MONDAY_9AM)
        await session.flush()
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(update(AuditEntry).values(seal=b"forged"))


class TestSeal:
    async def test_the_chain_can_be_computed_again_from_the_rows(self, session: AsyncSession) -> None:
        await given_entries(session, 5)
        assert await seal_entries(session, now=MONDAY_9AM, limit=3) == 3
        assert await seal_entries(session, now=MONDAY_9AM, limit=3) == 2
        previous = GENESIS
        for position, entry in enumerate(await trail(session), 1):
            assert entry.position == position
            previous = seal(previous, position, entry)
            assert entry.seal == previous

    async def test_a_changed_row_breaks_the_chain(self, session: AsyncSession) -> None:
        await given_entries(session, 2)
        await seal_entries(session, now=MONDAY_9AM)
        first, _ = await trail(session)
        forged = AuditEntry(**first.model_dump() | {"actor_id": "someone-else"})
        assert seal(GENESIS, 1, forged) != first.seal

    async def test_details_may_be_erased_and_the_chain_still_holds(self, session: AsyncSession) -> None:
        await given_entries(session, 1)
        await seal_entries(session, now=MONDAY_9AM)
        (detail,) = await session.scalars(select(AuditDetail))
        (entry,) = await trail(session)
        assert entry.details_digest == details_digest(detail.salt, detail.details)
        await session.execute(delete(AuditDetail))
        assert entry.seal == seal(GENESIS, 1, entry)

    async def test_personal_data_stands_only_in_the_erasable_table(self, session: AsyncSession) -> None:
        await given_entries(session, 1)
        row = (await session.execute(text("SELECT to_jsonb(audit_entries)::text FROM audit_entries"))).scalar_one()
        assert "李雷" not in row
