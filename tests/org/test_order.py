"""Whoever reads a list finds people by pinyin and departments as WeCom has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest
from alembic import command
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries as announcements
from app.announcements.shown.followed import receipts_of
from app.bootstrap import REGISTRY
from app.database import create_engine, create_sessions, migrate, migration_config, portions_of, transaction
from app.groups.directory.administered import roster_of
from app.org import presentation, queries
from app.org.lists import MemberFilter
from app.org.search import keep
from app.org.search.spelling import sorting_key
from app.org.service import (
    by_name,
    departments_by_id,
    departments_seen,
    first_departments,
    named_people,
    people_lines,
    people_seen,
    search_departments,
    search_people,
)
from app.permissions import Sight
from app.web.pagination import PageQuery
from models.ids import AnnouncementId, GroupId
from models.org import Department, Person
from tests.builders import announcements as announcing
from tests.builders import groups, org
from tests.builders.policy import policy_in_force
from tests.databases import clone, dsn
from tests.fakes.clock import MONDAY_9AM

IN_ORDER = [
    "3M联络处",
    "阿里·木江",
    "Alice Wang",
    "白露",
    "bob",
    "单雄信",
    "王芳",
    "王芳",
    "曾国藩",
    "詹一",
    "张三",
    "張三",
    "章三",
    "张三丰",
    "章四",
    "张五",
    "😀",
    "\U0002ebf0",
]
"""A surname as it is read as one (曾 zēng, 单 shàn); syllable by syllable; who sounds alike by their own signs; whom
nobody can read behind the others."""

EVERYTHING = Sight(everything=True)


async def spell(session: AsyncSession) -> None:
    await keep.spell_departments(session)
    await keep.spell_people(session, await keep.people_to_spell(session))
    session.expunge_all()


async def hired(session: AsyncSession, names: Sequence[str] = IN_ORDER) -> list[Person]:
    """In an order that is neither that of the names nor of their signs."""
    mixed = sorted(enumerate(names), key=lambda one: one[0] * 7 % len(names))
    return [await org.person(session, f"mixed{number}", name, departments=[1]) for number, name in mixed]


async def read_on(page_of: Callable[[PageQuery], Awaitable[Any]], *, at_once: int) -> list[Any]:
    """Page by page to the end."""
    page = await page_of(PageQuery(None, at_once))
    items = list(page.items)
    while page.next_cursor is not None:
        page = await page_of(PageQuery(page.next_cursor, at_once))
        items += page.items
    return items


def test_the_keys_are_in_the_order_of_the_names() -> None:
    assert sorted(set(IN_ORDER), key=lambda name: sorting_key(name, of_people=True)) == list(dict.fromkeys(IN_ORDER))


def test_a_key_fits_an_index_however_long_the_name_is() -> None:
    assert len(sorting_key("张" * 64, of_people=True).encode()) < 1000


class TestPeople:
    async def test_every_list_goes_by_pinyin(self, session: AsyncSession) -> None:
        await org.department(session, 1)
        people = await hired(session)
        await spell(session)
        wanted = MemberFilter(sight=EVERYTHING)

        page = await people_seen(session, wanted)
        assert [line.person.name for line in page.items] == IN_ORDER
        lines = [line.person.name async for part in people_lines(session, wanted) for line in part]
        assert lines == IN_ORDER
        assert await queries.names_of(session, [one.id for one in people]) == IN_ORDER
        named = await named_people(session, [one.id for one in people])
        assert [one.name for one in sorted(named.values(), key=by_name)] == IN_ORDER
        found = await search_people(session, "zhang")
        assert [one.name for one in found] == ["张三", "張三", "章三", "张三丰", "章四", "张五"]

    async def test_the_other_way_round(self, session: AsyncSession) -> None:
        await org.department(session, 1)
        await hired(session)
        await spell(session)
        page = await people_seen(session, MemberFilter(sight=EVERYTHING), sort="-name")
        assert [line.person.name for line in page.items] == IN_ORDER[::-1]

    @pytest.mark.parametrize("limit", [1, 2, 5])
    async def test_the_boundary_of_a_page_loses_nobody(self, session: AsyncSession, limit: int) -> None:
        await org.department(session, 1)
        people = await hired(session, [*IN_ORDER, "张三", "章三", "王芳"])
        await spell(session)
        wanted = MemberFilter(sight=EVERYTHING)
        lines = await read_on(lambda page: people_seen(session, wanted, page=page), at_once=limit)
        seen = [line.person for line in lines]
        assert len(seen) == len({one.id for one in seen}) == len(people)
        assert seen == sorted(seen, key=by_name)

    async def test_somebody_new_stands_behind_the_others_until_the_name_is_spelled(self, session: AsyncSession) -> None:
        await org.department(session, 1)
        await hired(session, ["张三", "李四"])
        await spell(session)
        await org.person(session, "new", "阿真", departments=[1])

        async def listed() -> list[str]:
            return [line.person.name for line in (await people_seen(session, MemberFilter(sight=EVERYTHING))).items]

        assert await listed() == ["李四", "张三", "阿真"]
        await spell(session)
        assert await listed() == ["阿真", "李四", "张三"]

    async def test_a_new_name_moves_a_person_and_is_no_change_of_theirs(self, session: AsyncSession) -> None:
        await org.department(session, 1)
        [first, *_] = await hired(session, ["张三", "李四"])
        await spell(session)
        await session.execute(update(Person).where(col(Person.id) == first.id).values(name="艾三"))
        await spell(session)
        page = await people_seen(session, MemberFilter(sight=EVERYTHING))
        assert [line.person.name for line in page.items] == ["艾三", "李四"]
        assert {line.updated_at for line in page.items} == {MONDAY_9AM}


class TestRowsAboutPeople:
    async def test_the_roster_of_a_group(self, session: AsyncSession) -> None:
        await org.department(session, 1)
        people = await hired(session)
        group = await groups.group(session, owner=people[0], members=people[1:])
        await spell(session)
        lines = await read_on(lambda page: roster_of(session, GroupId(group.id), page=page), at_once=4)
        assert [line.person.name for line in lines] == IN_ORDER

    async def test_the_receipts_of_an_announcement_and_their_file(self, session: AsyncSession) -> None:
        await org.department(session, 1)
        author, *_ = await hired(session)
        await policy_in_force(session)
        await groups.app(session)
        userids = [f"mixed{number}" for number in range(len(IN_ORDER))]
        row = await announcing.announcement(session, author, people=userids, receipt=True)
        await spell(session)
        number = AnnouncementId(row.id)
        lines = await read_on(
            lambda page: receipts_of(session, number, state=None, sight=EVERYTHING, page=page), at_once=4
        )
        concerned = [name for name in IN_ORDER if name != author.name]
        assert [line.person.name for line in lines] == concerned
        statement = announcements.in_order(announcements.receipts(number, state=None))
        in_file = [one.person_id async for part in portions_of(session, statement) for one in part]
        named = await named_people(session, in_file)
        assert [named[one].name for one in in_file] == concerned


class TestDepartments:
    async def test_every_list_is_in_the_order_of_wecom(self, session: AsyncSession) -> None:
        """Within one parent the larger `order` first, then by pinyin."""
        await org.department(session, 1, "总部")
        for number, name, parent, order in (
            (2, "中心", 1, 0),
            (3, "安保", 1, 0),
            (4, "研发", 1, 4294967295),
            (5, "市场", 1, 10),
            (6, "乙组", 4, 1),
            (7, "甲组", 4, 1),
            (8, "丙组", 4, 2),
        ):
            await org.department(session, number, name, parent=parent, order=order)
        await spell(session)
        in_order = ["总部", "研发", "市场", "安保", "中心", "丙组", "甲组", "乙组"]

        assert [one.name for one in (await departments_seen(session, EVERYTHING)).items] == in_order
        within = col(Department.ended_at).is_(None)
        assert [one.name for one in await first_departments(session, within=within)] == in_order
        assert [one.name for one in await departments_by_id(session, range(1, 9), within=within)] == in_order
        assert [one.name for one in await search_departments(session, "组")] == ["丙组", "甲组", "乙组"]

        [top] = presentation.tree(await queries.all_departments(session)).items
        assert [one.name for one in top.children] == ["研发", "市场", "安保", "中心"]
        assert [one.name for one in top.children[0].children] == ["丙组", "甲组", "乙组"]

    async def test_the_boundary_of_a_page_loses_none(self, session: AsyncSession) -> None:
        await org.department(session, 1, "总部")
        for number in range(2, 12):
            name = "同名" if number % 2 else f"第{number}"
            await org.department(session, number, name, parent=1 + number % 3, order=number % 4)
        await spell(session)
        whole = [one.id for one in (await departments_seen(session, EVERYTHING)).items]
        lines = await read_on(lambda page: departments_seen(session, EVERYTHING, page=page), at_once=2)
        assert [one.id for one in lines] == whole
        assert len(whole) == 11


KEYS = text("SELECT name, name_key FROM people")
BEFORE = "0038_entries_by_person"
OLD_NAMES = ["张三", "詹一", "单雄信", "Alice Wang", "欧阳娜娜", "重庆", "3M联络处", "\U0002ebf0"]


async def test_an_upgrade_sorts_who_is_there(server_url: str, template: str) -> None:
    """By what they are spelled already, as the worker would; who is not spelled stands behind them. And back."""
    async with clone(server_url, template) as url:
        engine = create_engine(url)
        try:
            async with transaction(create_sessions(engine, registry=REGISTRY)) as session:
                await org.department(session, 1, "重庆分公司")
                await hired(session, OLD_NAMES)
                await org.person(session, "emoji", "😀")
                await session.execute(update(Person).where(col(Person.name) == "😀").values(alias="笑"))
                await spell(session)
                await org.person(session, "unspelled", "阿真")
                kept = {row.name: row.name_key for row in await session.execute(KEYS)}
        finally:
            await engine.dispose()
        assert kept == {name: sorting_key(name, of_people=True) for name in [*OLD_NAMES, "😀"]} | {"阿真": "~\n阿真"}
        await asyncio.to_thread(command.downgrade, migration_config(url), BEFORE)
        await asyncio.to_thread(migrate, url)
        connection = await asyncpg.connect(dsn(url))
        try:
            assert {row["name"]: row["name_key"] for row in await connection.fetch(str(KEYS))} == kept
            assert await connection.fetchval("SELECT name_key FROM departments") == "chong qing fen gong si\n重庆分公司"
        finally:
            await connection.close()
