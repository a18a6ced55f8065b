"""API keys as REST shows them: never the key itself but in the answer to its creation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.schemas import ApiKeyList, ApiKeyOut, KeyRequestOut, NewApiKey, UsageList, UsageOut
from app.access.service import Usage
from app.org import queries as org
from models.access import ApiKey
from models.api_requests import ApiRequest


def keys(rows: Sequence[ApiKey]) -> ApiKeyList:
    return ApiKeyList(items=[key(row) for row in rows])


def key(row: ApiKey) -> ApiKeyOut:
    return ApiKeyOut.model_validate(row, from_attributes=True)


def new_key(row: ApiKey, secret: str) -> NewApiKey:
    return NewApiKey(key=secret, **key(row).model_dump())


def usage(rows: Sequence[Usage]) -> UsageList:
    return UsageList(items=[UsageOut(**row._asdict()) for row in rows])


async def requests(session: AsyncSession, rows: Sequence[ApiRequest]) -> list[KeyRequestOut]:
    userids = await org.userids_of(session, {row.person_id for row in rows if row.person_id is not None})
    return [
        KeyRequestOut(
            person=userids.get(row.person_id) if row.person_id is not None else None,
            **row.model_dump(include=set(_SAME)),
        )
        for row in rows
    ]


_SAME = frozenset({"at", "method", "route", "status", "correlation_id", "milliseconds"})
"""Columns that are called alike on the wire."""
