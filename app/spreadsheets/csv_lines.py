"""CSV as Excel reads it: UTF-8 with a mark in front, and no text that it would take for a formula."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Final

from app.spreadsheets.columns import Cell, Row, Sheet

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel reads the file in the language of the machine, and every Chinese character is lost."""
_BEGINS_A_FORMULA: Final = frozenset("=+-@＝＋－＠\t\r")
"""Full-width ones too: programs in Chinese and Japanese read them alike."""
_AS_TEXT: Final = "'"


async def csv_lines(sheet: Sheet[Row], portions: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    """The file, a portion of rows at a time."""
    yield (BYTE_ORDER_MARK + _lines([sheet.titles])).encode()
    async for portion in portions:
        yield _lines(sheet.cells(row) for row in portion).encode()


def harmless(value: str) -> str:
    """The text, with an apostrophe in front where a program would calculate it (CSV injection)."""
    return _AS_TEXT + value if value[:1] in _BEGINS_A_FORMULA or value.lstrip()[:1] in _BEGINS_A_FORMULA else value


def _lines(rows: Iterable[Sequence[Cell]]) -> str:
    written = StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([_spelled(cell) for cell in row] for row in rows)
    return written.getvalue()


def _spelled(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return harmless(value) if isinstance(value, str) else value
