"""May they, and why: asked by pages, exports, searches and routers alike (D21)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.authority.holdings import Holding
from app.audit.why import About
from app.manifest import registry_of
from app.permissions import Permission, Reach, Sight, Words
from app.policy.sections.access import EVERYONE


@dataclass(frozen=True)
class Authority:
    """What one person holds, read once for a request."""

    holdings: Sequence[Holding]

    def holds(self, permission: Permission) -> bool:
        """Anywhere at all: whether a page is worth a link."""
        return any(permission in holding.permissions for holding in self.holdings)

    def sight_of(self, permission: Permission) -> Sight:
        """How far the permission goes, everything that gives it taken together."""
        sight = Sight()
        for holding in self._giving(permission):
            sight |= holding.sight
        return sight

    def reasons_for(self, permission: Permission) -> list[Words]:
        """Why they hold it, each reason once."""
        return list(dict.fromkeys(holding.because for holding in self._giving(permission)))

    def beyond_own(self) -> Authority:
        """Without what reaches no further than the person: it opens no register, and no list of others."""
        return Authority([one for one in self.holdings if one.rule.reach is not Reach.OWN])

    def beyond_everybody(self) -> Authority:
        """Without what everybody has: whether they run something."""
        return Authority([one for one in self.holdings if one.rule.derived != EVERYONE])

    def _giving(self, permission: Permission) -> Iterable[Holding]:
        return (holding for holding in self.holdings if permission in holding.permissions)


@dataclass(frozen=True)
class Answer:
    """Whether somebody may, and why."""

    may: bool
    because: Words | None = None
    """The reason that gives it. None when they may not."""


async def may(
    session: AsyncSession, authority: Authority, permission: Permission, about: About | None = None
) -> Answer:
    """Whether the permission covers this object; without one, whether it is held anywhere.

    The question about an object is the same SQL that its lists are made with (`Domain.objects`). A kind without one is
    a matter of the whole company.
    """
    for holding in authority.holdings:
        if permission not in holding.permissions:
            continue
        if about is None or await _covers(session, holding.sight, about):
            return Answer(may=True, because=holding.because)
    return Answer(may=False)


async def covers(session: AsyncSession, authority: Authority, permission: Permission, about: About) -> bool:
    """`may` without the reason: asked once, with everything that gives the permission taken together."""
    return await _covers(session, authority.sight_of(permission), about)


async def _covers(session: AsyncSession, sight: Sight, about: About) -> bool:
    is_seen = registry_of(session).objects.get(about.kind)
    return sight.everything if is_seen is None else bool(await is_seen(session, sight, about.id))
