"""A policy that somebody types or uploads: its faults by line, what it changes by clause, who puts it in force."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.database import transaction
from app.policy import service as policies
from app.policy.differences import diff
from app.policy.document import default_source, line_at, lines_of
from app.policy.rules import by_clause
from models.confirmations import Confirmation
from models.policy import PolicyVersion
from tests.pages.operations import let
from tests.pages.world import Browser, House

NEW = "/console/policy/new"


def changed() -> str:
    """The default with another time to accept a task."""
    source = default_source()
    assert "accept_within: 30wm" in source
    return source.replace("accept_within: 30wm", "accept_within: 1wh")


def alone(source: str) -> str:
    """Nobody else is asked to confirm."""
    return re.sub(r"two_person: \[.*?\]", "two_person: [key.create]", source)


@pytest.fixture
async def administrator(house: House) -> Browser:
    await let(house.services, house.company, "chen", "administrator")
    return await house.signed_in("chen")


async def versions(house: House) -> int:
    async with house.services.sessions() as session:
        return len(list(await session.scalars(select(col(PolicyVersion.number)))))


async def look(browser: Browser, source: str) -> httpx.Response:
    await browser.get(NEW)
    return await browser.send(NEW, {"source": source, "step": "look"})


class TestFaults:
    async def test_each_stands_at_its_line_and_what_was_typed_stays(self, administrator: Browser) -> None:
        source = changed().replace("accept_within: 1wh", "accept_within: soon # 尽快")
        line = next(number for number, text in enumerate(source.split("\n"), 1) if "soon" in text)
        page = await look(administrator, source)
        assert page.status_code == 400
        assert f"第 {line} 行" in administrator.text
        assert "tasks.accept_within" in administrator.text
        assert page.text.count("accept_within: soon # 尽快") == 2, "in the text that was typed, and beside the fault"
        assert 'value="apply"' not in page.text

    @pytest.mark.parametrize("source", ["", "a: [", "只是一句话", "\t- x: y", "a: &a [*a]"])
    async def test_what_is_no_document_is_told_and_no_crash(self, administrator: Browser, source: str) -> None:
        assert (await look(administrator, source)).status_code == 400

    def test_what_is_missing_is_found_at_what_it_is_missing_from(self) -> None:
        lines = lines_of("a:\n  b:\n  - c: 1\n  - d: 2\n'1.10': x\n")
        assert line_at("a.b[1].d", lines) == 4
        assert line_at("a.b[1].e.f", lines) == 4
        assert line_at("a.b[7]", lines) == 2
        assert line_at("1.10", lines) == 5
        assert line_at("nothing.of.it", lines) is None
        assert line_at("", lines) is None


class TestChanges:
    def test_every_change_stands_once_below_its_clause(self) -> None:
        old, new = policies.parse(default_source()), policies.parse(changed())
        parts = by_clause(diff(old, new), new)
        assert [(part.clause, [one.path for one in part.changes]) for part in parts] == [
            (new.rules["task.accept"], ["tasks.accept_within"])
        ]

    async def test_a_look_changes_nothing_and_says_what_would(self, house: House, administrator: Browser) -> None:
        page = await look(administrator, changed())
        assert page.status_code == 200
        assert "有 1 处不同" in administrator.text
        assert "tasks.accept_within" in administrator.text
        assert await versions(house) == 1

    async def test_a_file_stands_in_the_place_of_what_was_typed(self, administrator: Browser) -> None:
        await administrator.get(NEW)
        file = {"file": ("policy.yaml", ("\ufeff" + changed()).encode())}
        page = await administrator.send(NEW, {"source": "alt", "step": "look"} | file)
        assert page.status_code == 200
        assert "有 1 处不同" in administrator.text
        assert "accept_within: 1wh" in page.text

    async def test_a_file_that_is_no_text_is_told_at_its_field(self, administrator: Browser) -> None:
        await administrator.get(NEW)
        page = await administrator.send(NEW, {"source": changed(), "step": "look", "file": ("a", b"\xff\xfe")})
        assert page.status_code == 400
        assert "文件不是 UTF-8 文本" in administrator.text


class TestPuttingIntoForce:
    async def test_another_person_confirms(self, house: House, administrator: Browser) -> None:
        await let(house.services, house.company, "han", "administrator")
        await look(administrator, changed())
        page = await administrator.send(NEW, {"source": changed().replace("\n", "\r\n"), "step": "apply"})
        assert page.status_code == 200
        assert "已请另一个人确认" in administrator.text
        assert await versions(house) == 1
        async with house.services.sessions() as session:
            row = (await session.scalars(select(Confirmation))).one()
        assert row.payload["source"] == changed().strip(), "the same text is the same version, whatever ends its lines"

    async def test_one_person_does_where_the_policy_wants_no_other(self, house: House, administrator: Browser) -> None:
        await self._alone(house)
        await look(administrator, changed())
        await administrator.send(NEW, {"source": changed(), "step": "apply"})
        assert "已启用这一版制度" in administrator.text
        assert await versions(house) == 3

    async def test_a_later_day_is_one_of_the_company_s_clocks(self, house: House, administrator: Browser) -> None:
        await self._alone(house)
        await administrator.get(NEW)
        await administrator.look_and_send(
            NEW, {"source": changed(), "step": "apply", "effective_at": "2030-01-01T08:00"}
        )
        async with house.services.sessions() as session:
            newest = (await session.scalars(select(PolicyVersion).order_by(col(PolicyVersion.number).desc()))).first()
        assert newest is not None
        assert newest.effective_at.isoformat() == "2030-01-01T00:00:00+00:00"

    @pytest.mark.parametrize("moment", ["2001-01-01T00:00", "9999-99-99", "0001-01-01T00:00"])
    async def test_a_day_that_is_none_is_refused(self, house: House, administrator: Browser, moment: str) -> None:
        await self._alone(house)
        await administrator.get(NEW)
        fields = {"source": changed(), "effective_at": moment}
        await administrator.send(NEW, fields | {"step": "look"})
        page = await administrator.send(NEW, fields | {"step": "apply"})
        assert page.status_code == 400
        assert await versions(house) == 2

    async def test_what_came_into_force_meanwhile_is_looked_at_first(
        self, house: House, administrator: Browser
    ) -> None:
        await look(administrator, changed())
        await self._alone(house)
        page = await administrator.send(NEW, {"source": changed(), "step": "apply"})
        assert page.status_code == 409
        assert "现行的制度 “第 1 版”变为“第 2 版”" in administrator.text
        assert await versions(house) == 2

    async def test_who_only_reads_the_policy_does_not_change_it(self, house: House) -> None:
        await let(house.services, house.company, "li", "auditor")
        browser = await house.signed_in("li")
        assert (await browser.get(NEW)).status_code == 403
        await browser.get("/console/policy")
        assert "修改制度" not in browser.text

    async def _alone(self, house: House) -> None:
        async with transaction(house.services.sessions) as session:
            await policies.apply(session, source=alone(default_source()), now=house.clock.now(), actor=SYSTEM)
