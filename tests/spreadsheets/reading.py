"""Spreadsheets as a program reads them, for tests."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring

_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
EXCEL_BEGINS = datetime(1899, 12, 30)  # noqa: DTZ001 -- Excel knows no zones


def csv_rows(content: bytes) -> list[list[str]]:
    assert content.startswith("\ufeff".encode())
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


def xlsx_tables(content: bytes) -> list[list[list[str | float | None]]]:
    """Every table: texts are `str`, numbers and moments `float`. A formula fails."""
    with ZipFile(BytesIO(content)) as packed:
        shared = _shared(packed)
        names = sorted(name for name in packed.namelist() if name.startswith("xl/worksheets/sheet"))
        return [_rows(packed.read(name), shared) for name in names]


def moment_of(value: str | float | None) -> datetime:
    assert isinstance(value, float)
    return EXCEL_BEGINS + timedelta(seconds=round(value * 86_400))


def _shared(packed: ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in packed.namelist():
        return []
    return ["".join(one.itertext()) for one in fromstring(packed.read("xl/sharedStrings.xml"))]


def _rows(content: bytes, shared: list[str]) -> list[list[str | float | None]]:
    root = fromstring(content)
    assert root.find(f".//{_NAMESPACE}f") is None, "a cell holds a formula"
    return [[_cell(cell, shared) for cell in row] for row in root.iter(f"{_NAMESPACE}row")]


def _cell(cell: Any, shared: list[str]) -> str | float | None:
    if cell.get("t") == "inlineStr":
        return "".join(cell.itertext())
    value = cell.find(f"{_NAMESPACE}v")
    if value is None:
        return None
    return shared[int(value.text)] if cell.get("t") == "s" else float(value.text)
