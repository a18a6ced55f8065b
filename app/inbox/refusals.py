"""Callers that were turned away: kept in bounded numbers, shown with an explanation (F2). Whether an address works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.inbox.messages import callbacks_never_verified
from app.wecom.health import note_state
from models.installation import PlatformState

KEEP: Final = 100
"""Of each channel and reason, the latest: a flood of strangers drives out nothing but itself."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The same caller turned away for the same reason, `times` times."""

    channel: str
    reason: str
    disagrees: str
    caller: str
    times: int
    first_at: datetime
    last_at: datetime
    correlation_id: str
    is_own: bool = False
    """Our own doctor asked: that says nothing about the platform's settings."""


# Inserted in the order of the key: two servers that note the same callers never wait for each other in a circle.
_NOTE: Final = text("""
INSERT INTO callback_refusals (channel, reason, disagrees, caller, times, first_at, last_at, correlation_id)
SELECT channel, reason, disagrees, caller, times, first_at, last_at, correlation_id
FROM unnest(
    CAST(:channel AS text[]), CAST(:reason AS text[]), CAST(:disagrees AS text[]), CAST(:caller AS text[]),
    CAST(:times AS bigint[]), CAST(:first_at AS timestamptz[]), CAST(:last_at AS timestamptz[]),
    CAST(:correlation_id AS text[])
) AS given (channel, reason, disagrees, caller, times, first_at, last_at, correlation_id)
ORDER BY channel, reason, disagrees, caller
ON CONFLICT (channel, reason, disagrees, caller) DO UPDATE SET
    times = callback_refusals.times + excluded.times,
    last_at = greatest(callback_refusals.last_at, excluded.last_at),
    correlation_id = excluded.correlation_id
""")

_TRIM: Final = text("""
DELETE FROM callback_refusals WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY channel, reason ORDER BY last_at DESC, id DESC) AS position
        FROM callback_refusals WHERE channel = ANY(CAST(:channels AS text[]))
    ) AS ranked WHERE position > :keep ORDER BY id
)
""")

_FIELDS: Final = ("channel", "reason", "disagrees", "caller", "times", "first_at", "last_at", "correlation_id")


async def note(session: AsyncSession, attempts: Sequence[Attempts]) -> None:
    """Add to what is known of these callers, and keep the latest. The attempts must differ in their keys."""
    await session.execute(_NOTE, {name: [getattr(each, name) for each in attempts] for name in _FIELDS})
    await session.execute(_TRIM, {"channels": sorted({each.channel for each in attempts}), "keep": KEEP})


def merged(attempts: Sequence[Attempts]) -> list[Attempts]:
    """One for each key."""
    found: dict[tuple[str, str, str, str], Attempts] = {}
    for each in attempts:
        key = (each.channel, each.reason, each.disagrees, each.caller)
        known = found.get(key)
        first_at = known.first_at if known else each.first_at
        found[key] = replace(each, times=each.times + (known.times if known else 0), first_at=first_at)
    return list(found.values())


async def note_address(
    session: AsyncSession,
    *,
    channel: str,
    verified_at: datetime | None,
    refused_at: datetime | None,
    problem: str,
    now: datetime,
) -> None:
    """How a callback address is doing, for `/readyz`: never verified, refused although it was the platform, or well.

    What another process has seen stays, unless this one knows something newer.
    """
    key = f"callbacks:{channel}"
    known = await session.get(PlatformState, key, with_for_update={"key_share": True}, populate_existing=True)
    if known is not None and verified_at is None and refused_at is None:
        return
    told = {"last_verified_at": verified_at, "last_refused_at": refused_at}
    facts: dict[str, object] = dict((known.facts if known else None) or {})
    facts |= {name: at.isoformat() for name, at in told.items() if at is not None}
    is_well = not problem and "last_verified_at" in facts
    detail = "" if is_well else problem or callbacks_never_verified()
    await note_state(session, key=key, healthy=is_well, detail=detail, facts=facts, now=now)
