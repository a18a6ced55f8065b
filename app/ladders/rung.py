"""What a domain says about a rung that has fallen due, at the moment at which it is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery.service import MessageHeader
from app.wecom.message_bodies.card import Card
from models.delivery import Message


@dataclass(frozen=True)
class DueRung:
    """One rung, with everybody whom it reaches."""

    about: str
    """The id of what it is about: a task, a step, an announcement."""
    detail: str
    """What the domain has added on `reach`."""
    people: Sequence[UUID]
    now: datetime


@dataclass(frozen=True)
class Words:
    """The words of a rung, for those whom it still concerns."""

    header: MessageHeader
    people: Sequence[UUID]
    text: str
    """When it is all that a person has to hear."""
    line: str
    """When it is one of several things."""
    rank: int = 0
    """Of two rungs about one thing (`header.about`), a person hears the higher one; of equals both, if they differ."""
    is_listed: bool = False
    """Whether the service lists it for whoever looks after it: of very many a message says only how many more."""
    card: Card | None = None
    """Sent instead of the text."""
    on_told: Callable[[Message], Awaitable[None]] | None = None
    """Hears which message has said it, in the same transaction."""


Speaker = Callable[[AsyncSession, DueRung], Awaitable[Sequence[Words]]]
"""What is still true of the rung, in words: `Domain.rungs`, by the purpose. Nothing when nobody needs to hear it."""
