"""Lists for people and for programs.

On a terminal a list is a table if its columns fit; otherwise one record stands below the other, a line for each column,
so that an id can still be copied. Chinese characters count for the two cells that they take. In a pipe it is one record
a line, whole, with tabs between the columns: for `grep`, `cut` and `sort`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

Rows = Sequence[dict[str, Any]]

_BETWEEN_COLUMNS: Final = 3
"""Cells that the frame and the space around a column take."""
_NARROWEST: Final = 16
"""Cells that a column of sentences needs to be read at all."""
_UNBREAKABLE: Final = re.compile(r"[\x21-\x7e]+")


def print_list(console: Console, rows: Rows, *, as_json: bool, title: str, columns: Sequence[str]) -> None:
    """Show `columns` of the rows in the way that suits where `console` leads, or all of them as a JSON array."""
    if as_json:
        console.print_json(json.dumps(list(rows), ensure_ascii=False, default=str))
    elif not console.is_terminal:
        for line in (columns, *_cells(rows, columns)):
            text = "\t".join(" ".join(cell.split()) for cell in line)
            console.file.write(f"{text}\n")  # rich would turn tabs into spaces
        console.file.flush()  # here, so that a full disk is told as with any other output
    else:
        fits = sum(_least_width(rows, column) + _BETWEEN_COLUMNS for column in columns) < console.width
        console.print(_table(rows, title, columns) if fits else _records(rows, title, columns))


def _table(rows: Rows, title: str, columns: Sequence[str]) -> RenderableType:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, min_width=_least_width(rows, column), overflow="fold")
    for cells in _cells(rows, columns):
        table.add_row(*map(Text, cells))
    return table


def _records(rows: Rows, title: str, columns: Sequence[str]) -> RenderableType:
    table = Table(title=title, show_header=False, show_lines=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for cells in _cells(rows, columns):
        for column, cell in zip(columns, cells, strict=True):
            table.add_row(column, Text(cell), end_section=column == columns[-1])
    return table


def _cells(rows: Rows, columns: Sequence[str]) -> list[list[str]]:
    return [[_cell(row.get(column)) for column in columns] for row in rows]


def _least_width(rows: Rows, column: str) -> int:
    """What the column needs so that nothing in it is torn: ids, moments, keys; sentences may wrap."""
    cells = [_cell(row.get(column)) for row in rows]
    pieces = [len(piece) for cell in cells for piece in _UNBREAKABLE.findall(cell)]
    sentences = [min(cell_len(cell), _NARROWEST) for cell in cells]
    return max([cell_len(column), *pieces, *sentences])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
