"""What is kept about one person: each domain names its kinds of rows, typed, in its manifest (F198).

A row is a model whose fields carry their title for people (`title`, Chinese) and for programs (`description`, English):
pages and REST show every kind in the same way, and the next domain's needs neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.fields import FieldInfo
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

MOST_ROWS: Final = 1_000
"""Of each kind, the newest. `Kept.total` says how many there are."""


FOR_PROGRAMS: Final[dict[str, JsonValue]] = {"for_programs": True}
"""`json_schema_extra` of a field that says to programs what another one says to people: pages leave it out."""


class KeptRow(BaseModel):
    """One row of a kind."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def for_people(cls) -> dict[str, FieldInfo]:
        """The columns that people read, by name."""
        return {name: one for name, one in cls.model_fields.items() if one.json_schema_extra != FOR_PROGRAMS}


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept about a person."""

    name: str
    """`requests`, `receipts` …: the key on the wire."""
    title: str
    """For people: 提出的申请."""
    english: str
    columns: type[KeptRow]
    """What the rows are made of: its fields are the columns, with their titles."""
    rows: Sequence[KeptRow]
    total: int


KeptData = Callable[[AsyncSession, UUID], Awaitable[Sequence[Kept]]]
"""`Domain.kept_data`: `(session, person_id)` → the kinds of a domain, also the empty ones."""


RowsOf = Select[*tuple[Any, ...]]
"""A SELECT of columns, whichever."""


@dataclass(frozen=True)
class Kind:
    """How a kind is called, and what its rows are made of."""

    name: str
    title: str
    english: str
    columns: type[KeptRow]

    async def read(self, session: AsyncSession, statement: RowsOf) -> Kept:
        """`statement`: the rows, the newest first, with a column for each field, labelled as it."""
        rows = await session.execute(statement.limit(MOST_ROWS))
        made = [self.columns.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001 -- SQLAlchemy's way to a dict
        total = len(made)
        if total == MOST_ROWS:  # there may be more: only then they are counted
            total = (await session.scalars(select(func.count()).select_from(statement.order_by(None).subquery()))).one()
        return Kept(self.name, self.title, self.english, self.columns, made, total)
