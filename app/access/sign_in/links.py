"""The link that lets the first administrator in, before anybody can grant anything (D20)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority.grants import ADMINISTRATOR, administrators, grant_administration
from app.access.errors import AdministratorExists, CannotSignIn, LinkSpent
from app.access.sign_in.tokens import hashed, new_token
from app.audit.actor import Actor
from app.org.rules import may_act, why_not
from app.quotes import quoted
from models.access import AccessLink
from models.org import Person

LIFETIME: Final = timedelta(minutes=15)
_LINKS_LOCK: Final = 0x5357_0031
"""One link at a time is made or used, whichever process does it."""


async def create_link(session: AsyncSession, person: Person, *, actor: Actor, now: datetime) -> str:
    """The token of a new link; those before it, whosever they are, let nobody in any more. Raises `AdministratorExists`
    while somebody can grant access, and `CannotSignIn` for somebody who may not act.
    """
    if not may_act(person):
        raise CannotSignIn(
            f"{quoted(person.name)}的账号{why_not(person)}，请换一位在职人员",
            f"{person.name} cannot act now ({person.status.value}): name somebody who can",
        )
    await _alone(session)
    _check_nobody(await administrators(session, now=now))
    await session.execute(update(AccessLink).where(col(AccessLink.spent_at).is_(None)).values(spent_at=now))
    token = new_token()
    session.add(
        AccessLink(
            token_hash=hashed(token),
            person_id=person.id,
            created_by=str(actor),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    return token


async def _alone(session: AsyncSession) -> None:
    """Two at once would both find no link, and no administrator: the second waits for the first."""
    await session.execute(select(func.pg_advisory_xact_lock(_LINKS_LOCK)))


def _check_nobody(present: Sequence[Person]) -> None:
    if present:
        names = "、".join(one.name for one in present)
        raise AdministratorExists(
            f"已有系统管理员：{names}。请由其在管理台授权，或用 steward access grant 授予",
            f"There is an administrator already: {names}. They grant access, or steward access grant does",
        )


async def holder_of(session: AsyncSession, token: str, *, now: datetime) -> Person | None:
    """Whom the link would let in; None when it is used or too old. Raises `AdministratorExists` as its use does."""
    statement = (
        select(Person)
        .join(AccessLink, col(AccessLink.person_id) == col(Person.id))
        .where(col(AccessLink.token_hash) == hashed(token), col(AccessLink.spent_at).is_(None))
        .where(col(AccessLink.expires_at) > now)
    )
    person = (await session.scalars(statement)).one_or_none()
    if person is None or not may_act(person):
        return None
    await _check_nobody_but(session, person, now=now)
    return person


async def _check_nobody_but(session: AsyncSession, person: Person, *, now: datetime) -> bool:
    """Whether the person is administrator already. Raises `AdministratorExists` for anybody else."""
    present = await administrators(session, now=now)
    _check_nobody([one for one in present if one.id != person.id])
    return bool(present)


async def use_link(session: AsyncSession, token: str, *, now: datetime) -> Person:
    """Spend the link: its holder is administrator from now on. Raises `LinkSpent`, and `AdministratorExists` when
    somebody else has become one since it was made.
    """
    await _alone(session)
    statement = (
        update(AccessLink)
        .where(col(AccessLink.token_hash) == hashed(token), col(AccessLink.spent_at).is_(None))
        .where(col(AccessLink.expires_at) > now)
        .values(spent_at=now)
        .returning(col(AccessLink.person_id), col(AccessLink.created_by))
    )
    row = (await session.execute(statement)).one_or_none()
    person = await session.get(Person, row.person_id) if row is not None else None
    if row is None or person is None or not may_act(person):
        raise LinkSpent(
            "这个链接已经用过或已过期，请用 steward access link 重新生成",
            "This link was used or is too old: make another with steward access link",
        )
    if not await _check_nobody_but(session, person, now=now):
        await grant_administration(session, person, actor=Actor.parse(row.created_by), now=now)
    return person


__all__ = ["ADMINISTRATOR", "LIFETIME", "create_link", "holder_of", "use_link"]
