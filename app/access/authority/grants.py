"""Giving bundles of permissions (D21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority import queries
from app.access.authority.decide import Authority
from app.access.authority.holders import check_held
from app.access.authority.holdings import Holding, bundles_of, holdings_of, sight_at
from app.access.errors import AlreadyGranted, CannotSignIn, MoreThanHeld, UnknownBundle, WrongPlace
from app.audit.actor import Actor, person_actor
from app.audit.why import Why
from app.dual_control import TwoPersonAct
from app.events.service import catalogue, publish
from app.org import queries as org
from app.org.rules import MAY_ACT, department_written, may_act, why_not
from app.org.service import PEOPLE_BY_NAME
from app.permissions import Permission, Reach, Sight
from app.policy import service as policies
from app.policy.sections.access import BundleRule
from app.quotes import quoted
from models.access import AccessGrant
from models.org import Person

ADMINISTRATOR: Final = "administrator"
"""The bundle of whoever comes in by the first link."""

_LONGEST: Final = timedelta(days=3_650)


@dataclass(frozen=True)
class Wanted:
    """A bundle that somebody is to have."""

    person: Person
    bundle: str
    reason: str
    reach: Reach = Reach.COMPANY
    place: str = ""
    """The department's or the group's id."""
    ends_at: datetime | None = None


async def administrators(session: AsyncSession, *, now: datetime) -> list[Person]:
    """Everybody who may grant access in the whole company and can act."""
    policy = await policies.in_force(session, now=now)
    giving = [name for name, rule in bundles_of(policy.document).items() if Permission.ACCESS_GRANT in rule.permissions]
    statement = (
        select(Person)
        .join(AccessGrant, col(AccessGrant.person_id) == col(Person.id))
        .where(col(AccessGrant.bundle).in_(giving), col(AccessGrant.reach) == Reach.COMPANY.value)
        .where(col(AccessGrant.ended_at).is_(None), col(Person.status).in_(MAY_ACT))
        .where(or_(col(AccessGrant.ends_at).is_(None), col(AccessGrant.ends_at) > now))
        .order_by(*PEOPLE_BY_NAME)
    )
    return list((await session.scalars(statement)).unique())


async def grant_administration(session: AsyncSession, person: Person, *, actor: Actor, now: datetime) -> AccessGrant:
    """What comes with the first link."""
    wanted = Wanted(person, ADMINISTRATOR, "第一位系统管理员（一次性链接）")
    return await _give(session, wanted, actor=actor, now=now)


async def grant(
    session: AsyncSession, wanted: Wanted, *, actor: Actor, authority: Authority | None, now: datetime
) -> AccessGrant:
    """Give somebody a bundle. `authority` is what the grantor holds; None for an operator at the command line.

    Raises `UnknownBundle`, `WrongPlace`, `CannotSignIn`, `AlreadyGranted`, and `MoreThanHeld` when the bundle, its
    place or its end goes further than the grantor's own, and for a grant to oneself.
    """
    rule = await check_wanted(session, wanted, now=now)
    if authority is not None:
        await check_giver(session, wanted, rule, actor=actor, authority=authority, now=now)
    return await _give(session, wanted, actor=actor, now=now)


async def check_wanted(session: AsyncSession, wanted: Wanted, *, now: datetime) -> BundleRule:
    """What would be given. Raises `UnknownBundle`, `WrongPlace`, `CannotSignIn`, `AlreadyGranted`."""
    rule = await _known_bundle(session, wanted.bundle, now=now)
    await _check_place(session, wanted, now=now)
    if not may_act(wanted.person):
        raise CannotSignIn(
            f"{quoted(wanted.person.name)}的账号{why_not(wanted.person)}，不能授予",
            f"{wanted.person.name} cannot act now ({wanted.person.status.value})",
        )
    await _check_new(session, wanted, now=now)
    return rule


async def check_giver(
    session: AsyncSession, wanted: Wanted, rule: BundleRule, *, actor: Actor, authority: Authority, now: datetime
) -> None:
    """Raises `MoreThanHeld`, and `NotPermitted` for who may grant nothing."""
    _check_other(wanted.person, actor)
    place = await sight_at(session, wanted.reach, wanted.place)
    await check_goes_as_far(session, rule, place, authority, now=now)
    _check_held_as_long(rule, place, authority, wanted.ends_at)


async def is_wide(session: AsyncSession, wanted: Wanted) -> bool:
    """Whether it makes somebody a second person: acts of two people are confirmed by who holds their permission in the
    whole company. A department that has none above it is the company too.
    """
    if wanted.reach is not Reach.DEPARTMENT:
        return wanted.reach is Reach.COMPANY
    number = department_written(wanted.place)
    found = await org.department(session, number) if number is not None else None
    return found is not None and (found.parent_id is None or await org.department(session, found.parent_id) is None)


async def _known_bundle(session: AsyncSession, name: str, *, now: datetime) -> BundleRule:
    bundles = bundles_of((await policies.in_force(session, now=now)).document)
    if name not in bundles or bundles[name].reach is Reach.OWN:
        offered = [key for key, rule in bundles.items() if rule.reach is not Reach.OWN]
        listed = "、".join(f"{key}（{bundles[key].title}）" for key in offered)
        raise UnknownBundle(
            f"没有可以授予的权限组{quoted(name)}，可选：{listed}",
            f"There is no bundle {name} to grant; there are {', '.join(offered)}",
        )
    return bundles[name]


async def _check_place(session: AsyncSession, wanted: Wanted, *, now: datetime) -> None:
    if wanted.ends_at is not None and not now < wanted.ends_at <= now + _LONGEST:
        raise WrongPlace("截止日期应在将来，最长十年", "The end has to be in the future, within ten years")
    match wanted.reach:
        case Reach.COMPANY if not wanted.place:
            return
        case Reach.DEPARTMENT if (number := department_written(wanted.place)) is not None:
            if await org.department(session, number) is not None:
                return
        case Reach.GROUP if _is_uuid(wanted.place):
            return
        case _:
            pass
    raise WrongPlace(
        "范围不对：全公司不写编号；部门写现有部门的编号；群写群的 id",
        "Wrong place: none for the company, the id of a department that exists, or the id of a group",
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _check_other(person: Person, actor: Actor) -> None:
    """Whoever could grant to themselves would put off their own end."""
    if actor == person_actor(person.id):
        raise MoreThanHeld("不能给自己授予权限，请由其他人授予", "You cannot grant to yourself: ask somebody else")


async def check_goes_as_far(
    session: AsyncSession, rule: BundleRule, place: Sight, authority: Authority, *, now: datetime
) -> None:
    """Nobody grants more than they hold, nor further than they hold it."""
    await check_held(session, authority, Permission.ACCESS_GRANT, now=now)
    if (permission := _short_of(rule, place, authority)) is not None:
        raise MoreThanHeld(
            "这个权限组或范围超出了您自己的权限，请由权限更大的人授予",
            f"It goes further than what you hold yourself ({permission.value}): ask somebody who holds more",
            permission=permission.value,
        )


def _check_held_as_long(rule: BundleRule, place: Sight, authority: Authority, end: datetime | None) -> None:
    """Nor for longer: only what lasts until `end` counts. What somebody is has no end."""
    lasting = Authority([one for one in authority.holdings if _lasts(one, end)])
    if (permission := _short_of(rule, place, lasting)) is not None:
        raise MoreThanHeld(
            "您自己的权限在此之前到期，请填写不晚于它的截止日期",
            f"What you hold yourself ends before that ({permission.value}): name an end that is not later",
            permission=permission.value,
        )


def _lasts(holding: Holding, end: datetime | None) -> bool:
    own_end = holding.grant.ends_at if holding.grant is not None else None
    return own_end is None or (end is not None and end <= own_end)


def _short_of(rule: BundleRule, place: Sight, authority: Authority) -> Permission | None:
    """The first permission that the authority does not hold in the whole place; None when there is none."""
    for permission in (Permission.ACCESS_GRANT, *rule.permissions):
        held = authority.sight_of(permission)
        reaches = held.everything or (
            not place.everything and place.departments <= held.departments and place.groups <= held.groups
        )
        if not reaches:
            return permission
    return None


async def _give(session: AsyncSession, wanted: Wanted, *, actor: Actor, now: datetime) -> AccessGrant:
    # Two at once would both find nothing: the second waits for the first.
    theirs = select(col(Person.id)).where(col(Person.id) == wanted.person.id)
    await session.execute(theirs.with_for_update(key_share=True))
    await _check_new(session, wanted, now=now)
    row = AccessGrant(
        person_id=wanted.person.id,
        bundle=wanted.bundle,
        reach=wanted.reach.value,
        place=wanted.place,
        reason=wanted.reason,
        granted_by=str(actor),
        granted_at=now,
        ends_at=wanted.ends_at,
    )
    session.add(row)
    await session.flush()
    details = {"bundle": wanted.bundle, "reach": wanted.reach.value, "place": wanted.place, "reason": wanted.reason}
    granted = catalogue.AccessGranted(grant_id=row.id, person_id=wanted.person.id)
    await publish(session, granted, Why(actor), now=now, details=details)
    return row


async def _check_new(session: AsyncSession, wanted: Wanted, *, now: datetime) -> None:
    same = select(AccessGrant).where(
        col(AccessGrant.person_id) == wanted.person.id,
        col(AccessGrant.bundle) == wanted.bundle,
        col(AccessGrant.reach) == wanted.reach.value,
        col(AccessGrant.place) == wanted.place,
        col(AccessGrant.ended_at).is_(None),
        or_(col(AccessGrant.ends_at).is_(None), col(AccessGrant.ends_at) > now),
    )
    if (await session.scalars(same.limit(1))).first() is not None:
        raise AlreadyGranted(
            f"{quoted(wanted.person.name)}已有这个权限组；要改截止日期请先收回",
            f"{wanted.person.name} has this bundle already; revoke it first to change its end",
        )


async def grant_in_name(session: AsyncSession, wanted: Wanted, *, giver: Person, now: datetime) -> AccessGrant:
    """As the person would on the page, with what they hold and no more. Raises what `grant` raises, and
    `TwoPeopleNeeded` for a wide one: a key that gave it alone in one name would make the second person of every act.
    """
    if await is_wide(session, wanted):
        await policies.check_alone(session, TwoPersonAct.ACCESS_GRANT, now=now, in_a_name=True)
    authority, actor = await authority_of(session, giver, now=now), person_actor(giver.id)
    return await grant(session, wanted, actor=actor, authority=authority, now=now)


async def living_grants(session: AsyncSession, *, now: datetime) -> list[AccessGrant]:
    """Everybody's, the latest first."""
    return list(await session.scalars(queries.living(now=now).order_by(col(AccessGrant.id).desc())))


async def authority_of(session: AsyncSession, person: Person, *, now: datetime) -> Authority:
    """What somebody holds now."""
    return Authority(await holdings_of(session, person, now=now))
