"""A list is written to its file, counted, and put into the trail before anybody gets it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import TypeVar

from app.audit.why import Why
from app.events.service import catalogue, publish
from app.exports.taking import Taking
from app.spreadsheets.columns import Sheet
from app.spreadsheets.download import Download, SheetFormat, download

Row = TypeVar("Row")


class ListName(StrEnum):
    """Every list that can be taken. The trail names it."""

    ANNOUNCEMENTS = "announcements"
    GROUPS = "groups"
    PEOPLE = "people"
    RECEIPTS = "receipts"
    REQUESTS = "requests"
    TASKS = "tasks"


async def hand_out(
    taking: Taking,
    name: ListName,
    sheet: Sheet[Row],
    portions: AsyncIterator[Sequence[Row]],
    *,
    ending: SheetFormat,
) -> Download:
    """The list as a file. What is not in the trail is not handed out: both stand in one transaction."""
    rows = 0

    async def counted() -> AsyncIterator[Sequence[Row]]:
        nonlocal rows
        async for portion in portions:
            rows += len(portion)
            yield portion

    file = await download(sheet, counted(), ending=ending)
    try:
        taken = catalogue.ListExported(list=name.value, rows=rows)
        details = {
            "rows": rows,
            "format": ending.value,
            "address": taking.address,
            "filters": dict(taking.filters),
        }
        await publish(taking.session, taken, Why(taking.actor), now=taking.now, details=details)
    except BaseException:
        file.discard()
        raise
    return file
