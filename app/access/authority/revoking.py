"""Taking bundles of permissions back: what it takes from whom, and who is left to give (D21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority import queries
from app.access.authority.decide import Authority
from app.access.authority.grants import authority_of, check_goes_as_far
from app.access.authority.holders import check_held, holders_of
from app.access.authority.holdings import bundles_of, sight_at
from app.access.errors import LastAdministrator, MoreThanHeld, NoSuchGrant
from app.audit.actor import Actor, person_actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.org import queries as org
from app.permissions import Permission, Reach, Words
from app.policy import service as policies
from app.quotes import quoted
from models.access import AccessGrant
from models.ids import PersonId
from models.org import Person


@dataclass(frozen=True)
class Loss:
    """What somebody loses with a grant."""

    grant: AccessGrant
    person: Person
    bundle: Words
    permissions: list[Permission]
    """What they may do no more, or in fewer places."""
    administrators: list[Person] | None
    """Who may still grant in the whole company; None when the grant does not give that."""


async def loss_of(session: AsyncSession, grant_id: UUID, *, now: datetime) -> Loss:
    """What revoking it would take. Raises `NoSuchGrant`."""
    row = await _living(session, grant_id)
    person = await org.person(session, PersonId(row.person_id))
    assert person is not None  # grants keep their person
    rule = bundles_of((await policies.in_force(session, now=now)).document).get(row.bundle)
    held = await authority_of(session, person, now=now)
    rest = Authority([one for one in held.holdings if one.grant is None or one.grant.id != row.id])
    return Loss(
        grant=row,
        person=person,
        bundle=Words(rule.title, rule.english) if rule else Words(row.bundle, row.bundle),
        permissions=[one for one in rule.permissions if _shrinks(held, rest, one)] if rule else [],
        administrators=await _left_without(session, row, now=now),
    )


def _shrinks(held: Authority, rest: Authority, permission: Permission) -> bool:
    """Whether it goes less far without the grant. Where it goes in the whole company, nothing adds to it."""
    left = rest.sight_of(permission)
    return not left.everything and left != held.sight_of(permission)


async def revoke(
    session: AsyncSession, grant_id: UUID, *, actor: Actor, authority: Authority | None, now: datetime
) -> AccessGrant:
    """Take a grant back at once. `authority` is what the revoker holds; None for an operator at the command line.

    Raises `NoSuchGrant`, `MoreThanHeld` for one that the revoker could not give, and `LastAdministrator` when nobody
    would be left who may grant in the whole company; an operator may do that, and makes the next one by a link.
    """
    # Two administrators who take each other's: the second waits here, and then finds that nobody else is left.
    rivals = queries.living(now=now).where(col(AccessGrant.reach) == Reach.COMPANY.value)
    await session.execute(rivals.order_by(col(AccessGrant.id)).with_for_update(key_share=True))
    row = await _living(session, grant_id, for_update=True)
    if authority is not None:
        await _check_revoker(session, row, authority, now=now)
        await _check_not_last(session, row, now=now)
    row.ended_at, row.ended_by = now, str(actor)
    revoked = catalogue.AccessRevoked(grant_id=row.id, person_id=row.person_id)
    await publish(session, revoked, Why(actor), now=now)
    return row


async def revoke_in_name(session: AsyncSession, grant_id: UUID, *, revoker: Person, now: datetime) -> AccessGrant:
    """As the person would on the page. Raises what `revoke` raises."""
    authority, actor = await authority_of(session, revoker, now=now), person_actor(revoker.id)
    await check_held(session, authority, Permission.ACCESS_GRANT, now=now)
    return await revoke(session, grant_id, actor=actor, authority=authority, now=now)


async def _living(session: AsyncSession, grant_id: UUID, *, for_update: bool = False) -> AccessGrant:
    row = await session.get(AccessGrant, grant_id, with_for_update={"key_share": True} if for_update else None)
    if row is None or row.ended_at is not None:
        raise NoSuchGrant("没有这项授权，或它已收回", "There is no such grant, or it was revoked")
    return row


async def _check_revoker(session: AsyncSession, row: AccessGrant, authority: Authority, *, now: datetime) -> None:
    rule = bundles_of((await policies.in_force(session, now=now)).document).get(row.bundle)
    if rule is not None:
        place = await sight_at(session, Reach(row.reach), row.place)
        await check_goes_as_far(session, rule, place, authority, now=now)
    elif not authority.sight_of(Permission.ACCESS_GRANT).everything:
        # What the bundle gave is not known any more.
        raise MoreThanHeld(
            "制度中已没有这个权限组，请由可以在全公司授权的人收回",
            "The policy has this bundle no more: ask somebody who may grant in the whole company",
            permission=Permission.ACCESS_GRANT.value,
        )


async def _check_not_last(session: AsyncSession, row: AccessGrant, *, now: datetime) -> None:
    if await _left_without(session, row, now=now) == []:
        person = await org.person(session, PersonId(row.person_id))
        name = person.name if person else ""
        raise LastAdministrator(
            f"{quoted(name)}是最后一位可以在全公司授权的人，不能收回。请先授予另一位，再来收回",
            f"{name} is the last who may grant in the whole company. Grant it to somebody else first",
        )


async def _left_without(session: AsyncSession, row: AccessGrant, *, now: datetime) -> list[Person] | None:
    """Who may grant in the whole company when this one is gone; None when it does not give that."""
    giving = bundles_of((await policies.in_force(session, now=now)).document).get(row.bundle)
    if giving is None or Permission.ACCESS_GRANT not in giving.permissions or row.reach != Reach.COMPANY.value:
        return None
    return await holders_of(session, Permission.ACCESS_GRANT, now=now, without=row.id)
