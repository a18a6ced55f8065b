"""What keys were used for, for lists (F193)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Select, cast, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.access import ApiKey
from models.api_requests import ApiRequest

FAILED_FROM = 400
"""HTTP's statuses of refusals and errors."""


async def key_names(session: AsyncSession, key_ids: Collection[UUID]) -> dict[UUID, str]:
    """Of ended keys too."""
    statement = select(col(ApiKey.id), col(ApiKey.name)).where(col(ApiKey.id).in_(key_ids))
    return {row[0]: row[1] for row in await session.execute(statement)}


async def makers_of_key(session: AsyncSession, key_id: UUID) -> list[str]:
    """Who has made the key, and so was told its secret, as an actor. Nobody for a key that there is not."""
    made = await session.scalars(select(col(ApiKey.created_by)).where(col(ApiKey.id) == key_id))
    # The bootstrap key is the operator's: no actor of the trail has made it.
    return [str(one) for one in made if ":" in str(one)]


class Usage(NamedTuple):
    """What a key did on one day through one route."""

    day: date
    method: str
    route: str
    requests: int
    failures: int


async def usage(session: AsyncSession, *, key_id: UUID, since: datetime, zone: ZoneInfo) -> Sequence[Usage]:
    """Per day of the company and route, the latest day first."""
    day = cast(func.timezone(zone.key, col(ApiRequest.at)), Date).label("day")
    failures = func.count().filter(col(ApiRequest.status) >= FAILED_FROM)
    statement = (
        select(day, col(ApiRequest.method), col(ApiRequest.route), func.count(), failures)
        .where(col(ApiRequest.api_key_id) == key_id, col(ApiRequest.at) >= since)
        .group_by(day, col(ApiRequest.method), col(ApiRequest.route))
        .order_by(day.desc(), col(ApiRequest.route), col(ApiRequest.method))
    )
    return [Usage(*row) for row in await session.execute(statement)]


def requests(*, key_id: UUID, failed: bool | None) -> Select[ApiRequest]:
    """The requests of a key; the caller orders and pages."""
    statement: Select[Any] = select(ApiRequest).where(col(ApiRequest.api_key_id) == key_id)
    if failed is None:
        return statement
    status = col(ApiRequest.status)
    return statement.where(status >= FAILED_FROM if failed else status < FAILED_FROM)


async def prune(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(ApiRequest).where(col(ApiRequest.at) < before))
