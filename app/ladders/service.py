"""Rungs of ladders, for the domains: `from app.ladders import service as ladders`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.why import About
from app.jobs.timers import set_timer
from app.ladders.queries import count_told_together, details_due
from app.ladders.rung import DueRung, Speaker, Words
from app.ladders.tell import TELL
from app.ledger import service as ledger
from app.observability import current_correlation_id
from models.delivery import MessageClass
from models.ids import new_id
from models.ladders import Rung

__all__ = ["DueRung", "Speaker", "Words", "count_told_together", "details_due", "reach"]


async def reach(
    session: AsyncSession,
    purpose: str,
    about: About,
    people: Iterable[UUID],
    *,
    now: datetime,
    detail: str = "",
    message_class: str = MessageClass.NOTICE,
) -> None:
    """These people are to hear of this, together with whatever else has fallen due for them.

    It is written in the transaction in which it fell due, and said exactly once: as soon as the rest period, or what
    else the policy says of the `message_class`, allows (policy 3.4), if it is still true then. The domain finds the
    words (`Domain.rungs`, by `purpose`).
    """
    unique = list(dict.fromkeys(people))
    if not unique:
        return
    due_at = await ledger.allowed_from(session, message_class, now=now)
    common = {
        "purpose": purpose,
        "origin_kind": about.kind,
        "origin_id": about.key,
        "detail": detail,
        "message_class": message_class,
        "due_at": due_at,
        "correlation_id": current_correlation_id(),
    }
    await session.execute(insert(Rung), [{**common, "person_id": person_id} for person_id in unique])
    # A timer of its own for each: a common one would make every sweep wait for the one that is telling.
    await set_timer(session, TELL, str(new_id()), due_at)
