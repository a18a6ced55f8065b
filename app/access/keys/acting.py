"""In whose name a key may act: the one place that says so for every write that names a person who acts (D21)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.errors import MayNotActAs, UnknownDepartment
from app.audit.actor import PERSON_OF_REQUEST, person_actor
from app.org import queries as org_queries
from app.org import service as org
from app.quotes import quoted
from app.web.deps import Caller
from app.web.scopes import ActsFor
from models.access import ActAs
from models.ids import PersonId
from models.org import Person

_SHOWN = 5
"""Departments that a sentence names."""


async def person_acting(session: AsyncSession, caller: Caller, *, userid: str) -> Person:
    """Who acts: whom the userid names, when this key may act in their name. From here on the trail names both.

    Raises `MayNotActAs`, or `PersonUnknown` where the key may act for somebody.
    """
    if caller.acts_for.who is ActAs.NOBODY:
        # Before the look-up: whoever may act for nobody learns nothing about who there is.
        raise _for_nobody(caller)
    person = await org.person_named(session, userid)
    await check_may_act_as(session, caller, person_id=PersonId(person.id))
    return person


async def check_may_act_as(session: AsyncSession, caller: Caller, *, person_id: PersonId) -> None:
    """The same of somebody whom our rows name and no body, such as the one who may withdraw. Raises `MayNotActAs`."""
    if caller.acts_for.who is ActAs.NOBODY:
        raise _for_nobody(caller)
    if not await _covers(session, caller.acts_for, person_id):
        raise await _outside(session, caller, person_id)
    PERSON_OF_REQUEST.set(person_actor(person_id))


async def _covers(session: AsyncSession, acts_for: ActsFor, person_id: PersonId) -> bool:
    if acts_for.who is not ActAs.DEPARTMENTS:
        return acts_for.who is ActAs.ANYBODY
    places = (await org_queries.departments_of_people(session, [person_id])).get(person_id, set())
    return bool(places.intersection(await org_queries.departments_below(session, acts_for.departments)))


def _for_nobody(caller: Caller) -> MayNotActAs:
    return MayNotActAs(
        f"接口密钥{quoted(caller.name)}不能代任何人办理；需要的话，请管理员用 act_as 指定它可以代谁办理",
        f"The API key {quoted(caller.name)} may act in nobody's name; an administrator says with act_as in whose",
        act_as=caller.acts_for.who.value,
    )


async def _outside(session: AsyncSession, caller: Caller, person_id: PersonId) -> MayNotActAs:
    person = await org_queries.person(session, person_id)
    name = person.name if person is not None else ""
    known = await department_names(session, caller.acts_for.departments)
    names = "、".join(known[:_SHOWN]) + (f"等 {len(known)} 个部门" if len(known) > _SHOWN else "")
    return MayNotActAs(
        f"接口密钥{quoted(caller.name)}只能代这些部门及其下级的人办理：{names}；{name} 不在其中",
        f"The API key {quoted(caller.name)} may act for people of these departments and below them: {names}; "
        f"{name} is not one of them",
        act_as=caller.acts_for.who.value,
    )


async def department_names(session: AsyncSession, department_ids: Iterable[int]) -> list[str]:
    """In their order; one that we do not know by its number."""
    ids = list(department_ids)
    return named_among(await org_queries.department_names(session, ids), ids)


def named_among(known: Mapping[int, str], department_ids: Iterable[int]) -> list[str]:
    return [known.get(one) or f"部门 {one}" for one in department_ids]


async def check_departments(session: AsyncSession, acts_for: ActsFor) -> None:
    """Departments are named where the key acts for departments, and there only. Raises `UnknownDepartment`."""
    if (acts_for.who is ActAs.DEPARTMENTS) != bool(acts_for.departments):
        raise UnknownDepartment(
            "act_as 为 departments 时要写 act_as_departments，其他时候不写",
            "act_as_departments belongs to act_as departments, and to nothing else",
        )
    unknown = [one for one in acts_for.departments if await org_queries.department(session, one) is None]
    if unknown:
        listed = ", ".join(str(one) for one in unknown)
        raise UnknownDepartment(f"没有部门 {listed}", f"There is no department {listed}")
