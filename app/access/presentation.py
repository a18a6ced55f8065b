"""API keys as REST shows them: never the key itself but in the answer to its creation."""

from __future__ import annotations

from collections.abc import Sequence

from app.access.schemas import ApiKeyList, ApiKeyOut, NewApiKey
from models.access import ApiKey


def keys(rows: Sequence[ApiKey]) -> ApiKeyList:
    return ApiKeyList(items=[key(row) for row in rows])


def key(row: ApiKey) -> ApiKeyOut:
    return ApiKeyOut.model_validate(row, from_attributes=True)


def new_key(row: ApiKey, secret: str) -> NewApiKey:
    return NewApiKey(key=secret, **key(row).model_dump())
