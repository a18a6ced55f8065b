"""What somebody holds: by what they are, by a role of the policy, or by a grant; each with its reason (D21)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority import queries
from app.audit.actor import Actor, ActorKind
from app.errors import WrongState
from app.manifest import registry_of
from app.org import queries as org
from app.permissions import Permission, Reach, Sight, Standing, Words
from app.policy import service as policies
from app.policy.schema import PolicyDocument
from app.policy.sections.access import EVERYONE, BundleRule
from app.policy.sections.people import Expression
from app.policy.service import Policy
from app.quotes import quoted
from app.roles import service as roles
from models.access import AccessGrant
from models.ids import PersonId
from models.org import Person


@dataclass(frozen=True)
class Holding:
    """One bundle in one place."""

    bundle: str
    rule: BundleRule
    sight: Sight
    because: Words
    """Reads on after 因为 and "because": 您是销售部负责人."""
    grant: AccessGrant | None = None

    def said_of(self, name: str) -> Words:
        """The same about somebody else: 李军是销售部负责人."""
        return Words(
            self.because.chinese.replace("您", name, 1),
            re.sub(r"^you (\w+)", rf"{name} \1s", self.because.english, count=1),
        )

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset(self.rule.permissions)


def bundles_of(document: PolicyDocument) -> Mapping[str, BundleRule]:
    """Those of the document; of one that is older than the section, those of the default document."""
    access = document.access or policies.default_document().access
    if access is None:
        raise WrongState("the default policy has no bundles of permissions")
    return access.bundles


async def holdings_of(session: AsyncSession, person: Person, *, now: datetime) -> list[Holding]:
    """Everything that the person holds now, what they are before what they were given."""
    policy = await policies.in_force(session, now=now)
    bundles = bundles_of(policy.document)
    named = {expression for rule in bundles.values() for expression in rule.held_by}
    theirs = await roles.held_by(session, person, named, policy.document)
    held: list[Holding] = []
    for name, rule in bundles.items():
        held += await _derived(session, person, name, rule)
        if because := _by_role(rule, theirs, policy):
            held.append(Holding(name, rule, Sight(everything=True), because))
    return held + await _granted(session, person, bundles, now=now)


async def _derived(session: AsyncSession, person: Person, name: str, rule: BundleRule) -> list[Holding]:
    if rule.derived is None:
        return []
    if rule.derived == EVERYONE:
        sight = Sight(everything=True) if rule.reach is Reach.COMPANY else Sight(person_id=person.id)
        return [Holding(name, rule, sight, Words("您是公司员工", "you work here"))]
    standing_of = registry_of(session).standings.get(rule.derived)
    standings: Sequence[Standing] = await standing_of(session, person) if standing_of else ()
    return [Holding(name, rule, one.sight, one.because) for one in standings]


def _by_role(rule: BundleRule, theirs: Collection[Expression], policy: Policy) -> Words | None:
    for expression in rule.held_by:
        if expression in theirs:
            title = roles.title_of(expression, policy.document)
            return Words(f"您担任{quoted(title)}", f"you hold the role {title}")
    return None


async def _granted(
    session: AsyncSession, person: Person, bundles: Mapping[str, BundleRule], *, now: datetime
) -> list[Holding]:
    # A policy that names the bundle no more takes it from whoever had it.
    living = [one for one in await grants_of(session, PersonId(person.id), now=now) if one.bundle in bundles]
    return [
        Holding(one.bundle, bundles[one.bundle], await _sight_of(session, one), await _why(session, one), one)
        for one in living
    ]


async def grants_of(session: AsyncSession, person_id: PersonId, *, now: datetime) -> list[AccessGrant]:
    """Living ones, in the order in which they were given."""
    statement = queries.living(person_id=person_id, now=now).order_by(col(AccessGrant.id))
    return list(await session.scalars(statement))


async def _sight_of(session: AsyncSession, grant: AccessGrant) -> Sight:
    return await sight_at(session, Reach(grant.reach), grant.place)


async def sight_at(session: AsyncSession, reach: Reach, place: str) -> Sight:
    """How far a bundle goes that holds there. `place` was checked when it was granted."""
    match reach:
        case Reach.COMPANY:
            return Sight(everything=True)
        case Reach.DEPARTMENT:
            return Sight(departments=frozenset(await org.departments_below(session, [int(place)])))
        case Reach.GROUP:
            return Sight(groups=frozenset([UUID(place)]))
        case Reach.OWN:
            return Sight()


async def _why(session: AsyncSession, grant: AccessGrant) -> Words:
    by = Actor.parse(grant.granted_by)
    giver = await org.person(session, PersonId(UUID(by.id))) if by.kind is ActorKind.PERSON else None
    chinese = giver.name if giver else "服务的管理员"
    english = giver.name if giver else "the operator"
    until = f"，到 {grant.ends_at:%Y-%m-%d} 为止" if grant.ends_at else ""
    until_english = f" until {grant.ends_at:%Y-%m-%d}" if grant.ends_at else ""
    return Words(f"{chinese}授予了您（{grant.reason}）{until}", f"{english} granted it ({grant.reason}){until_english}")
