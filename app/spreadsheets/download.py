"""A list as the answer to a request: written to a temporary file first, so that an error is an error and no torn file,
and a slow reader keeps no transaction open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from tempfile import TemporaryFile
from typing import IO, Any, Final
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.spreadsheets.columns import Row, Sheet
from app.spreadsheets.csv_lines import csv_lines
from app.spreadsheets.workbook import write_xlsx


class SheetFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    SheetFormat.CSV: "text/csv; charset=utf-8",
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file, named after the list",
        "content": {
            media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media_type in MEDIA_TYPES.values()
        },
    }
}
"""`responses=` of an endpoint that answers with a file."""

_CHUNK: Final = 64 * 1024
_LONGEST_NAME: Final = 80
_NOT_IN_NAMES: Final = str.maketrans(dict.fromkeys('\\/:*?"<>|', " "))


class Download(StreamingResponse):
    """A file that is gone when it has been read, or when nobody reads on."""

    def __init__(self, file: IO[bytes], ending: SheetFormat, *, name: str) -> None:
        self._file = file
        size = file.seek(0, 2)
        file.seek(0)
        headers = {
            "content-disposition": disposition(name, ending),
            "content-length": str(size),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        super().__init__(_chunks(file), headers=headers, media_type=MEDIA_TYPES[ending])

    def discard(self) -> None:
        """Nobody gets it after all."""
        self._file.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _CHUNK):
        yield chunk


async def download(sheet: Sheet[Row], portions: AsyncIterator[Sequence[Row]], *, ending: SheetFormat) -> Download:
    """The list as a file. `portions` is read to its end before this returns."""
    file = TemporaryFile()  # noqa: SIM115 -- the answer closes it
    try:
        if ending is SheetFormat.XLSX:
            await write_xlsx(sheet, portions, file)
        else:
            async for lines in csv_lines(sheet, portions):
                file.write(lines)
        return Download(file, ending, name=sheet.name)
    except BaseException:
        file.close()
        raise


def disposition(name: str, ending: SheetFormat) -> str:
    """`Content-Disposition` for a name in Chinese (RFC 6266). What no file name takes is a space."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name.translate(_NOT_IN_NAMES))
    plain = " ".join(printable.split())[:_LONGEST_NAME].strip(" .") or "list"
    return f"attachment; filename=\"list.{ending.value}\"; filename*=UTF-8''{quote(f'{plain}.{ending.value}', safe='')}"
