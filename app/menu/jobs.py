"""What the menu does by itself: it is asked for at start, and the outcome is heard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.service import OutcomeHandler
from app.menu import service
from app.settings import Settings


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:  # noqa: ARG001 -- all steps are called alike
    await service.keep_menu(session, now=now)


OUTCOMES: dict[str, OutcomeHandler] = {service.SET: service.is_set}
