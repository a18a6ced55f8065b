"""今日: what waits for me, one list, one tap each (F168)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final
from uuid import UUID

from starlette.responses import Response

from app import addresses
from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Words
from app.today import service as today
from models.audit import ObjectKind

router = page_router("/me")

HomeVisit = Annotated[Visit, visits("/me")]

ASKED: Final[Mapping[str, Words]] = {
    "request.decide": Words("请您审批", "Please decide"),
    "request.answer": Words("请您答复", "Please answer"),
    "request.object": Words("与您有关，可以提出异议", "About you: you may object"),
    "announcement.confirm": Words("请您确认", "Please confirm"),
    "confirmation.confirm": Words("请您作为第二人确认", "Please confirm as the second person"),
    "task.accept": Words("请您接受", "Please accept"),
    "task.do": Words("请您完成", "Please do"),
}
OTHERWISE: Final = Words("请您处理", "Please look at it")

PLACES: Final[Mapping[ObjectKind, Callable[[UUID], str]]] = {
    ObjectKind.REQUEST: addresses.me_request,
    ObjectKind.ANNOUNCEMENT: addresses.me_announcement,
    ObjectKind.TASK: addresses.me_task,
    ObjectKind.CONFIRMATION: addresses.me_confirmation,
}

TOLD_BY_US: Final = frozenset({ObjectKind.REQUEST, ObjectKind.CONFIRMATION})
"""The titles of the others are those that people gave them."""


@router.get("")
async def home(visit: HomeVisit, cursor: CursorDep) -> Response:
    waiting = await today.waiting_for(visit.session, visit.viewer.person.id, page=page_at(cursor), now=visit.now)
    return visit.draw(
        "me/home.html",
        done=await said_to(visit),
        waiting=waiting,
        asked=ASKED,
        otherwise=OTHERWISE,
        places=PLACES,
        told_by_us=TOLD_BY_US,
    )
