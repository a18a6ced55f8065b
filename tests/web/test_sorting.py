"""Every order of a list: its pages together are the whole, with ties and with what is empty."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.web.pagination import BadCursor, Order, PageQuery, Sorting, encode_cursor
from models.ids import new_id
from models.org import Person, PersonStatus
from tests.fakes.clock import MONDAY_9AM

SORTED = Sorting(
    {"name": col(Person.name), "status": col(Person.status), "ended": col(Person.ended_at), "id": col(Person.id)},
    ties=col(Person.id),
    usual="name",
)
ORDERS = [f"{sign}{name}" for name in SORTED.columns for sign in ("", "-")]
SEED = 20261128


async def people(session: AsyncSession, count: int) -> list[Person]:
    chance = random.Random(SEED)  # noqa: S311 -- no secret
    rows = [
        Person(
            id=new_id(),
            name=chance.choice(["王芳", "李军", "Ann", "ann", ""]),
            status=chance.choice([PersonStatus.ACTIVE, PersonStatus.LEFT]),
            ended_at=chance.choice([None, MONDAY_9AM, MONDAY_9AM + timedelta(microseconds=1)]),
            first_seen_at=MONDAY_9AM,
            updated_at=MONDAY_9AM,
        )
        for _ in range(count)
    ]
    session.add_all(rows)
    await session.flush()
    return rows


async def all_pages(session: AsyncSession, order: Order, limit: int) -> list[Person]:
    found: list[Person] = []
    cursor = None
    while True:
        rows, cursor = await order.page(session, select(Person), PageQuery(cursor, limit))
        found += rows
        if cursor is None:
            return found


@pytest.mark.parametrize("wanted", ORDERS)
@pytest.mark.parametrize("limit", [1, 7, 60])
async def test_all_pages_together_are_the_sorted_whole(session: AsyncSession, wanted: str, limit: int) -> None:
    rows = await people(session, 60)
    order = SORTED.by(wanted)
    found = await all_pages(session, order, limit)
    whole = list(await session.scalars(order.apply(select(Person))))
    assert [one.id for one in found] == [one.id for one in whole]
    assert {one.id for one in found} >= {one.id for one in rows}
    assert len(found) == len({one.id for one in found})


@pytest.mark.parametrize("wanted", ["ended", "-ended"])
async def test_what_is_empty_comes_last(session: AsyncSession, wanted: str) -> None:
    await people(session, 60)
    found = [one.ended_at for one in await all_pages(session, SORTED.by(wanted), 7)]
    filled = [moment for moment in found if moment is not None]
    assert found[: len(filled)] == sorted(filled, reverse=wanted.startswith("-"))


async def test_both_directions_are_each_other_reversed(session: AsyncSession) -> None:
    await people(session, 30)
    forth, back = [await all_pages(session, SORTED.by(wanted), 7) for wanted in ("name", "-name")]
    assert [one.id for one in forth] == [one.id for one in reversed(back)]


@pytest.mark.parametrize("wanted", ["", "nothing", "-", "--name", "id; DROP TABLE people", "-nothing"])
def test_what_is_no_order_is_the_usual_one(wanted: str) -> None:
    order = SORTED.by(wanted)
    assert (order.name, order.descending) == ("name", False)


@pytest.mark.parametrize(
    "values", [["x", new_id()], [MONDAY_9AM, "x"], [None, None], [1, new_id()], [MONDAY_9AM], [True, 3]]
)
async def test_the_cursor_of_another_order_is_refused(session: AsyncSession, values: list[Any]) -> None:
    with pytest.raises(BadCursor):
        await SORTED.by("ended").page(session, select(Person), PageQuery(encode_cursor(values), 7))
