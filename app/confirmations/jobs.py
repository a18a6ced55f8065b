"""Background entry points: presses on the cards, and the end of the time for an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.cards.service import CardAction, ClickedCard
from app.confirmations import messages, service
from app.confirmations.service import Answer
from app.errors import DomainError
from app.jobs.job import TimerHandler
from app.observability import get_logger
from models.confirmations import Confirmation

log = get_logger()

Act = Callable[..., Awaitable[Confirmation]]


async def confirm(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    await _answer(session, service.confirm, clicked, UUID(argument), now)


async def refuse(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    await _answer(session, service.refuse, clicked, UUID(argument), now)


async def _answer(session: AsyncSession, act: Act, clicked: ClickedCard, confirmation_id: UUID, now: datetime) -> None:
    """A refused press changes nothing; the person reads the reason."""
    answer = Answer(clicked.person, "card", clicked=clicked)
    try:
        async with session.begin_nested():
            await act(session, confirmation_id, answer, now=now)
    except DomainError as refusal:
        log.info("click.refused", confirmation_id=str(confirmation_id), reason=refusal.slug)
        await session.refresh(clicked.click)
        await service.explain_refusal(session, confirmation_id, answer, why=str(refusal), now=now)


async def expire(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.expire(session, UUID(subject), now=now)


CARD_ACTIONS: dict[str, CardAction] = {messages.CONFIRM: confirm, messages.REFUSE: refuse}
TIMERS: dict[str, TimerHandler] = {service.EXPIRE: expire}
