"""The spellings follow the names: what is not spelled as it is called now is spelled, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.org.search import queries
from app.org.search.spelling import sorting_key, spellings

PART: Final = 500
"""So many in one transaction: the names of a hundred thousand take a minute, and others are served between them."""
AT_A_LOOK: Final = 20_000


async def people_to_spell(session: AsyncSession, *, since: datetime | None = None) -> list[UUID]:
    """Whose name is not spelled as it is: of those who have changed since then, or of everybody. Not all at once."""
    return await queries.people_to_spell(session, since=since, limit=AT_A_LOOK)


async def spell_people(session: AsyncSession, person_ids: Sequence[UUID]) -> None:
    """Nothing while somebody else is at it: the next look finds what is left."""
    if await queries.take_turn(session):
        rows = await queries.names_of_people(session, person_ids)
        spelled = [(one, f"{name}\n{alias}", spellings([name, alias], of_people=True)) for one, name, alias in rows]
        await queries.write_people(session, spelled)
        keys = {one: sorting_key(name, of_people=True) for one, name, _ in rows}
        await queries.write_people_keys(session, keys)


async def spell_departments(session: AsyncSession) -> None:
    if await queries.take_turn(session):
        rows = await queries.departments_to_spell(session)
        await queries.write_departments(
            session, [(one, name, spellings([name], of_people=False)) for one, name in rows]
        )
        keys = {one: sorting_key(name, of_people=False) for one, name in rows}
        await queries.write_department_keys(session, keys)
