"""The limits as they stand, and what operators change in them.

Our number, our share, a time without it, a block that was lifted by hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.limits import breaker, numbers
from app.limits.catalogue import COUNTERS, LIMITS, Kept
from app.limits.report import Use, report
from app.quota.errors import BadShare, NoSuchLimit, NotBlocked
from app.quota.jobs import LIMIT_CHANGED, LimitChanged

__all__ = ["LARGEST", "LIMIT_CHANGED", "LimitChanged", "change_limit", "read_limit", "report", "unblock_path"]

LARGEST = 10**9
"""The most that a limit can be set to."""
KNOWN_EVERYWHERE_AFTER = timedelta(seconds=2)
"""Processes believe for a second what they have read of blocks and of used-up limits: who asks before is held again."""


async def change_limit(
    session: AsyncSession, *, key: str, changes: dict[str, Any], actor: Actor, now: datetime
) -> None:
    """`changes`: any of `most`, `share`, `lifted_until`; None goes back to the table. All processes keep it at once."""
    limit = LIMITS.get(key)
    if limit is None or COUNTERS[limit.counter].kept is Kept.NO:
        raise _no_such_limit(key)
    share = changes.get("share")
    if share is not None and not 0 < share <= 1:
        raise BadShare(f"份额 {share} 不合法", f"The share {share} is not above 0 and at most 1")
    if not changes:
        return
    await numbers.change(session, key, now=now, **changes)
    await LIMIT_CHANGED.enqueue(session, LimitChanged(key=key), run_after=KNOWN_EVERYWHERE_AFTER)
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()}
    await publish(session, catalogue.LimitChanged(limit=key), Why(actor), now=now, details=told)


async def read_limit(session: AsyncSession, *, key: str, now: datetime) -> Use:
    """One limit of the report. Raises `NoSuchLimit`."""
    found = await report(session, now=now)
    for use in found.limits:
        if use.limit.key == key:
            return use
    raise _no_such_limit(key)


def _no_such_limit(key: str) -> NoSuchLimit:
    known = ", ".join(key for key, limit in LIMITS.items() if COUNTERS[limit.counter].kept is not Kept.NO)
    return NoSuchLimit(f"没有限额 {key}；可选：{known}", f"There is no limit {key}; there are {known}")


async def unblock_path(session: AsyncSession, *, path: str, actor: Actor, now: datetime) -> None:
    """The block was lifted on the platform (频率自助解封): calls go again, everywhere within a second."""
    if not await breaker.unblock(session, path=path):
        raise NotBlocked(f"接口 {path} 没有被暂停", f"The path {path} is not blocked")
    await LIMIT_CHANGED.enqueue(session, LimitChanged(path=path), run_after=KNOWN_EVERYWHERE_AFTER)
    await publish(session, catalogue.LimitUnblocked(path=path), Why(actor), now=now)
