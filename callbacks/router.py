"""The platform's door: `GET` checks the address, `POST` brings an event."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from callbacks.envelope import MAX_BODY
from callbacks.errors import Reason, Refused
from callbacks.intake import Answer, Intake
from models.ids import AppId

ChannelName = Literal["app", "contacts"]

# Not part of the REST interface: the platform is the only caller.
router = APIRouter(prefix="/callbacks", include_in_schema=False)


@router.get("/{channel}")
@router.get("/{channel}/")
async def verify_address(channel: ChannelName, request: Request) -> Response:
    return _response(_intake(request).verify_address(AppId(channel), request.scope["query_string"]))


@router.post("/{channel}")
@router.post("/{channel}/")
async def receive(channel: ChannelName, request: Request) -> Response:
    intake, app_id = _intake(request), AppId(channel)
    try:
        body = await _read_body(request)
    except Refused as refusal:
        return _response(intake.refuse(app_id, refusal))
    return _response(await intake.receive(app_id, request.scope["query_string"], body))


async def _read_body(request: Request) -> bytes:
    """Never more than the cap in memory, whatever Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(Reason.TOO_LARGE)
    return bytes(body)


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.media_type)


def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.services.intake
    return intake
