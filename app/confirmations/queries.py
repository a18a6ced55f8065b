"""Every SELECT of acts that need two people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, case, exists, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.confirmations.errors import NoSuchConfirmation
from app.dual_control import TwoPersonAct
from app.manifest import registry_of
from app.today.queries import WaitingColumns
from models.audit import ObjectKind
from models.confirmations import Confirmation, ConfirmationState


async def get(session: AsyncSession, confirmation_id: UUID, *, for_update: bool = False) -> Confirmation:
    """Raises `NoSuchConfirmation`."""
    lock = {"key_share": True} if for_update else None
    row = await session.get(Confirmation, confirmation_id, with_for_update=lock, populate_existing=for_update)
    if row is None:
        raise unknown()
    return row


def unknown() -> NoSuchConfirmation:
    return NoSuchConfirmation("没有这项待确认的操作", "There is no such act to confirm")


def matching(*, state: ConfirmationState | None, act: str | None, asked_by: UUID | None) -> Select[Confirmation]:
    """For a list; the caller orders and pages."""
    statement = select(Confirmation)
    wanted = {"state": state, "act": act, "asked_by": asked_by}
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(Confirmation, name) == value)
    return statement


def answerable_by(person_id: UUID, held: Iterable[str]) -> ColumnElement[bool]:
    """What this person may answer, by the permissions that they hold in the whole company today."""
    needed = col(Confirmation.needed)
    return and_(
        func.cardinality(needed) > 0,
        needed.op("<@")(literal(sorted(held), ARRAY(String))),
        not_(col(Confirmation.not_by).contains([person_id])),
    )


def concerning(person_id: UUID, held: Iterable[str]) -> Select[Confirmation]:
    """What this person has asked for, has answered, or may answer; the caller orders and pages."""
    return select(Confirmation).where(
        or_(
            col(Confirmation.asked_by) == person_id,
            col(Confirmation.answered_by) == person_id,
            answerable_by(person_id, held),
        )
    )


async def askers_for_key(session: AsyncSession, key_id: str) -> list[str]:
    """The keys that asked for this one, as actors: its secret was told to them."""
    statement = select(col(Confirmation.asked_with)).where(
        col(Confirmation.act) == TwoPersonAct.KEY_CREATE.value,
        col(Confirmation.result) == key_id,
        col(Confirmation.asked_with).is_not(None),
    )
    return [str(one) for one in await session.scalars(statement)]


async def is_anything_open(session: AsyncSession, *, now: datetime) -> bool:
    open_ = exists().where(col(Confirmation.state) == ConfirmationState.ASKED, col(Confirmation.expires_at) > now)
    return bool(await session.scalar(select(open_)))


def waiting(session: AsyncSession, person_id: UUID, held: Iterable[str], *, now: datetime) -> Select[Any]:
    """F168: the acts of others that this person may confirm or refuse, while they can be."""
    titles = {str(act): handler.title.chinese for act, handler in registry_of(session).two_person_acts.items()}
    wanted = WaitingColumns(
        kind="confirmation.confirm",
        about=ObjectKind.CONFIRMATION,
        id=col(Confirmation.id),
        title=case(titles, value=col(Confirmation.act), else_=col(Confirmation.act))
        if titles
        else col(Confirmation.act),
        asked_at=col(Confirmation.asked_at),
        due_at=col(Confirmation.expires_at),
        asked_by=col(Confirmation.asked_by),
    )
    return select(*wanted.columns()).where(
        col(Confirmation.state) == ConfirmationState.ASKED,
        col(Confirmation.expires_at) > now,
        col(Confirmation.asked_by) != person_id,
        answerable_by(person_id, held),
    )
