"""Sessions of people: rows that end when the person leaves, signs out or stays away (D20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.errors import NoSuchSession
from app.access.sign_in import queries
from app.access.sign_in.attempts import Way
from app.access.sign_in.lifetime import Lifetime
from app.access.sign_in.tokens import hashed, new_token
from app.audit.actor import SYSTEM, Actor, person_actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.org.rules import may_act
from models.access import PersonSession, SubmittedForm
from models.org import Person

_SEEN_EVERY: Final = timedelta(minutes=1)
_KEPT: Final = timedelta(days=90)
_LONGEST_NAME: Final = 120


class Ending(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    ENDED_ELSEWHERE = "ended_elsewhere"
    DEPARTED = "departed"
    REPLACED = "replaced"
    """Somebody signed in with the same browser."""
    ENDED_FOR_THEM = "ended_for_them"
    """An administrator signed them out everywhere: a lost phone, a stolen account (policy 6.16)."""


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page, and acts on it."""

    person: Person
    session_id: UUID
    token: str
    """What the cookie holds: forms are bound to it."""

    @property
    def actor(self) -> Actor:
        return person_actor(self.person.id)


async def start(
    session: AsyncSession,
    person: Person,
    *,
    way: Way,
    browser: str,
    lifetime: Lifetime,
    now: datetime,
    before: str = "",
) -> str:
    """Sign somebody in. Returns the token for the cookie: always a new one, whatever the browser brought. That one,
    `before`, is forgotten by the browser; its session ends.
    """
    if before:
        brought = col(PersonSession.token_hash) == hashed(before)
        await _end(session, brought, because=Ending.REPLACED, by=person_actor(person.id), now=now)
    token = new_token()
    row = PersonSession(
        token_hash=hashed(token),
        person_id=person.id,
        way=way.value,
        browser=browser[:_LONGEST_NAME],
        started_at=now,
        seen_at=now,
        ends_at=now + lifetime.longest,
    )
    session.add(row)
    await session.flush()
    signed_in = catalogue.SignedIn(session_id=row.id)
    details = {"way": way.value, "browser": row.browser}
    await publish(session, signed_in, Why(person_actor(person.id)), now=now, details=details)
    return token


async def find(
    session: AsyncSession, token: str, *, lifetime: Lifetime, now: datetime, is_visit: bool = True
) -> Viewer | None:
    """Whose living session this is. Somebody who left or was disabled has none, whatever their rows say.

    What a page asks by itself is no visit: a screen that was left open would keep its session alive.
    """
    statement = (
        select(PersonSession, Person)
        .join(Person, col(Person.id) == col(PersonSession.person_id))
        .where(
            col(PersonSession.token_hash) == hashed(token),
            col(PersonSession.ended_at).is_(None),
            col(PersonSession.ends_at) > now,
            col(PersonSession.started_at) > now - lifetime.longest,
            col(PersonSession.seen_at) > now - lifetime.idle,
        )
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None or not may_act(found[1]):
        return None
    row, person = found
    if is_visit and now - row.seen_at > _SEEN_EVERY:
        await session.execute(update(PersonSession).where(col(PersonSession.id) == row.id).values(seen_at=now))
    return Viewer(person, row.id, token)


async def living_of(
    session: AsyncSession, person_id: UUID, *, lifetime: Lifetime, now: datetime
) -> list[PersonSession]:
    """Where the person is signed in, the latest visit first."""
    statement = queries.living(person_id, lifetime=lifetime, now=now)
    return list(await session.scalars(statement.order_by(col(PersonSession.seen_at).desc(), col(PersonSession.id))))


async def end_own(session: AsyncSession, viewer: Viewer, session_id: UUID, *, now: datetime) -> None:
    """End one of one's own sessions. Raises `NoSuchSession` for anybody else's."""
    because = Ending.SIGNED_OUT if session_id == viewer.session_id else Ending.ENDED_ELSEWHERE
    mine = (col(PersonSession.id) == session_id, col(PersonSession.person_id) == viewer.person.id)
    if not await _end(session, *mine, because=because, by=viewer.actor, now=now):
        raise NoSuchSession("没有这个登录，或它已结束", "There is no such session, or it has ended")


async def end_all_of(session: AsyncSession, person_id: UUID, *, by: Actor = SYSTEM, now: datetime) -> None:
    """Whoever has left, or was disabled, is signed out everywhere."""
    await _end(session, col(PersonSession.person_id) == person_id, because=Ending.DEPARTED, by=by, now=now)


async def end_for(session: AsyncSession, person_id: UUID, *, by: Actor, now: datetime) -> int:
    """Sign somebody out everywhere, on their behalf. Returns in how many places. Whoever can sign in to WeCom can sign
    in here again. They are told, unless it was they (`app.account`).
    """
    theirs = col(PersonSession.person_id) == person_id
    ended = await _end(session, theirs, because=Ending.ENDED_FOR_THEM, by=by, now=now)
    if ended and by != person_actor(person_id):
        signed_out = catalogue.PersonSignedOut(person_id=person_id, sessions=ended)
        await publish(session, signed_out, Why(by), now=now, details={"sessions": ended})
    return ended


async def _end(session: AsyncSession, *which: object, because: Ending, by: Actor, now: datetime) -> int:
    statement = (
        update(PersonSession)
        .where(col(PersonSession.ended_at).is_(None), *which)  # type: ignore[arg-type]  # SQLAlchemy's conditions
        .values(ended_at=now, ended_because=because.value)
        .returning(col(PersonSession.id))
    )
    ended = list(await session.scalars(statement))
    for session_id in ended:
        signed_out = catalogue.SignedOut(session_id=session_id)
        await publish(session, signed_out, Why(by), now=now, details={"because": because.value})
    return len(ended)


async def forget_old(session: AsyncSession, *, now: datetime) -> None:
    """Forms that nobody can send once more, as their session is over, and sessions that ended long ago."""
    over = select(col(PersonSession.id)).where(
        or_(col(PersonSession.ended_at).is_not(None), col(PersonSession.ends_at) <= now)
    )
    await session.execute(delete(SubmittedForm).where(col(SubmittedForm.session_id).in_(over)))
    await session.execute(delete(PersonSession).where(col(PersonSession.ends_at) < now - _KEPT))
