"""The name under which people find the app: cards and messages speak of it by that name."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from app.database import Sessions, transaction
from app.observability import get_logger
from app.wecom.client import Platform
from app.wecom.errors import WecomError
from models.ids import APP
from models.installation import App

log = get_logger()


async def read_app_name(sessions: Sessions, platform: Platform) -> None:
    """Keep what `agent/get` calls the app. Without an answer, or with an empty name, it keeps the name it has."""
    try:
        name = (await platform.app.get_agent()).name
    except WecomError as error:
        log.info("org.app_name_unread", error=str(error))
        return
    if name:
        async with transaction(sessions) as session:
            await session.execute(update(App).where(col(App.id) == APP, col(App.name) != name).values(name=name))
