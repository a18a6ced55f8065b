"""D1 of P6: an audience of any size is handled in parts, between which the process answers others."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.database import AT_ONCE
from models.announcements import Receipt
from models.delivery import CallKind, Delivery
from tests.builders.announcements import announcement, calls_of_kind
from tests.builders.org import crowd
from tests.company import HEADQUARTERS, Company

NEWCOMERS = 2 * AT_ONCE
LONG = "请逐项核对。" * 600
"""More than one message holds: it comes in parts, each of which waits for the one before."""


@pytest.fixture(autouse=True)
async def _large(session: AsyncSession, company: Company) -> None:
    await crowd(session, HEADQUARTERS, NEWCOMERS)


async def test_everybody_is_concerned_and_told_once_and_no_statement_carries_all(
    session: AsyncSession, company: Company
) -> None:
    carried: list[int] = []

    def count(_connection: Any, _cursor: Any, _statement: str, given: Any, _context: Any, _many: bool) -> None:
        carried.extend(len(value) for value in given or () if isinstance(value, list))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", count)
    try:
        row = await announcement(session, company.zhao, departments=[HEADQUARTERS])
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert max(carried) == AT_ONCE
    everybody = NEWCOMERS + len(company.people) - 1
    for table, of_this in (
        (Receipt, col(Receipt.announcement_id) == row.id),
        (Delivery, col(Delivery.message_id) == row.card_message_id),
    ):
        people = func.count(func.distinct(col(table.person_id)))
        found = (await session.execute(select(func.count(), people).select_from(table).where(of_this))).one()
        assert tuple(found) == (everybody, everybody)


async def test_the_parts_of_a_long_text_stay_in_order_for_each(session: AsyncSession, company: Company) -> None:
    await announcement(session, company.zhao, body=LONG, departments=[HEADQUARTERS], receipt=False)
    in_order: dict[str | None, list[int]] = defaultdict(list)
    for call in await calls_of_kind(session, CallKind.MESSAGE_SEND):
        in_order[call.ordering_key].append(call.part)
    assert None not in in_order
    assert len(in_order) > NEWCOMERS / 1_000
    [parts] = {tuple(sorted(numbers)) for numbers in in_order.values()}
    assert parts == tuple(range(1, len(parts) + 1))
    assert len(parts) > 1
