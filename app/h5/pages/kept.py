"""我的数据: everything that is kept about me (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from starlette.responses import Response

from app.access import service as access
from app.h5.told import Told, names_in
from app.kept_data import Kept
from app.pages.messages import CLASSES
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Words
from app.policy import service as policies
from app.today import service as today

router = page_router("/me/data")

DataVisit = Annotated[Visit, visits("/me/data")]


@router.get("")
async def kept(visit: DataVisit) -> Response:
    kinds = await today.kept_about(visit.session, visit.viewer.person.id)
    document = (await policies.in_force(visit.session, now=visit.now)).document
    titles = {
        "message_class": CLASSES
        | {name: Words(rule.title, rule.title) for name, rule in document.announcements.classes.items()},
        "bundle": {name: Words(rule.title, rule.english) for name, rule in access.bundles_of(document).items()},
    }
    told = Told(visit.reader, await names_in(visit.session, kinds), titles)
    return visit.draw("me/data.html", kinds=kinds, columns=_columns(kinds, visit), cells=told.cells)


def _columns(kinds: Sequence[Kept], visit: Visit) -> dict[str, list[str]]:
    """By kind: what stands above each column, in the reader's language."""
    return {
        kind.name: [
            str((field.description if visit.reader.reads_english else field.title) or name)
            for name, field in kind.columns.for_people().items()
        ]
        for kind in kinds
    }
