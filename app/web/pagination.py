"""Pages by cursor: stable while rows are added, and as quick on the last page as on the first; in any order
that the domain of the list declares, and one order on all of its pages and in its file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, TypeDecorator, and_, func, or_, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Invalid
from app.web.schemas import IN_DIGITS

T = TypeVar("T")
Row = TypeVar("Row")

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LARGEST_NUMBER = 2**63 - 1
_BACKWARDS: Final = "-"


class BadCursor(Invalid):
    slug = "bad-cursor"
    title = "翻页游标无效"


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(None, description="Pass it as `cursor` for the next page; null on the last page.")


@dataclass(frozen=True)
class PageQuery:
    cursor: str | None
    limit: int


def get_page(
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Field(ge=1, le=LARGEST_LIMIT), IN_DIGITS] = DEFAULT_LIMIT,
) -> PageQuery:
    return PageQuery(cursor, limit)


PageDep = Annotated[PageQuery, Depends(get_page)]


def encode_cursor(values: Sequence[Any]) -> str:
    plain = [_plain(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[Any]:
    """The values of the last row of the page before. Raises `BadCursor` for anything we did not write."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != length:
            raise BadCursor("请使用上一页返回的 next_cursor", "Use next_cursor of the page before")
        return [_typed(value) for value in values]
    except (ValueError, RecursionError) as error:
        raise BadCursor("请使用上一页返回的 next_cursor", "Use next_cursor of the page before") from error


async def paginate(
    session: AsyncSession, statement: Select[Row], *columns: Any, page: PageQuery, descending: bool = True
) -> tuple[list[Row], str | None]:
    """One page of a select of entities, in the order of `columns`, whose last must be unique.

    Returns the rows and the next cursor.
    """
    rows = list(await session.scalars(_portion(statement, columns, page, descending=descending)))
    return _cut(rows, columns, page)


async def paginate_rows(
    session: AsyncSession, statement: Select[Any], *columns: Any, page: PageQuery, descending: bool = True
) -> tuple[list[Any], str | None]:
    """The same of a select of columns, which has `columns` among them."""
    rows = list(await session.execute(_portion(statement, columns, page, descending=descending)))
    return _cut(rows, columns, page)


def _portion(statement: Select[Row], columns: Sequence[Any], page: PageQuery, *, descending: bool) -> Select[Row]:
    """What follows the cursor, and one row more than the page holds."""
    keys = tuple_(*columns)
    if page.cursor is not None:
        after = tuple_(*_fitting(decode_cursor(page.cursor, len(columns)), columns))
        statement = statement.where(keys < after if descending else keys > after)
    ordered = statement.order_by(*(column.desc() if descending else column.asc() for column in columns))
    return ordered.limit(page.limit + 1)


def _cut(rows: list[Row], columns: Sequence[Any], page: PageQuery) -> tuple[list[Row], str | None]:
    if len(rows) <= page.limit:
        return rows, None
    last = rows[page.limit - 1]
    return rows[: page.limit], encode_cursor([getattr(last, column.key) for column in columns])


async def count_of(session: AsyncSession, statement: Select[Any]) -> int:
    """How many rows a list has, over all its pages."""
    counted = statement.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return int((await session.execute(counted)).scalar_one())


def slice_of(rows: Sequence[Row], version: int, *, page: PageQuery) -> tuple[Sequence[Row], str | None]:
    """One page of a list that never changes, and the next cursor. `version` names the list: a cursor of another one
    is refused.
    """
    start = 0
    if page.cursor is not None:
        listed, start = decode_cursor(page.cursor, 2)
        if listed != version or type(start) is not int or start < 0:
            raise BadCursor("内容已有新版本，请从第一页重新读取", "There is a newer version: begin at the first page")
    end = start + page.limit
    return rows[start:end], encode_cursor([version, end]) if end < len(rows) else None


def _fitting(values: list[Any], columns: Sequence[Any]) -> list[Any]:
    """The values, if the columns could hold them: the cursor of another list is refused here, not by the database."""
    for value, column in zip(values, columns, strict=True):
        stored = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
        if type(value) is not stored.python_type or not _fits(value):
            raise BadCursor("请使用上一页返回的 next_cursor", "Use next_cursor of the page before")
    return values


def _fits(value: Any) -> bool:
    if isinstance(value, int):
        return -LARGEST_NUMBER <= value <= LARGEST_NUMBER
    # PostgreSQL takes neither in a text.
    return not isinstance(value, str) or not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, UUID):
        return {"u": str(value)}
    return value


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        if "t" in value:
            return datetime.fromisoformat(str(value["t"]))
        if "u" in value:
            return UUID(str(value["u"]))
        raise BadCursor("请使用上一页返回的 next_cursor", "Use next_cursor of the page before")
    return value


# ---------------------------------------------------------------- orders


@dataclass(frozen=True)
class Order:
    """By one column, in one direction; rows that are alike in it by `ties`, in the same. What is empty comes last."""

    name: str
    column: Any
    ties: Any
    """A unique column."""
    descending: bool

    @property
    def _columns(self) -> list[Any]:
        return [self.column] if self.column is self.ties else [self.column, self.ties]

    def apply(self, statement: Select[Row]) -> Select[Row]:
        """The whole list in this order."""
        ordered = [column.desc() if self.descending else column.asc() for column in self._columns]
        if self.column.nullable:
            # As an index has it when it goes up; going down, it would begin with what is empty.
            ordered[0] = ordered[0].nulls_last()
        return statement.order_by(None).order_by(*ordered)

    async def page(
        self, session: AsyncSession, statement: Select[Row], page: PageQuery
    ) -> tuple[list[Row], str | None]:
        """One page of entities, and the next cursor."""
        if not self.column.nullable:
            return await paginate(session, statement, *self._columns, page=page, descending=self.descending)
        if page.cursor is not None:
            statement = statement.where(self._after(page.cursor))
        rows = list(await session.scalars(self.apply(statement).limit(page.limit + 1)))
        if len(rows) <= page.limit:
            return rows, None
        last = rows[page.limit - 1]
        cursor = encode_cursor([getattr(last, self.column.key), getattr(last, self.ties.key)])
        return rows[: page.limit], cursor

    def _after(self, cursor: str) -> ColumnElement[bool]:
        value, tie = decode_cursor(cursor, 2)
        # The cursor of another list or order is refused here, not by the database.
        _fitting([tie] if value is None else [value, tie], [self.ties] if value is None else [self.column, self.ties])
        ties = self.ties < tie if self.descending else self.ties > tie
        if value is None:
            return and_(self.column.is_(None), ties)
        beyond = self.column < value if self.descending else self.column > value
        return or_(beyond, and_(self.column == value, ties), self.column.is_(None))


@dataclass(frozen=True)
class Sorting:
    """The orders that a list offers."""

    columns: Mapping[str, Any]
    """By the name that stands in the address."""
    ties: Any
    usual: str
    """`name`, or `-name` for the other way round."""

    def by(self, wanted: str) -> Order:
        """What the address says; the usual order for nothing, and for what is no order of this list."""
        name = wanted.removeprefix(_BACKWARDS)
        if name not in self.columns:
            wanted, name = self.usual, self.usual.removeprefix(_BACKWARDS)
        return Order(name, self.columns[name], self.ties, wanted.startswith(_BACKWARDS))
