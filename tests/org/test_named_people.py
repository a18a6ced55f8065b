"""People as lists name them: also who has left, and without a statement for each."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.org.service import named_people
from models.ids import new_id
from models.org import PersonStatus
from tests.builders import org


async def test_the_main_department_stands_first(session: AsyncSession) -> None:
    for number, name in enumerate(["甲部", "乙部", "丙部"], start=1):
        await org.department(session, number, name)
    person = await org.person(session, "WangFang", "王芳", departments=[3, 1])
    named = (await named_people(session, [person.id, person.id]))[person.id]
    assert (named.name, named.userid, named.departments) == ("王芳", "WangFang", ("丙部", "甲部"))
    assert named.department == "丙部、甲部"


async def test_who_has_left_is_named_as_until_then(session: AsyncSession) -> None:
    await org.department(session, 1, "甲部")
    left = await org.person(session, "li", "李军", departments=[1], status=PersonStatus.LEFT)
    stays = await org.person(session, "wang", "王芳", departments=[1])
    named = await named_people(session, [left.id, stays.id])
    assert (named[left.id].userid, named[left.id].departments) == ("li", ("甲部",))
    assert named[left.id].status is PersonStatus.LEFT
    assert named[stays.id].departments == ("甲部",)


async def test_who_is_in_no_department_and_who_is_unknown(session: AsyncSession) -> None:
    alone = await org.person(session, "chen", "陈晨")
    nobody: UUID = new_id()
    named = await named_people(session, [alone.id, nobody])
    assert named[alone.id].department == ""
    assert nobody not in named
