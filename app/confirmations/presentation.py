"""Acts that need two people, as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.confirmations import service
from app.confirmations.schemas import AskedOut, ConfirmationOut, ConfirmationSummary
from app.confirmations.service import Asked
from app.org import queries as org
from models.confirmations import Confirmation

_SAME = frozenset(
    {
        "id",
        "act",
        "state",
        "asked_with",
        "reason",
        "fields",
        "asked_at",
        "expires_at",
        "answered_at",
        "comment",
        "via",
        "result",
    }
)
"""Columns that are called alike on the wire."""


async def summaries(session: AsyncSession, rows: Sequence[Confirmation]) -> list[ConfirmationSummary]:
    return [ConfirmationSummary(**said) for said in await _said(session, rows)]


async def confirmation(session: AsyncSession, row: Confirmation) -> ConfirmationOut:
    return ConfirmationOut(**await _whole(session, row))


async def asked(session: AsyncSession, found: Asked) -> AskedOut:
    return AskedOut(**await _whole(session, found.row), key=found.secret or None)


async def _whole(session: AsyncSession, row: Confirmation) -> dict[str, Any]:
    (said,) = await _said(session, [row])
    userids = await org.userids_of(session, row.asked_people)
    return said | {
        "payload": {name: value for name, value in row.payload.items() if name != "key_hash"},
        "digest": row.payload_digest.hex(),
        "asked": sorted(userids.values()),
    }


async def _said(session: AsyncSession, rows: Sequence[Confirmation]) -> list[dict[str, Any]]:
    people = {person for row in rows for person in (row.asked_by, row.answered_by) if person is not None}
    userids = await org.userids_of(session, people)
    return [
        {
            "title": service.handler_of(session, row.act).title.chinese,
            "asked_by": userids.get(row.asked_by),
            "answered_by": userids.get(row.answered_by) if row.answered_by is not None else None,
            **row.model_dump(include=set(_SAME)),
        }
        for row in rows
    ]
