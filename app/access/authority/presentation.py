"""Grants as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.authority.schemas import GrantOut
from app.audit.actor import Actor, ActorKind
from app.org import queries as org
from models.access import AccessGrant


async def grants(session: AsyncSession, rows: Sequence[AccessGrant]) -> list[GrantOut]:
    givers = {row.id: giver for row in rows if (giver := _giver(row)) is not None}
    userids = await org.userids_of(session, {*(row.person_id for row in rows), *givers.values()})
    return [
        GrantOut(
            person=userids.get(row.person_id),
            granted_by=userids.get(givers[row.id]) if row.id in givers else None,
            **row.model_dump(include=set(_SAME)),
        )
        for row in rows
    ]


async def grant(session: AsyncSession, row: AccessGrant) -> GrantOut:
    return (await grants(session, [row]))[0]


def _giver(row: AccessGrant) -> UUID | None:
    by = Actor.parse(row.granted_by)
    return UUID(by.id) if by.kind is ActorKind.PERSON else None


_SAME = frozenset({"id", "bundle", "reach", "place", "reason", "granted_at", "ends_at", "ended_at"})
"""Columns that are called alike on the wire."""
