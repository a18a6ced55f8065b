"""A page asks the database as often for thirty rows as for three, and its first load is small."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.access import service as access
from app.access.service import Wanted
from app.announcements import service as announcements
from app.announcements.service import AudienceWanted, Draft
from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import SYSTEM, person_actor
from app.bootstrap import REGISTRY
from app.database import transaction
from app.permissions import Reach
from app.web.scopes import ActsFor
from models.access import ActAs
from models.ids import new_id
from tests.builders import groups, org, tasks
from tests.builders.groups import said_of
from tests.company import RESEARCH
from tests.pages.world import Browser, House

FEW, MORE = 3, 27
FIRST_LOAD = 100_000
"""Bytes: styles, scripts and the page itself, as they are sent."""

LOOKERS = ("li", "wang", "zhao")
"""An employee to whom everything goes, his head who decides and administers, and the president with everything."""


async def fill(house: House, rows: range) -> None:
    """So many more of everything."""
    company, now = house.company, house.clock.now()
    wang, li, han, chen = company.wang, company.li, company.han, company.chen
    async with transaction(house.services.sessions) as session:
        for number in rows:
            new = await org.person(session, f"new{number}", f"新员工{number}", departments=[RESEARCH])
            await org.department(session, 100 + number, f"新部门{number}", parent=RESEARCH)
            group = await groups.group(
                session, f"研发部-项目{number}", owner=wang, members=[chen, company.sun], now=now
            )
            payload = {"group_id": str(group.id), **said_of("join")}
            wanted = Application("join", li, payload, submitted_by=person_actor(li.id), reason="联调")
            await approvals.submit(session, wanted, now=now)
            draft = Draft(f"通知{number}", "内容", "work", AudienceWanted(departments=[RESEARCH]))
            await announcements.publish(session, draft, author=han, actor=person_actor(han.id), now=now)
            await tasks.task(session, wang, li, group_id=group.id, now=now)
            acts_for = ActsFor(ActAs.DEPARTMENTS, (100 + number,))
            await access.create_key(
                session, name=f"系统{number}", scopes=["tasks:act"], actor=SYSTEM, now=now, acts_for=acts_for
            )
            place = Wanted(new, "auditor", "试用", Reach.GROUP, str(group.id))
            await access.grant(session, place, actor=SYSTEM, authority=None, now=now)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Every statement that is sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def addresses_for(house: House, browser: Browser) -> list[str]:
    """The pages that open for them, on each list the first of its things, and one that does not exist."""
    found = []
    for page in REGISTRY.pages.values():
        answer = await browser.get(page.path, follows=False)
        if answer.status_code == 200 and not page.path.startswith("/console/doctor"):  # it asks the platform
            found.append(page.path)
            found += re.findall(rf'href="({page.path}/(?:[0-9a-f-]{{36}}|\d+))"', answer.text)[:1]
    li = house.company.li.id
    nothing = [f"/console/{kind}/{new_id()}" for kind in ("requests", "announcements", "tasks", "groups")]
    return [*found, *nothing, f"/console/people/{li}", f"/console/departments/{RESEARCH}"]


async def statements_of(house: House, browser: Browser, addresses: Sequence[str]) -> dict[str, list[str]]:
    """What each page sends."""
    engine = house.services.engine.sync_engine
    found: dict[str, list[str]] = {}
    for address in addresses:
        with counted(engine) as found[address]:
            await browser.get(address, follows=False)
    return found


@pytest.mark.parametrize("userid", LOOKERS)
async def test_a_page_of_thirty_rows_asks_no_more_than_one_of_three(house: House, userid: str) -> None:
    async with transaction(house.services.sessions) as session:
        wanted = Wanted(house.company.zhao, "administrator", "试验")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=house.clock.now())
    browser = await house.signed_in(userid)
    await fill(house, range(FEW))
    addresses = await addresses_for(house, browser)
    assert len(addresses) > len([page for page in REGISTRY.pages.values() if page.face == "me"])
    few = await statements_of(house, browser, addresses)
    await fill(house, range(FEW, FEW + MORE))
    many = await statements_of(house, browser, addresses)
    more = {
        address: (len(few[address]), Counter(many[address]).most_common(1))
        for address in addresses
        if len(many[address]) > len(few[address])
    }
    assert more == {}


@pytest.mark.parametrize(("userid", "path"), [("li", "/me"), ("zhao", "/console"), ("li", "/me/apply/join")])
async def test_a_first_load_is_small(house: House, userid: str, path: str) -> None:
    async with transaction(house.services.sessions) as session:
        wanted = Wanted(house.company.zhao, "administrator", "试验")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=house.clock.now())
    await fill(house, range(30))
    browser = await house.signed_in(userid)
    page = await browser.get(path)
    assets = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text))
    assert len(assets) >= 3
    sizes = {path: len(page.content)} | {one: len((await browser.get(one)).content) for one in assets}
    assert sum(sizes.values()) <= FIRST_LOAD, sizes
