"""F96: pages by cursor, in a stable order."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.web.pagination import BadCursor, PageQuery, decode_cursor, encode_cursor, paginate
from models.access import ApiKey
from tests.fakes.clock import MONDAY_9AM
from tests.web.conftest import Desk

cursor_values = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.text(),
    st.booleans(),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
)


def written(text: str) -> str:
    """A cursor of somebody else's."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class TestCursors:
    @given(st.lists(cursor_values, min_size=1, max_size=4))
    def test_what_goes_in_comes_out_whatever_it_is(self, values: list[Any]) -> None:
        cursor = encode_cursor(values)
        assert decode_cursor(cursor, len(values)) == values

    @given(st.lists(cursor_values, min_size=1, max_size=4))
    def test_it_fits_into_a_query_as_it_is(self, values: list[Any]) -> None:
        assert all(
            character.isascii() and (character.isalnum() or character in "-_") for character in encode_cursor(values)
        )

    @given(st.text(max_size=60), st.integers(1, 3))
    def test_anything_else_is_a_bad_cursor_and_never_a_crash(self, cursor: str, length: int) -> None:
        try:
            decode_cursor(cursor, length)
        except BadCursor:
            return

    @pytest.mark.parametrize("values", [[1], [1, 2, 3]])
    def test_the_cursor_of_another_list_is_refused(self, values: list[int]) -> None:
        with pytest.raises(BadCursor):
            decode_cursor(encode_cursor(values), 2)

    @pytest.mark.parametrize(
        "cursor",
        [
            "nonsense",
            "!!!",
            "W10",  # []
            "eyJ0IjoxfQ",  # {"t":1}
            "W3siayI6MX1d",  # [{"k":1}]
            "W3sidCI6InllcyJ9XQ",  # [{"t":"yes"}]
            encode_cursor(["a text where a number belongs"]),
            encode_cursor([2**70]),
            encode_cursor([UUID(int=1)]),
            pytest.param(written("[" * 20_000), id="nested without end"),
            pytest.param(written("[" * 20_000 + "]" * 20_000), id="nested deeply"),
            pytest.param(written("9" * 20_000), id="a number of 20,000 digits"),
            written('["\\ud800"]'),
        ],
    )
    async def test_a_bad_cursor_is_400(self, counter: Desk, cursor: str) -> None:
        answer = await counter.http.get("/callbacks", params={"cursor": cursor})
        assert answer.status_code == 400, answer.text
        assert answer.json()["type"] == "/problems/bad-cursor"

    @pytest.mark.parametrize(
        "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T09:00:00", "2026-03-02"]
    )
    async def test_a_moment_that_we_did_not_write_never_crashes(self, counter: Desk, moment: str) -> None:
        cursor = written(json.dumps([{"t": moment}, {"u": str(UUID(int=1))}]))
        assert (await counter.http.get("/requests", params={"cursor": cursor})).status_code in {200, 400, 422}

    @pytest.mark.parametrize("limit", ["0", "201", "many"])
    async def test_a_page_holds_1_to_200(self, counter: Desk, limit: str) -> None:
        assert (await counter.http.get("/callbacks", params={"limit": limit})).status_code == 422


BY_TIME = (col(ApiKey.created_at), col(ApiKey.id))


async def add(session: AsyncSession, name: str, minute: int) -> None:
    at = MONDAY_9AM + timedelta(minutes=minute)
    session.add(ApiKey(name=name, prefix="", key_hash=name.encode(), scopes=[], created_at=at, created_by="test"))
    await session.flush()


async def names(session: AsyncSession, cursor: str | None, *, descending: bool = True) -> tuple[list[str], str | None]:
    page = PageQuery(cursor, limit=2)
    rows, following = await paginate(session, select(ApiKey), *BY_TIME, page=page, descending=descending)
    return [row.name for row in rows], following


class TestPages:
    async def test_rows_added_in_between_neither_repeat_nor_hide_one(self, session: AsyncSession) -> None:
        for number in range(1, 6):
            await add(session, f"k{number}", number)

        first, cursor = await names(session, None)
        await add(session, "newer", 9)
        await add(session, "older", 0)
        second, cursor = await names(session, cursor)
        third, cursor = await names(session, cursor)

        assert first + second + third == ["k5", "k4", "k3", "k2", "k1", "older"]
        assert cursor is None

    async def test_rows_of_the_same_moment_are_all_seen_once(self, session: AsyncSession) -> None:
        for number in range(5):
            await add(session, f"k{number}", 0)

        found: list[str] = []
        cursor: str | None = None
        for _ in range(3):
            page, cursor = await names(session, cursor)
            found += page

        assert sorted(found) == [f"k{number}" for number in range(5)]
        assert cursor is None

    async def test_the_oldest_may_come_first(self, session: AsyncSession) -> None:
        for number in range(3):
            await add(session, f"k{number}", number)

        first, cursor = await names(session, None, descending=False)
        rest, _ = await names(session, cursor, descending=False)
        assert first + rest == ["k0", "k1", "k2"]

    async def test_a_last_page_that_is_full_says_so(self, session: AsyncSession) -> None:
        for number in range(2):
            await add(session, f"k{number}", number)
        _, cursor = await names(session, None)
        assert cursor is None

    async def test_nothing_is_an_empty_page(self, session: AsyncSession) -> None:
        assert await names(session, None) == ([], None)


def test_a_moment_keeps_its_microseconds() -> None:
    moment = datetime(2026, 3, 2, 1, 0, 0, 123456, tzinfo=UTC)
    assert decode_cursor(encode_cursor([moment]), 1) == [moment]
