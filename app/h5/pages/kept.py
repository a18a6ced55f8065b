"""我的数据: everything that is kept about me (F198)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final

from starlette.responses import Response

from app.access import service as access
from app.kept_data import Kept, KeptRow
from app.pages.drawing.words import FIELDS, words_of
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Words
from app.policy import service as policies
from app.today import service as today

router = page_router("/me/data")

DataVisit = Annotated[Visit, visits("/me/data")]


NOTHING: Final = Words("—", "—")
"""A state that says that there is nothing to say."""


@router.get("")
async def kept(visit: DataVisit) -> Response:
    kinds = await today.kept_about(visit.session, visit.viewer.person.id)
    document = (await policies.in_force(visit.session, now=visit.now)).document
    titles = {
        "message_class": {name: Words(rule.title, rule.title) for name, rule in document.announcements.classes.items()},
        "bundle": {name: Words(rule.title, rule.english) for name, rule in access.bundles_of(document).items()},
    }
    cells = partial(_cells, visit, {**FIELDS, **titles})
    return visit.draw("me/data.html", kinds=kinds, columns=_columns(kinds, visit), cells=cells)


def _columns(kinds: Sequence[Kept], visit: Visit) -> dict[str, list[str]]:
    """By kind: what stands above each column, in the reader's language."""
    return {
        kind.name: [
            str((field.description if visit.reader.reads_english else field.title) or name)
            for name, field in kind.columns.model_fields.items()
        ]
        for kind in kinds
    }


def _cells(visit: Visit, fields: Mapping[str, Mapping[str, Words]], row: KeptRow) -> list[Any]:
    return [_cell(value, fields.get(name, {}), visit) for name, value in dict(row).items()]


def _cell(value: Any, known: Mapping[str, Words], visit: Visit) -> Any:
    words = known.get(value) if isinstance(value, str) else None
    if words is None and isinstance(value, StrEnum):
        words = words_of(value) or NOTHING
    if words is not None:
        return words.english if visit.reader.reads_english else words.chinese
    if isinstance(value, datetime):
        return visit.reader.shown(value)
    if isinstance(value, bool):
        return ("yes" if value else "no") if visit.reader.reads_english else ("是" if value else "否")
    if isinstance(value, list | tuple):
        return (", " if visit.reader.reads_english else "、").join(map(str, value)) or NOTHING.chinese
    return "—" if value is None or value == "" else value
