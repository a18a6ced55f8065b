"""corp/getopenapprovaldata: a document of the app's own form, by the app's own number (doc path/90269)."""

from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.errors import PlatformError, ok
from sandbox.open_approval import document_json


def getopenapprovaldata(call: Call) -> dict[str, Any]:
    """Which code an unknown number answers is not documented; 301025 here, and 301055 for another app's."""
    app = call.require_app()
    third_no = str(call.body.get("thirdNo") or "")
    document = call.state.open_documents.get(third_no)
    if document is None:
        raise PlatformError(301025, "no such thirdNo")
    if document.template.agent_id != app.agent_id:
        raise PlatformError(301055)
    call.state.limits.charge("approval", call.endpoint)
    return ok(data=document_json(call.state, document))


ENDPOINTS = {
    "corp/getopenapprovaldata": Endpoint(
        "POST",
        getopenapprovaldata,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90269",
        note="单号不存在时的错误码未见于文档，取 301025",
        note_en="the code for an unknown number is not documented; 301025",
    ),
}
