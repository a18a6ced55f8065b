"""我的数据: everything that is kept about me (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from starlette.responses import Response

from app.kept_data import Kept, KeptRow
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.today import service as today

router = page_router("/me/data")

DataVisit = Annotated[Visit, visits("/me/data")]


@router.get("")
async def kept(visit: DataVisit) -> Response:
    kinds = await today.kept_about(visit.session, visit.viewer.person.id)
    return visit.draw("me/data.html", kinds=kinds, columns=_columns(kinds, visit), cells=_cells(visit))


def _columns(kinds: Sequence[Kept], visit: Visit) -> dict[str, list[str]]:
    """By kind: what stands above each column, in the reader's language."""
    return {
        kind.name: [
            str((field.description if visit.reader.reads_english else field.title) or name)
            for name, field in kind.columns.model_fields.items()
        ]
        for kind in kinds
    }


def _cells(visit: Visit) -> Any:
    def cells(row: KeptRow) -> list[Any]:
        return [_cell(value, visit) for value in dict(row).values()]

    return cells


def _cell(value: Any, visit: Visit) -> Any:
    if isinstance(value, datetime):
        return visit.reader.shown(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool):
        return ("yes" if value else "no") if visit.reader.reads_english else ("是" if value else "否")
    if isinstance(value, list | tuple):
        return "、".join(map(str, value))
    return "—" if value is None or value == "" else value
