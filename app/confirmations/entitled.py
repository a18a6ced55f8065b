"""Who may ask and confirm: whoever holds the permission of the act in the whole company today, and what this one needs
beside it. Lists, pages, what waits and the answer itself ask the same.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service as access
from app.confirmations.errors import NotTheirsToConfirm, UnknownAct
from app.dual_control import Needs, TwoPersonHandler
from app.manifest import registry_of
from app.org import queries as org
from app.org.rules import may_act
from app.permissions import TITLES, Permission
from app.quotes import quoted
from models.confirmations import Confirmation
from models.ids import PersonId
from models.org import Person


def handler_of(session: AsyncSession, act: str) -> TwoPersonHandler:
    """Raises `UnknownAct`, also for one that has a name and nothing behind it yet."""
    handler: TwoPersonHandler | None = registry_of(session).two_person_acts.get(act)
    if handler is None:
        known = ", ".join(sorted(registry_of(session).two_person_acts))
        raise UnknownAct(f"没有操作 {act}；可选：{known}", f"There is no act {act}; there are {known}")
    return handler


async def held_by(session: AsyncSession, person_id: UUID, *, now: datetime) -> frozenset[str]:
    """What one person holds in the whole company: the same as `access.holders_of`, from the other end."""
    person = await org.person(session, PersonId(person_id))
    if person is None or not may_act(person):
        return frozenset()
    authority = (await access.authority_of(session, person, now=now)).beyond_everybody()
    return frozenset(one.value for one in Permission if authority.sight_of(one).everything)


def may_answer(row: Confirmation, person_id: UUID, held: Collection[str]) -> bool:
    """By what they hold. `queries.answerable_by` is the same in SQL."""
    return bool(row.needed) and person_id not in row.not_by and set(row.needed) <= set(held)


def stored(row: Confirmation, handler: TwoPersonHandler) -> Needs:
    """What was needed when it was asked."""
    more = [Permission(one) for one in row.needed if one != handler.permission.value]
    return Needs({one: TITLES[one] for one in more}, frozenset(row.not_by))


async def entitled(session: AsyncSession, handler: TwoPersonHandler, needs: Needs, *, now: datetime) -> list[Person]:
    """Everybody who may, by name."""
    people = await access.holders_of(session, handler.permission, now=now)
    for permission in needs.permissions:
        others = {one.id for one in await access.holders_of(session, permission, now=now)}
        people = [one for one in people if one.id in others]
    return [one for one in people if one.id not in needs.not_by]


async def check(
    session: AsyncSession, handler: TwoPersonHandler, needs: Needs, person: Person, *, now: datetime
) -> None:
    """Whoever asks or confirms may do it now, whatever they could when a card was sent. Raises `NotTheirsToConfirm`."""
    if person.id in needs.not_by:
        raise NotTheirsToConfirm(
            f"这项操作给 {person.name} 本人权限，要由其他人提出和确认",
            f"It gives {person.name} something: others ask and confirm",
        )
    for permission, because in {handler.permission: None, **needs.permissions}.items():
        holders = await access.holders_of(session, permission, now=now)
        if any(person.id == one.id for one in holders):
            continue
        title = TITLES[permission]
        why, in_english = (f"{because.chinese}：", f"{because.english}: ") if because else ("", "")
        raise NotTheirsToConfirm(
            f"{why}{person.name} 没有在全公司{quoted(title.chinese)}的权限",
            f"{in_english}{person.name} may not {title.english} in the whole company",
            permission=permission.value,
        )


def lost(handler: TwoPersonHandler) -> NotTheirsToConfirm:
    """For somebody who had a card, and holds what it needs no more."""
    return NotTheirsToConfirm(
        f"请您确认{quoted(handler.title.chinese)}时，您有在全公司办理它的权限；现在没有了，所以不能再查看和答复",
        f"You were asked to {handler.title.english} while you might in the whole company; you may not any more",
        permission=handler.permission.value,
    )
