"""People and departments are found by a part of the name, by pinyin, and by its initials."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.org.jobs import SPELL, SPELL_ALL, start_up
from app.org.search import keep
from app.org.search.spelling import SURNAMES, folded, spellings
from app.org.service import search_departments, search_people, seen_by
from app.permissions import Sight
from app.settings import Settings
from models.ids import PersonId
from models.org import Department, Person, PersonSpelling, PersonStatus
from tests.builders import org
from tests.company import RESEARCH, Company, OpenCompany, answer, open_company, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.fakes.queue import queued


async def people(session: AsyncSession, typed: str, **more: Any) -> list[str]:
    return [one.name for one in await search_people(session, typed, **more)]


async def spelled(session: AsyncSession) -> int:
    """Spell what is to be spelled; how many people that was."""
    await keep.spell_departments(session)
    wanting = await keep.people_to_spell(session)
    await keep.spell_people(session, wanting)
    return len(wanting)


def typed_as(name: str) -> set[tuple[str, str]]:
    """Pinyin and initials of the whole name, in every reading."""
    return {(one.pinyin, one.initials) for one in spellings([name], of_people=True) if one.place == 0}


class TestSpelling:
    @pytest.mark.parametrize(
        ("name", "pinyin", "initials"),
        [
            ("王芳", "wangfang", "wf"),
            ("单雄信", "shanxiongxin", "sxx"),
            ("仇英", "qiuying", "qy"),
            ("曾国藩", "zengguofan", "zgf"),
            ("解缙", "xiejin", "xj"),
            ("查良镛", "zhaliangyong", "zly"),
            ("区楚良", "ouchuliang", "ocl"),
            ("朴树", "piaoshu", "ps"),
            ("翟天临", "zhaitianlin", "ztl"),
            ("尉迟恭", "yuchigong", "ycg"),
            ("万俟卨", "moqixie", "mqx"),
            ("长孙无忌", "zhangsunwuji", "zswj"),
            ("单于", "chanyu", "cy"),
            ("欧阳娜娜", "ouyangnana", "oynn"),
            ("Li Jun", "lijun", "lj"),
            ("阿里·木江", "alimujiang", "almj"),
        ],
    )
    def test_a_surname_is_read_as_a_surname(self, name: str, pinyin: str, initials: str) -> None:
        assert (pinyin, initials) in typed_as(name)

    def test_the_common_reading_is_found_as_well(self) -> None:
        assert typed_as("单雄信") == {("shanxiongxin", "sxx"), ("danxiongxin", "dxx")}

    def test_inside_a_name_and_in_departments_a_sign_is_no_surname(self) -> None:
        assert typed_as("李解") == {("lijie", "lj")}
        [first, *_] = spellings(["解放路店"], of_people=False)
        assert first.initials == "jfld"

    def test_a_word_is_read_as_a_whole(self) -> None:
        [first, *_] = spellings(["重庆分公司"], of_people=False)
        assert first.initials == "cqfgs"

    @pytest.mark.parametrize("name", ["", "😀", " ·-", "\u3000"])
    def test_what_cannot_be_typed_has_no_spelling(self, name: str) -> None:
        assert spellings([name], of_people=True) == []

    @pytest.mark.parametrize("name", ["\U00020000\U00020001", "〇", "１２３", "ＡＢＣ", "é", "〡々", "가나다"])
    def test_unusual_signs_are_found_as_they_are(self, name: str) -> None:
        [first, *_] = spellings([name], of_people=True)
        assert first.name == folded(name)
        assert first.initials

    def test_every_surname_has_a_sound_for_each_sign(self) -> None:
        assert all(len(name) == len(sounds.split()) for name, sounds in SURNAMES.items())
        assert all(re.fullmatch("[a-z ]+", sounds) for sounds in SURNAMES.values())


class TestFinding:
    async def test_by_signs_pinyin_initials_and_userid(self, session: AsyncSession, company: Company) -> None:
        await spelled(session)
        assert company.wang.name == "王芳"
        for typed in (
            "王",
            "王芳",
            "芳",
            "wang",
            "wangfang",
            "WangF",
            "wf",
            "w",
            "fang",
            "WANG",
            " wang fang ",
            "ｗｆ",
        ):
            assert "王芳" in await people(session, typed), typed
        for typed in ("方", "wangl", "fw", "x王", "%", "_", "", "  ", "\0", "q\0", "q\ud800"):
            assert await people(session, typed) == [], typed

    async def test_the_result_says_who_it_is(self, session: AsyncSession, company: Company) -> None:
        await spelled(session)
        [found] = await search_people(session, "lj")
        assert (found.name, found.department, found.userid) == ("李军", "研发部", "li")
        assert found.id == company.li.id

    async def test_an_alias_and_a_userid_with_signs(self, session: AsyncSession, company: Company) -> None:
        company.li.alias = "Jimmy"
        await org.person(session, "Zhao.Yun-1", "赵云")
        await session.flush()
        await spelled(session)
        assert await people(session, "jimmy") == ["李军"]
        assert await people(session, "zhao.yun-") == ["赵云"]

    async def test_the_whole_name_leads_then_what_begins_so(self, session: AsyncSession) -> None:
        for userid, name in (("a", "李王芳"), ("b", "王芳菲"), ("c", "王芳")):
            await org.person(session, userid, name)
        await spelled(session)
        assert await people(session, "王芳") == ["王芳", "王芳菲", "李王芳"]

    async def test_who_has_left_or_is_disabled_is_not_found(self, session: AsyncSession) -> None:
        for number, status in enumerate(PersonStatus):
            await org.person(session, f"u{number}", f"王{status.value}", status=status)
        await spelled(session)
        assert sorted(await people(session, "王")) == ["王active", "王invisible", "王missing", "王not_activated"]

    async def test_the_readers_sight_limits_it(self, session: AsyncSession, company: Company) -> None:
        """D21."""
        await spelled(session)
        research = seen_by(Sight(departments=frozenset({RESEARCH})))
        assert sorted(await people(session, "l", within=research)) == ["李军"]
        assert await people(session, "han", within=research) == []
        assert await people(session, "han") == ["韩梅"]
        own = seen_by(Sight(person_id=PersonId(company.li.id)))
        assert await people(session, "lj", within=own) == ["李军"]
        assert await people(session, "wf", within=own) == []

    async def test_no_more_than_asked_for(self, session: AsyncSession) -> None:
        for number in range(30):
            await org.person(session, f"u{number}", f"王{number:02}")
        await spelled(session)
        assert await people(session, "w", limit=3) == ["王00", "王01", "王02"]
        assert len(await people(session, "w")) == 20

    async def test_departments(self, session: AsyncSession, company: Company) -> None:
        assert company.people
        await org.department(session, 21, "研发一部", parent=RESEARCH)
        ended = await org.department(session, 22, "研发二部", parent=RESEARCH)
        await spelled(session)
        ended.ended_at = ended.updated_at
        await session.flush()
        found = await search_departments(session, "yf")
        assert [(one.id, one.name, one.above) for one in found] == [
            (2, "研发部", "星辰科技"),
            (21, "研发一部", "研发部"),
        ]
        assert [one.name for one in await search_departments(session, "一部")] == ["研发一部"]
        assert [one.name for one in await search_departments(session, "yfyb")] == ["研发一部"]
        within = col(Department.id) == RESEARCH
        assert [one.name for one in await search_departments(session, "yf", within=within)] == ["研发部"]


class TestKeepingCurrent:
    async def test_only_what_has_changed_is_spelled_again(self, session: AsyncSession, company: Company) -> None:
        assert await spelled(session) == len(company.people)
        assert await spelled(session) == 0
        company.li.name = "李君"
        await org.person(session, "new", "新来")
        await session.flush()
        assert await people(session, "新来") == []
        assert await spelled(session) == 2
        assert await people(session, "lij") == ["李君"]
        assert await people(session, "李军") == []
        assert await people(session, "xl") == ["新来"]

    async def test_a_department_follows_too(self, session: AsyncSession, company: Company) -> None:
        assert company.people
        await spelled(session)
        row = await session.get_one(Department, RESEARCH)
        row.name = "产品部"
        await session.flush()
        await spelled(session)
        assert [one.name for one in await search_departments(session, "cpb")] == ["产品部"]
        assert await search_departments(session, "研发") == []

    async def test_only_those_who_have_changed_lately_are_looked_at(self, session: AsyncSession) -> None:
        early = await org.person(session, "early", "早来", now=MONDAY_9AM)
        late = await org.person(session, "late", "晚来", now=MONDAY_9AM + timedelta(hours=1))
        assert await keep.people_to_spell(session, since=MONDAY_9AM + timedelta(minutes=1)) == [late.id]
        assert set(await keep.people_to_spell(session)) == {early.id, late.id}

    async def test_a_name_that_cannot_be_typed_is_looked_at_once(self, session: AsyncSession) -> None:
        await org.person(session, "u", "😀")
        assert (await spelled(session), await spelled(session)) == (1, 0)

    async def test_the_job_spells_everything_in_parts_and_starts_with_the_worker(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        many = keep.PART + 7
        async with (
            rolled_back(shared_engine) as sessions,
            open_company(OpenCompany, sessions, clock, settings, people={}) as company,
        ):
            async with transaction(sessions) as session:
                for number in range(many):
                    session.add(Person(name=f"王{number}", first_seen_at=MONDAY_9AM, updated_at=MONDAY_9AM))
                for _ in range(2):
                    await start_up(session, now=clock.now(), settings=settings)
                assert len(await queued(session, SPELL_ALL)) == 1
            await company.work()
            async with transaction(sessions) as session:
                firsts = select(func.count()).where(col(PersonSpelling.number) == 0)
                assert (await session.scalars(firsts)).one() == many

    async def test_each_minute_those_who_have_changed(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with (
            rolled_back(shared_engine) as sessions,
            open_company(OpenCompany, sessions, clock, settings, people={}) as company,
        ):
            async with transaction(sessions) as session:
                await org.person(session, "li", "李军", now=clock.now())
            await REGISTRY.jobs[SPELL.name](company.ctx, {})
            async with transaction(sessions) as session:
                assert await people(session, "lj") == ["李军"]
        assert REGISTRY.schedule[SPELL.name] == "* * * * *"

    async def test_two_workers_do_not_meet(self, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            person = await org.person(session, "li", "李军")
        async with transaction(sessions) as one, transaction(sessions) as other:
            for session in (one, other):
                await keep.spell_people(session, [person.id])
        async with transaction(sessions) as session:
            assert await people(session, "lj") == ["李军"]


class TestRest:
    async def test_members_and_departments_are_found_by_pinyin_too(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                await org.department(session, 1, "研发部")
                await org.person(session, "WangFang", "王芳", departments=[1])
                await org.person(session, "li", "李军", departments=[1])
                await spelled(session)
            async with serving(sessions, clock, settings, scopes=["org:read"]) as http:
                for typed in ("芳", "gfan", "wf", "fang", "王"):
                    body = await answer(http.get("/members", params={"q": typed}))
                    assert [one["userid"] for one in body["items"]] == ["WangFang"], typed
                assert (await answer(http.get("/members?q=zzz")))["items"] == []
                for typed in ("发", "yf", "yanfabu"):
                    body = await answer(http.get("/departments", params={"q": typed}))
                    assert [one["id"] for one in body["items"]] == [1], typed
                assert (await answer(http.get("/departments?q=zzz")))["items"] == []
