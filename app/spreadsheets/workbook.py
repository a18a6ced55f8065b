"""XLSX: rows go to a temporary file as they come, so that a list of any length takes the memory of one row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import IO, Any, Final

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from app.spreadsheets.columns import Cell, CellKind, Row, Sheet

MOST_ROWS: Final = 1_048_576
"""Of one table, the titles included (Excel's own limit). What is more goes on in a next table."""
_LONGEST_TEXT: Final = 32_767
_LONGEST_NAME: Final = 31
_NOT_IN_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_OPTIONS: Final = {
    "constant_memory": True,
    # A text stays one, whatever it looks like.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


async def write_xlsx(
    sheet: Sheet[Row], portions: AsyncIterator[Sequence[Row]], file: IO[bytes], *, most_rows: int = MOST_ROWS
) -> None:
    """Write the file. Packing it at the end takes a processor's time: a thread does it."""
    writer = _Writer(Workbook(file, dict(_OPTIONS)), sheet, most_rows)
    try:
        async for portion in portions:
            for row in portion:
                writer.write(sheet.cells(row))
    finally:
        # Also half way: the library keeps files of its own until then.
        await asyncio.to_thread(writer.close)


class _Writer:
    """Rows into tables of a workbook."""

    def __init__(self, workbook: Workbook, sheet: Sheet[Any], most_rows: int) -> None:
        self._workbook, self._sheet, self._most_rows = workbook, sheet, most_rows
        self._title = workbook.add_format({"bold": True})
        # "@": what somebody edits later stays text as well, and a userid of digits keeps its zeros.
        self._formats = {
            CellKind.TEXT: workbook.add_format({"num_format": "@"}),
            CellKind.NUMBER: workbook.add_format({"num_format": "General"}),
            CellKind.MOMENT: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        self._tables = 0
        self._table = self._begin()

    def _begin(self) -> Worksheet:
        self._tables += 1
        suffix = f" {self._tables}" if self._tables > 1 else ""
        name = self._sheet.name.translate(_NOT_IN_NAMES).strip()[: _LONGEST_NAME - len(suffix)] or "1"
        table: Worksheet = self._workbook.add_worksheet(name + suffix)
        table.freeze_panes(1, 0)
        for at, column in enumerate(self._sheet.columns):
            table.set_column(at, at, column.width)
        for at, title in enumerate(self._sheet.titles):
            table.write_string(0, at, title, self._title)
        self._row = 1
        return table

    def write(self, cells: Sequence[Cell]) -> None:
        if self._row == self._most_rows:
            self._end()
            self._table = self._begin()
        for at, (column, cell) in enumerate(zip(self._sheet.columns, cells, strict=True)):
            _write(self._table, (self._row, at), cell, self._formats[column.kind])
        self._row += 1

    def _end(self) -> None:
        self._table.autofilter(0, 0, self._row - 1, len(self._sheet.columns) - 1)

    def close(self) -> None:
        self._end()
        self._workbook.close()


def _write(table: Worksheet, place: tuple[int, int], cell: Cell, style: Any) -> None:
    if isinstance(cell, datetime):
        table.write_datetime(*place, cell, style)
    elif isinstance(cell, str):
        table.write_string(*place, cell[:_LONGEST_TEXT], style)
    elif cell is not None:
        table.write_number(*place, cell, style)
