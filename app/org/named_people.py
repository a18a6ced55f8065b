"""People as a list, a timeline or a spreadsheet names them: name, departments, and the userid for who asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import in_parts
from app.org.rules import why_not
from models.org import PersonStatus


@dataclass(frozen=True)
class NamedPerson:
    """Somebody as others read of them. Of who has left: as they were until then."""

    id: UUID
    name: str
    userid: str
    status: PersonStatus
    departments: tuple[str, ...]
    """The main one first."""
    name_key: str = ""
    """By which they are sorted (`by_name`)."""

    @property
    def why_not(self) -> str:
        """Why they may not act, as 已离职. Empty if they may."""
        return why_not(self)

    @property
    def department(self) -> str:
        """All of them in one cell."""
        return "、".join(self.departments)


_DEPARTMENTS: Final = (
    "ARRAY(SELECT d.name FROM memberships m JOIN departments d ON d.id = m.department_id"
    " WHERE m.person_id = p.id AND {when}"
    " ORDER BY d.id IS NOT DISTINCT FROM p.main_department_id DESC, d.id) AS departments"
)

# Two statements: the indexes of userids and memberships hold the current ones alone, and those are nearly all.
_PRESENT: Final = text(
    f"SELECT p.id, p.name, p.name_key, p.status, u.shown AS userid, {_DEPARTMENTS.format(when='m.ended_at IS NULL')}"  # noqa: S608
    " FROM people p LEFT JOIN person_userids u ON u.person_id = p.id AND u.ended_at IS NULL"
    " WHERE p.id = ANY(CAST(:people AS uuid[]))"
)
_LAST_USERID: Final = (
    "(SELECT u.shown FROM person_userids u WHERE u.person_id = p.id ORDER BY u.started_at DESC, u.id DESC LIMIT 1)"
)
_FORMER: Final = text(
    f"SELECT p.id, p.name, p.name_key, p.status, {_LAST_USERID} AS userid,"  # noqa: S608
    f" {_DEPARTMENTS.format(when='m.ended_at = p.ended_at')} FROM people p WHERE p.id = ANY(CAST(:people AS uuid[]))"
)


async def named_people(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, NamedPerson]:
    """Whoever of these is known, whatever their status. Any number of people, never a statement for each."""
    found: dict[UUID, NamedPerson] = {}
    for part in in_parts(list(set(person_ids))):
        rows = list(await session.execute(_PRESENT, {"people": part}))
        if gone := [row.id for row in rows if row.userid is None]:
            rows += await session.execute(_FORMER, {"people": gone})
        found |= {row.id: _person(row) for row in rows}
    return found


def _person(row: Any) -> NamedPerson:
    departments = tuple(row.departments)
    return NamedPerson(row.id, row.name, row.userid or "", PersonStatus(row.status), departments, row.name_key)
