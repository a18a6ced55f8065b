"""What somebody sees of acts that need two people: what waits, and one act with what it would do now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.confirmations import entitled, queries
from app.dual_control import TwoPersonHandler
from app.errors import DomainError
from app.org import queries as org
from app.permissions import Words
from app.web.pagination import PageQuery, paginate
from models.confirmations import Confirmation, ConfirmationState
from models.org import Person

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """One act in a list."""

    row: Confirmation
    title: Words
    asker: str


@dataclass(frozen=True)
class Lines:
    items: list[Line]
    next_cursor: str | None


async def concerning(session: AsyncSession, person_id: UUID, *, page: PageQuery, now: datetime) -> Lines:
    """What this person has asked for, has answered, or may answer today, the newest first."""
    held = await entitled.held_by(session, person_id, now=now)
    rows, cursor = await paginate(session, queries.concerning(person_id, held), col(Confirmation.id), page=page)
    people = await org.people_by_id(session, {row.asked_by for row in rows})
    lines = [Line(row, entitled.handler_of(session, row.act).title, people[row.asked_by].name) for row in rows]
    return Lines(lines, cursor)


@dataclass(frozen=True)
class Look:
    """What somebody sees of an act on its page."""

    row: Confirmation
    title: Words
    asker: str
    answerer: str
    """Empty while nobody has answered."""
    may_answer: bool
    may_withdraw: bool
    fields: Fields
    """What it would do now while it is open, and what it was when it was asked afterwards."""
    refusal: DomainError | None
    """Why it could not be done now."""

    @property
    def digest(self) -> str:
        return self.row.payload_digest.hex()

    @property
    def before(self) -> dict[str, str]:
        """What was otherwise when it was asked."""
        asked = dict(self.row.fields)
        return {name: asked[name] for name, value in self.fields if asked.get(name, value) != value}

    @property
    def texts(self) -> list[str]:
        """Long texts of the payload, such as a policy, which do not fit among the fields."""
        said = [value for name, value in self.row.payload.items() if name != "key_hash"]
        return [value for value in said if isinstance(value, str) and "\n" in value]


async def look(session: AsyncSession, confirmation_id: UUID, *, reader: Person, now: datetime) -> Look:
    """For who has asked, who has answered, and who may answer today. Who had a card and may no more reads so
    (`NotTheirsToConfirm`); for anybody else there is no such thing (`NoSuchConfirmation`).
    """
    row = await queries.get(session, confirmation_id)
    handler = entitled.handler_of(session, row.act)
    may = entitled.may_answer(row, reader.id, await entitled.held_by(session, reader.id, now=now))
    if not may and reader.id not in {row.asked_by, row.answered_by}:
        raise entitled.lost(handler) if reader.id in row.asked_people else queries.unknown()
    people = await org.people_by_id(session, [one for one in (row.asked_by, row.answered_by) if one is not None])
    is_open = row.state is ConfirmationState.ASKED and now < row.expires_at
    fields, refusal = [(name, value) for name, value in row.fields], None
    if is_open:
        try:
            fields = await described(session, row, handler, asker=people[row.asked_by], now=now)
        except DomainError as why:
            refusal = why
    return Look(
        row,
        handler.title,
        asker=people[row.asked_by].name,
        answerer=people[row.answered_by].name if row.answered_by is not None else "",
        may_answer=is_open and may and reader.id != row.asked_by,
        may_withdraw=is_open and reader.id == row.asked_by,
        fields=fields,
        refusal=refusal,
    )


async def described(
    session: AsyncSession, row: Confirmation, handler: TwoPersonHandler, *, asker: Person, now: datetime
) -> Fields:
    """What it would do if it were confirmed now. Raises what the act refuses by now."""
    return await handler.describe(session, handler.payload.model_validate(row.payload), asker=asker, now=now)
