"""接口一览: every endpoint, how faithful it is, and how often it was called."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.api.call import Fidelity
from sandbox.api.gateway import ENDPOINTS
from sandbox.control.wiring import StateDep
from sandbox.pages.drawing import draw

router = APIRouter(prefix="/endpoints", include_in_schema=False)

LABELS = {
    Fidelity.EXACT: ("与文档一致", "good"),
    Fidelity.SIMPLIFIED: ("有简化", "warn"),
    Fidelity.ANSWERS_ONLY: ("仅有应答", "grey"),
    None: ("未说明", "bad"),
}


@router.get("")
async def endpoints(request: Request, state: StateDep) -> Response:
    """Grouped by the first part of their names, as the documentation groups them."""
    groups: dict[str, list[dict[str, object]]] = {}
    for name, endpoint in sorted(ENDPOINTS.items()):
        label, colour = LABELS[endpoint.fidelity]
        row = {
            "name": name,
            "endpoint": endpoint,
            "label": label,
            "colour": colour,
            "calls": state.called[name],
            "page": endpoint.source.split(",")[0].strip(),
        }
        groups.setdefault(name.split("/")[0] if "/" in name else "base", []).append(row)
    counts = {label: sum(LABELS[e.fidelity][0] == label for e in ENDPOINTS.values()) for label, _c in LABELS.values()}
    context = {"section": "endpoints", "groups": groups, "counts": counts, "total": len(ENDPOINTS), "labels": LABELS}
    return draw(request, state, "endpoints.html", context)
