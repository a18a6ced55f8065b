"""审批流程引擎 on people's phones: the pages of a self-built app's forms, opened by JS-SDK."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from sandbox import open_approval as engine
from sandbox.control.wiring import Body, StateDep
from sandbox.open_approval import OpenTemplate
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox/open-approvals", tags=["approvals"])


class NewOpenTemplate(Body):
    """Made in the console. A node has `attr` 1 any one, 2 all, and `type` 1 `userids`, 2 `tag`, 3 superior."""

    template_id: str
    name: str
    nodes: list[dict[str, Any]]
    notify: list[str] = Field(default_factory=list)
    agent_id: int | None = None


class NewDocument(Body):
    userid: str
    template_id: str
    third_no: str
    fields: list[dict[str, Any]] = Field(default_factory=list)


class OpenAct(Body):
    userid: str
    act: Literal["agree", "reject", "forward", "withdraw"]
    text: str = ""
    to: str | None = None


@router.put("/templates")
async def make_template(state: StateDep, body: NewOpenTemplate) -> None:
    agent_id = body.agent_id or state.config.agent_id
    template = OpenTemplate(body.template_id, body.name, agent_id, body.nodes, body.notify)
    state.open_templates[template.id] = template


@router.get("/templates")
async def templates(state: StateDep) -> list[dict[str, Any]]:
    found = state.open_templates.values()
    return [
        {"template_id": t.id, "name": t.name, "agent_id": t.agent_id, "nodes": t.nodes, "notify": t.notify}
        for t in found
    ]


@router.get("")
async def documents(state: StateDep) -> list[dict[str, Any]]:
    return [_view(state, document) for document in state.open_documents.values()]


@router.post("")
async def start(state: StateDep, body: NewDocument) -> dict[str, Any]:
    """`thirdPartyOpenPage` with oaType 10001, confirmed by the person."""
    person = state.company.person(body.userid)
    return _view(state, engine.start(state, person, body.template_id, body.third_no, body.fields))


@router.get("/{third_no}")
async def document(state: StateDep, third_no: str) -> dict[str, Any]:
    """`thirdPartyOpenPage` with oaType 10002."""
    return _view(state, engine.require_document(state, third_no))


@router.post("/{third_no}/act")
async def act(state: StateDep, third_no: str, body: OpenAct) -> dict[str, Any]:
    found, person = engine.require_document(state, third_no), state.company.person(body.userid)
    if body.act == "withdraw":
        engine.withdraw(state, found, person)
    elif body.act == "forward":
        if body.to is None:
            raise NotPossible("forward wants a userid in `to`")
        engine.forward(state, found, person, state.company.person(body.to), body.text)
    else:
        engine.decide(state, found, person, agrees=body.act == "agree", speech=body.text)
    return _view(state, found)


def _view(state: SandboxState, document: engine.OpenDocument) -> dict[str, Any]:
    waiting = [item.who.userid(state.company) for item in engine.active(document)]
    return engine.document_json(state, document) | {"fields": document.fields, "active": waiting}
