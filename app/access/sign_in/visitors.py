"""Whom a code of WeCom stands for, and whether that is one of our people who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.sign_in.tokens import hashed
from app.org import queries as org
from app.org.rules import may_act
from models.access import PersonSession
from models.org import Person


@dataclass(frozen=True)
class Visitor:
    """What `auth/getuserinfo` says (callbacks §6.1): a member's userid, or an openid of somebody who is none."""

    userid: str = ""
    openid: str = ""


class Turned(StrEnum):
    """Why somebody is not let in. Each has a page that says what to do; the last four are statuses of people."""

    NO_MEMBER = "no_member"  # an openid: a customer, or a friend of a friend
    OTHER_CORP = "other_corp"  # a member of a linked corp: CorpId/userid
    UNKNOWN = "unknown"  # a member whom the organisation's readings have not shown
    OUT_OF_SIGHT = "invisible"  # known, and outside of the app's visible range
    NOT_ACTIVATED = "not_activated"
    DISABLED = "disabled"
    LEFT = "left"


async def recognise(session: AsyncSession, visitor: Visitor) -> Person | Turned:
    """The person, or why they are turned away."""
    if not visitor.userid:
        return Turned.NO_MEMBER
    if "/" in visitor.userid:
        return Turned.OTHER_CORP
    person = await org.person_by_userid(session, visitor.userid)
    if person is None:
        former = await org.former_person_of(session, visitor.userid)
        return Turned.LEFT if former is not None else Turned.UNKNOWN
    return person if may_act(person) else Turned(person.status.value)


async def is_gone_since(session: AsyncSession, token: str) -> bool:
    """Whether the session of this cookie, however long it is over, was of somebody who may not come in any more. WeCom
    vouches for nobody whom it has deleted; the cookie does for whoever was here before.
    """
    if not token:
        return False
    statement = (
        select(Person)
        .join(PersonSession, col(PersonSession.person_id) == col(Person.id))
        .where(col(PersonSession.token_hash) == hashed(token))
    )
    person = (await session.scalars(statement)).one_or_none()
    return person is not None and not may_act(person)
