"""The numbers in force: the table's, with what operators changed and what we counted for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.limits.catalogue import COUNTERS, LIMITS, Counter, Kept, Limit
from models.limits import LimitSetting
from models.org import Person, PersonStatus


@dataclass(frozen=True, slots=True)
class Number:
    """What one limit is now. `most` is the platform's number, `allowed` our share of it."""

    limit: Limit
    most: int
    share: float
    lifted_until: datetime | None
    counted_at: datetime | None = None
    """It grows with the members we know, counted then; nobody has set it."""

    @property
    def allowed(self) -> int:
        return int(self.most * self.share)

    def is_lifted(self, now: datetime) -> bool:
        return self.lifted_until is not None and now < self.lifted_until


async def in_force(session: AsyncSession, counters: Iterable[Counter]) -> dict[str, Number]:
    """By limit key. One small statement; a change holds for every process from its commit on."""
    settings = {row.key: row for row in await session.scalars(select(LimitSetting))}
    limits = [limit for counter in counters for limit in counter.limits]
    uncounted = [limit for limit in limits if _accounts_missing(limit, settings.get(limit.key))]
    accounts = await count_accounts(session) if uncounted else 0
    return {limit.key: _number(limit, settings.get(limit.key), accounts) for limit in limits}


def _accounts_missing(limit: Limit, setting: LimitSetting | None) -> bool:
    if not COUNTERS[limit.counter].grows_with_accounts:
        return False
    return setting is None or (setting.most is None and setting.accounts is None)


def _number(limit: Limit, setting: LimitSetting | None, accounts: int) -> Number:
    counter = COUNTERS[limit.counter]
    if setting is None:
        return Number(limit, limit.most * (max(accounts, 1) if counter.grows_with_accounts else 1), counter.share, None)
    share = counter.share if setting.share is None else setting.share
    if setting.most is not None or not counter.grows_with_accounts:
        most = limit.most if setting.most is None else setting.most
        return Number(limit, most, share, setting.lifted_until)
    known, counted_at = (accounts, None) if setting.accounts is None else (setting.accounts, setting.updated_at)
    return Number(limit, limit.most * max(known, 1), share, setting.lifted_until, counted_at)


async def count_accounts(session: AsyncSession) -> int:
    """Members we know. The platform goes by the corp's account limit, which no API tells and which is not lower."""
    statement = select(func.count()).select_from(Person).where(col(Person.status) != PersonStatus.LEFT)
    return (await session.scalars(statement)).one()


async def remember_accounts(session: AsyncSession, *, now: datetime) -> int:
    """Count the members anew for every limit that grows with them."""
    accounts = await count_accounts(session)
    for limit in LIMITS.values():
        counter = COUNTERS[limit.counter]
        if counter.grows_with_accounts and counter.kept is not Kept.NO:
            await _put(session, limit.key, now=now, accounts=accounts)
    return accounts


async def change(session: AsyncSession, key: str, *, now: datetime, **values: object) -> None:
    """Store what an operator decided: `most`, `share`, `lifted_until`; None takes it back."""
    await _put(session, key, now=now, **values)


async def _put(session: AsyncSession, key: str, *, now: datetime, **values: object) -> None:
    row = insert(LimitSetting).values(key=key, updated_at=now, **values)
    await session.execute(
        row.on_conflict_do_update(index_elements=["key"], set_=values | {"updated_at": now}),
    )
