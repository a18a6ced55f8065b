"""Every SELECT of acts that need two people."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.confirmations.errors import NoSuchConfirmation
from models.confirmations import Confirmation, ConfirmationState


async def get(session: AsyncSession, confirmation_id: UUID, *, for_update: bool = False) -> Confirmation:
    """Raises `NoSuchConfirmation`."""
    lock = {"key_share": True} if for_update else None
    row = await session.get(Confirmation, confirmation_id, with_for_update=lock, populate_existing=for_update)
    if row is None:
        raise NoSuchConfirmation("没有这项待确认的操作", "There is no such act to confirm")
    return row


def matching(*, state: ConfirmationState | None, act: str | None, asked_by: UUID | None) -> Select[Confirmation]:
    """For a list; the caller orders and pages."""
    statement = select(Confirmation)
    wanted = {"state": state, "act": act, "asked_by": asked_by}
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(Confirmation, name) == value)
    return statement
