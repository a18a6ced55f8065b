"""Background entry points: the card has arrived, the click on 收到, the chase, the deadline, the escalation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, service
from app.announcements.rules import AnnouncementPurpose
from app.cards.service import CardAbsorb, CardAction, Click, ClickedCard
from app.jobs.job import TimerHandler
from app.ladders.service import Speaker
from app.ledger.service import OutcomeHandler
from models.ids import AnnouncementId


async def confirm_by_card(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    await service.confirm(
        session,
        announcement_id=AnnouncementId(UUID(argument)),
        person=clicked.person,
        via=service.BY_CARD,
        now=now,
        clicked=clicked,
    )


async def confirm_by_cards(session: AsyncSession, clicks: Sequence[Click], now: datetime) -> set[int]:
    return await service.confirm_many(session, clicks=clicks, now=now)


async def chase(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.chase(session, announcement_id=AnnouncementId(UUID(subject)), now=now)


async def close(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.close(session, announcement_id=AnnouncementId(UUID(subject)), now=now)


async def escalate(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.escalate(session, announcement_id=service.announcement_of(subject), now=now)


CARD_ABSORBERS: dict[str, CardAbsorb] = {messages.CONFIRM: confirm_by_cards}
CARD_ACTIONS: dict[str, CardAction] = {messages.CONFIRM: confirm_by_card}
OUTCOMES: dict[str, OutcomeHandler] = {AnnouncementPurpose.CARD: service.start_clocks}
RUNGS: dict[str, Speaker] = {
    AnnouncementPurpose.CHASE: service.chase_words,
    AnnouncementPurpose.ESCALATION: service.escalation_words,
    AnnouncementPurpose.FINAL_LIST: service.list_words,
}
TIMERS: dict[str, TimerHandler] = {service.CHASE: chase, service.DEADLINE: close, service.ESCALATE: escalate}
