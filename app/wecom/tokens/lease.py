"""The row of an access token that all processes share: what is stored, and whose turn it is to fetch (F110).

Every function is one short step inside a transaction of the caller's; nothing here calls the platform (D5).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from models.ids import AppId
from models.installation import AccessToken, PlatformState

LEASE = timedelta(seconds=10)
"""After it the process that fetches counts as dead and another may fetch. Fetching itself gives up before."""


async def stored(session: AsyncSession, *, corp_id: str, app_id: AppId) -> AccessToken | None:
    return await session.get(AccessToken, (corp_id, app_id), populate_existing=True)


async def take_lease(
    session: AsyncSession, *, corp_id: str, app_id: AppId, generation: int, holder: str, now: datetime
) -> bool:
    """True for the one process that shall fetch the token after `generation`.

    A lease of our own is taken again at once: within a process only one fetches, so its fetch was cancelled.
    """
    await session.execute(
        insert(AccessToken).values(corp_id=corp_id, app_id=app_id, generation=0).on_conflict_do_nothing()
    )
    taken = await session.execute(
        update(AccessToken)
        .where(
            col(AccessToken.corp_id) == corp_id,
            col(AccessToken.app_id) == app_id,
            col(AccessToken.generation) == generation,
            or_(
                col(AccessToken.refreshing_until).is_(None),
                col(AccessToken.refreshing_until) <= now,
                col(AccessToken.refreshing_by) == holder,
            ),
        )
        .values(refreshing_by=holder, refreshing_until=now + LEASE)
        .returning(col(AccessToken.generation))
    )
    return taken.scalar_one_or_none() is not None


async def store(
    session: AsyncSession,
    *,
    corp_id: str,
    app_id: AppId,
    holder: str,
    token: bytes,
    expires_at: datetime,
    now: datetime,
) -> int | None:
    """The new generation; None when the lease went to somebody else meanwhile."""
    kept = await session.execute(
        update(AccessToken)
        .where(
            col(AccessToken.corp_id) == corp_id,
            col(AccessToken.app_id) == app_id,
            col(AccessToken.refreshing_by) == holder,
        )
        .values(
            token=token,
            generation=col(AccessToken.generation) + 1,
            expires_at=expires_at,
            fetched_at=now,
            refreshing_by=None,
            refreshing_until=None,
        )
        .returning(col(AccessToken.generation))
    )
    return kept.scalar_one_or_none()


async def release_lease(session: AsyncSession, *, corp_id: str, app_id: AppId, holder: str) -> None:
    await session.execute(
        update(AccessToken)
        .where(
            col(AccessToken.corp_id) == corp_id,
            col(AccessToken.app_id) == app_id,
            col(AccessToken.refreshing_by) == holder,
        )
        .values(refreshing_by=None, refreshing_until=None)
    )


async def remembered(session: AsyncSession, *, key: str) -> PlatformState | None:
    statement = select(PlatformState).where(col(PlatformState.key) == key).execution_options(populate_existing=True)
    found = await session.execute(statement)
    return found.scalar_one_or_none()
