"""Every SELECT of the domain, by intention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements.errors import AnnouncementNotFound
from models.announcements import Announcement, AnnouncementGroup, Receipt
from models.ids import AnnouncementId

_FREEZE = text(
    "INSERT INTO receipts (announcement_id, person_id, source, late)"
    " SELECT :announcement, person, source, false"
    " FROM unnest(CAST(:people AS uuid[]), CAST(:sources AS text[])) AS audience (person, source)"
)


@dataclass(frozen=True)
class Standing:
    """How many are concerned, and how many of them have confirmed."""

    audience: int
    confirmed: int
    late: int
    chased: int


async def announcement(session: AsyncSession, announcement_id: AnnouncementId) -> Announcement:
    row = await session.get(Announcement, announcement_id)
    if row is None:
        raise AnnouncementNotFound("没有这个通知")
    return row


async def announcement_for_update(session: AsyncSession, announcement_id: AnnouncementId) -> Announcement | None:
    return await session.get(Announcement, announcement_id, with_for_update={"key_share": True}, populate_existing=True)


def published(*, author_id: UUID | None, updated_since: datetime | None) -> Select[Announcement]:
    statement = select(Announcement)
    if author_id is not None:
        statement = statement.where(col(Announcement.author_id) == author_id)
    if updated_since is not None:
        statement = statement.where(col(Announcement.updated_at) >= updated_since)
    return statement


async def freeze_audience(session: AsyncSession, announcement_id: UUID, sources: dict[UUID, str]) -> None:
    """One row per person concerned, in one statement."""
    values = {"announcement": announcement_id, "people": list(sources), "sources": list(sources.values())}
    await session.execute(_FREEZE, values)


async def receipt_for_update(session: AsyncSession, announcement_id: UUID, person_id: UUID) -> Receipt | None:
    statement = (
        select(Receipt)
        .where(col(Receipt.announcement_id) == announcement_id, col(Receipt.person_id) == person_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


@dataclass(frozen=True)
class Held:
    """A receipt that is locked, as far as confirming needs it."""

    id: int
    confirmed_at: datetime | None
    late: bool


_HOLD = text(
    "SELECT receipts.id, receipts.announcement_id, receipts.person_id, receipts.confirmed_at, receipts.late"
    " FROM receipts WHERE (announcement_id, person_id) IN ("
    " SELECT announcement, person FROM unnest(CAST(:announcements AS uuid[]), CAST(:people AS uuid[]))"
    " AS wanted (announcement, person))"
    " ORDER BY announcement_id, person_id FOR NO KEY UPDATE"
)

_CONFIRM = text(
    "UPDATE receipts SET confirmed_at = :now, confirmed_via = :via, event_id = given.event_id, late = given.late"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:event_ids AS bigint[]), CAST(:late AS boolean[]))"
    " AS given (id, event_id, late) WHERE receipts.id = given.id"
)


async def announcements_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Announcement]:
    rows = await session.scalars(select(Announcement).where(col(Announcement.id).in_(ids)))
    return {row.id: row for row in rows}


async def receipts_for_update(
    session: AsyncSession, wanted: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Held]:
    """The receipts of these (announcement, person), locked in sorted order, as everybody does who takes several."""
    facts = {"announcements": [one for one, _ in wanted], "people": [person for _, person in wanted]}
    return {
        (row.announcement_id, row.person_id): Held(row.id, row.confirmed_at, row.late)
        for row in await session.execute(_HOLD, facts)
    }


async def confirm_receipts(
    session: AsyncSession, rows: Sequence[tuple[int, int, bool]], *, via: str, now: datetime
) -> None:
    """`rows`: receipt, event, whether it is late."""
    ids, event_ids, late = (list(column) for column in zip(*rows, strict=True))
    await session.execute(_CONFIRM, {"ids": ids, "event_ids": event_ids, "late": late, "via": via, "now": now})


async def unconfirmed(session: AsyncSession, announcement_id: UUID, *, lock: bool = False) -> list[Receipt]:
    statement = (
        select(Receipt)
        .where(col(Receipt.announcement_id) == announcement_id, col(Receipt.confirmed_at).is_(None))
        .order_by(col(Receipt.person_id))
    )
    return list(await session.scalars(statement.with_for_update(key_share=True) if lock else statement))


async def standing(session: AsyncSession, announcement_id: UUID) -> Standing:
    confirmed = func.count(col(Receipt.confirmed_at))
    late = func.count().filter(col(Receipt.late))
    chased = func.count(col(Receipt.chased_at))
    statement = select(func.count(), confirmed, late, chased).where(col(Receipt.announcement_id) == announcement_id)
    row = (await session.execute(statement)).one()
    return Standing(row[0], row[1], row[2], row[3])


def receipts(announcement_id: UUID, *, confirmed: bool | None) -> Select[Receipt]:
    statement = select(Receipt).where(col(Receipt.announcement_id) == announcement_id)
    if confirmed is not None:
        has = col(Receipt.confirmed_at).is_not(None)
        statement = statement.where(has if confirmed else ~has)
    return statement


async def groups_of(session: AsyncSession, announcement_id: UUID) -> list[AnnouncementGroup]:
    statement = select(AnnouncementGroup).where(col(AnnouncementGroup.announcement_id) == announcement_id)
    return list(await session.scalars(statement))
