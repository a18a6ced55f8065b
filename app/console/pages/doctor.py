"""诊断: whether everything is set up, and if not, what to do and which page of WeCom's console to open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from starlette.responses import Response

from app import addresses
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Words

router = page_router(addresses.CONSOLE_DOCTOR)

DoctorVisit = Annotated[Visit, visits(addresses.CONSOLE_DOCTOR)]

Examination = Callable[[], Awaitable[Sequence[Any]]]
"""What the application gives to its pages: the checks stand above them (`app.doctor.for_pages`)."""

STATES: Final[Mapping[str, tuple[Words, str]]] = {
    "ok": (Words("通过", "passed"), "good"),
    "warning": (Words("提醒", "warning"), "warn"),
    "failed": (Words("不通过", "failed"), "bad"),
    "skipped": (Words("没有检查", "not examined"), "plain"),
}
WORST_FIRST: Final = ("failed", "warning", "skipped", "ok")


@router.get("")
async def doctor(visit: DoctorVisit) -> Response:
    return visit.draw("console/doctor.html", found=None, states=STATES)


@router.get("/examination")
async def examination(visit: DoctorVisit) -> Response:
    """Looks at everything now. It changes nothing."""
    examine: Examination = visit.request.app.state.examine
    found = sorted(await examine(), key=lambda one: WORST_FIRST.index(one.state))
    return visit.draw("console/doctor.html", found=found, states=STATES)
