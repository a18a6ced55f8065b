"""Requests as REST shows them, and what the interface description says of the payload of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries
from app.approvals.kinds import PERSONAL, Chain, RequestKind, ShownFields
from app.approvals.queries import RequestHistory
from app.approvals.schemas import (
    ActOut,
    ActsOut,
    AheadOut,
    DecisionOut,
    ObjectionOut,
    PreviewOut,
    RequestOut,
    RequestSummary,
    StepAheadOut,
    StepOut,
    TimelineEntryOut,
    TimelineOut,
)
from app.approvals.service import Act, Preview, StepAhead, TimelineEntry
from app.org import queries as org
from app.policy import service as policies
from app.web.schemas import ClauseOut
from models.approvals import Request, RequestStep
from models.ids import PolicyVersionId


async def summaries(session: AsyncSession, rows: Sequence[Request]) -> list[RequestSummary]:
    userids = await org.last_userids_of(session, {row.requester_id for row in rows})
    return [RequestSummary(requester=userids.get(row.requester_id, ""), **_own_columns(row)) for row in rows]


async def request(session: AsyncSession, row: Request) -> RequestOut:
    """One request with its steps, approvers and decisions."""
    history = await queries.history(session, row)
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    return RequestOut(
        requester=history.userids.get(row.requester_id, ""),
        **_own_columns(row),
        payload=row.payload,
        fields=ShownFields.model_validate(row.shown).fields,
        submitted_by=row.submitted_by,
        correlation_id=row.correlation_id,
        rule=ClauseOut.of(policy.cite(row.rule_key)),
        steps=[
            _step(step, history, is_offer=rule.is_offer)
            for step, rule in zip(history.steps, Chain.model_validate(row.chain).steps, strict=False)
        ],
        objections=[
            ObjectionOut(
                person=history.userids.get(one.person_id, ""),
                reason=one.objection,
                via=one.via or "",
                objected_at=one.objected_at,
            )
            for one in history.objections
            if one.objected_at
        ],
    )


def _step(step: RequestStep, history: RequestHistory, *, is_offer: bool) -> StepOut:
    return StepOut(
        is_offer=is_offer,
        approvers=[history.userids.get(row.person_id, "") for row in history.approvers if row.step_id == step.id],
        decisions=[
            DecisionOut(
                person=history.userids.get(row.person_id, ""),
                **row.model_dump(include={"verdict", "comment", "via", "decided_at"}),
            )
            for row in history.decisions
            if row.step_id == step.id
        ],
        **step.model_dump(exclude={"request_id", "rule_key"}),
    )


def _own_columns(row: Request) -> dict[str, Any]:
    return row.model_dump(include=set(RequestSummary.model_fields) - {"requester"})


def timeline(entries: Sequence[TimelineEntry]) -> TimelineOut:
    return TimelineOut(
        items=[
            TimelineEntryOut(
                people=[person.userid for person in one.people],
                rule=ClauseOut.of(one.clause) if one.clause else None,
                **{name: getattr(one, name) for name in _SAME},
            )
            for one in entries
        ]
    )


_SAME = set(TimelineEntryOut.model_fields) - {"people", "rule"}
"""Members that are called alike on the wire."""


def ahead(steps: Sequence[StepAhead]) -> AheadOut:
    return AheadOut(items=[_ahead(step) for step in steps])


def preview(found: Preview) -> PreviewOut:
    return PreviewOut(
        title=found.title,
        fields=list(found.fields),
        rule=ClauseOut.of(found.clause),
        steps=[_ahead(step) for step in found.steps],
        takes_effect_at_once=found.takes_effect_at_once,
        due_at=found.due_at,
        told=[person.userid for person in found.told],
        objection_ends=found.objection_ends,
    )


def _ahead(step: StepAhead) -> StepAheadOut:
    return StepAheadOut(
        people=[person.userid for person in step.people],
        names=[person.name for person in step.people],
        rule=ClauseOut.of(step.clause),
        **{name: getattr(step, name) for name in _SAME_AHEAD},
    )


_SAME_AHEAD = set(StepAheadOut.model_fields) - {"people", "names", "rule"}


def acts(found: Sequence[Act]) -> ActsOut:
    return ActsOut(
        items=[
            ActOut(
                act=one.name,
                allowed=one.is_allowed,
                why_not=one.why_not,
                why_not_english=one.why_not_english,
                type=f"/problems/{one.reason}" if one.reason else None,
            )
            for one in found
        ]
    )


# ---------------------------------------------------------------- the interface description

PATH = "/api/v1/requests"
_REF = "#/components/schemas/"


def document_kinds(app: FastAPI, kinds: Mapping[str, RequestKind[Any, Any]]) -> None:
    """Describe the payload of `POST /requests` for every kind: its schema, and an example to begin with."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            # `plain` keeps what it returns as `app.openapi_schema`, and gives that to the next caller.
            _describe(plain(), kinds)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the description


def _describe(document: dict[str, Any], kinds: Mapping[str, RequestKind[Any, Any]]) -> None:
    schemas = document["components"]["schemas"]
    kinds = {name: kind for name, kind in kinds.items() if kind.is_applied_for}
    for kind in kinds.values():
        schema = kind.payload.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas |= schema.pop("$defs", {})
        schemas[kind.payload.__name__] = schema
    asked = schemas["NewRequest"]["properties"]
    asked["kind"]["enum"] = list(kinds)
    asked["payload"] = {
        "description": "What the kind asks for: "
        + ", ".join(f"`{kind.name}`: {kind.payload.__name__}" for kind in kinds.values()),
        "anyOf": [{"$ref": f"{_REF}{kind.payload.__name__}"} for kind in kinds.values()],
    }
    body = document["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    body["examples"] = {name: _example(kind, schemas[kind.payload.__name__]) for name, kind in kinds.items()}


def _example(kind: RequestKind[Any, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    said = {*schema.get("required", []), *(PERSONAL if kind.keeps_details else ())}
    payload = {
        name: field["examples"][0]
        for name, field in schema["properties"].items()
        if field.get("examples") and name in said
    }
    value = {"kind": kind.name, "requester": "lijun", "payload": payload, "reason": "工作需要"}
    return {"summary": (schema.get("description") or kind.name).partition("\n")[0], "value": value}
