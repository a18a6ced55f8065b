"""审批流程引擎 on people's phones: the pages of a self-built app's forms, opened by JS-SDK."""

from typing import Any, Literal, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from sandbox import open_approval as engine
from sandbox.control.wiring import Body, StateDep
from sandbox.open_approval import FIXED, TAG, OpenTemplate
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox/open-approvals", tags=["approvals"])


class NodeSpec(Body):
    """`attr` 1 any one, 2 all; `type` 1 `userids`, 2 `tag`, 3 the applicant's superior, who needs neither."""

    attr: Literal[1, 2] = 1
    type: Literal[1, 2, 3] = 1
    userids: list[str] | None = None
    tag: int | None = None

    @model_validator(mode="after")
    def names_somebody(self) -> Self:
        if (self.type == FIXED and not self.userids) or (self.type == TAG and self.tag is None):
            raise ValueError("type 1 wants userids, type 2 a tag")
        return self


class NewOpenTemplate(Body):
    """Made in the console."""

    template_id: str
    name: str
    nodes: list[NodeSpec]
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
    nodes = [node.model_dump(exclude_none=True) for node in body.nodes]
    template = OpenTemplate(body.template_id, body.name, agent_id, nodes, body.notify)
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
