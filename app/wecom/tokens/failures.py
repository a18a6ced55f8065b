"""What `gettoken` said last time it failed, remembered for a while and shared by all processes.

Repeated wrong secrets block our address for an hour, and frequent calls are blocked as well (doc path/91039): within
the pause everybody hears the remembered error and nobody calls. A changed secret is tried at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.wecom.errors import HttpFailure, NotReached, WaitUntil, WecomError, WecomRefused, refusal
from app.wecom.health import note_state
from app.wecom.tokens import lease as token_table
from models.ids import AppId

PAUSE = timedelta(seconds=60)
SHORT_PAUSE = timedelta(seconds=2)
"""After a failure that is likely to be over in a moment: enough for a crowd to share one attempt."""

_PATH = "gettoken"


def forget_after(now: datetime) -> datetime:
    return now + PAUSE


async def remember(session: AsyncSession, app_id: AppId, error: WecomError, *, secret: str, now: datetime) -> None:
    await note_state(
        session,
        key=_key(app_id),
        healthy=False,
        detail=str(error),
        facts={"secret": secret, "until": _pause(error, now).isoformat()} | _facts(error),
        now=now,
    )


async def remember_refusal(
    session: AsyncSession,
    app_id: AppId,
    generation: int,
    *,
    errcode: int,
    errmsg: str,
    secret: str,
    now: datetime,
) -> None:
    """A token that is refused although it has just been fetched."""
    error = refusal(errcode, errmsg, path=_PATH, now=now)
    facts = {"secret": secret, "until": forget_after(now).isoformat(), "generation": generation}
    await note_state(session, key=_key(app_id), healthy=False, detail=str(error), facts=facts | _facts(error), now=now)


async def recall(session: AsyncSession, app_id: AppId, *, refused: int, secret: str, now: datetime) -> None:
    """Raise what is remembered, while it still holds. A refused generation concerns only who was refused with it."""
    state = await token_table.remembered(session, key=_key(app_id))
    if state is None or state.healthy:
        return
    facts: dict[str, Any] = state.facts or {}
    if facts.get("secret") != secret or now >= datetime.fromisoformat(facts["until"]):
        return
    if facts.get("generation", refused) == refused:
        raise _error(facts, now)


def _pause(error: WecomError, now: datetime) -> datetime:
    if isinstance(error, WaitUntil):
        return error.until
    return now + (SHORT_PAUSE if error.is_passing else PAUSE)


def _facts(error: WecomError) -> dict[str, Any]:
    if isinstance(error, WecomRefused):
        return {"errcode": error.errcode, "errmsg": error.errmsg}
    return {"failure": error.outcome}


def _error(facts: dict[str, Any], now: datetime) -> WecomError:
    if "errcode" not in facts:
        kind = NotReached if facts.get("failure") == NotReached.outcome else HttpFailure
        return kind(_PATH, "as a moment ago")
    error = refusal(facts["errcode"], facts["errmsg"], path=_PATH, now=now)
    if isinstance(error, WaitUntil):
        error.until = datetime.fromisoformat(facts["until"])
    return error


def _key(app_id: AppId) -> str:
    return f"token:{app_id}"
