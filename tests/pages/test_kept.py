"""F198: what is kept about somebody is told in words (P8), never as a program calls it."""

from __future__ import annotations

import re
from enum import StrEnum
from html import unescape
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.bootstrap import REGISTRY
from app.database import transaction
from app.kept_data import KeptRow
from app.pages.drawing.words import words_of
from models.access import AccessGrant
from models.approvals import OutcomeState
from models.delivery import Delivery, Message
from models.groups import GroupMember
from models.org import OrgChange, Person
from tests.pages.everything import everything
from tests.pages.world import House

assert REGISTRY.kept_data, "the domains name their rows"
STATES = sorted(
    {
        field.annotation
        for row in KeptRow.__subclasses__()
        for field in row.model_fields.values()
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum)
    },
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("state", [one for states in STATES for one in states if one != OutcomeState.NONE])
def test_every_state_has_words(state: StrEnum) -> None:
    assert words_of(state) is not None


async def test_ones_own_page_shows_them(house: House) -> None:
    browser = await house.signed_in("li")
    await browser.get("/me/data")
    assert "在职" in browser.text
    assert "扫码" in browser.text or "在企业微信中打开" in browser.text
    for machine_word in ("active", "desktop", "client", "company"):
        assert f"<td>{machine_word}</td>" not in browser.text


@pytest.mark.parametrize(("language", "joined"), [("zh-CN", "韩梅、王芳"), ("en-GB", "韩梅, 王芳")])
async def test_lists_are_joined_as_the_reader_joins_them(house: House, language: str, joined: str) -> None:
    async with transaction(house.services.sessions) as session:
        li = await session.get_one(Person, house.person("li").id)
        li.direct_leader_userids = ["han", "wang"]
    browser = await house.signed_in("li", language=language)
    page = await browser.get("/me/data")
    assert f"<td>{joined}</td>" in page.text
    assert "<td></td>" not in page.text


MACHINE: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|[{}\[\]]|\b[a-z]+[.:_][a-z_0-9]+\b|\b(True|False|None|null)\b"
)
"""An id, a document of a program, a code or a value as a program prints it."""


async def a_long_life(house: House, group: UUID) -> None:
    """What years leave of 李军: changes of the account, grants, a group left, messages that did not arrive."""
    now, li = house.services.clock.now(), house.person("li").id
    before: dict[str, Any] = {
        "name": "李君",
        "position": "工程师",
        "status": "active",
        "direct_leader_userids": ["WANG"],
        "extra": {"工号": "7", "分机": ""},
    }
    changes: list[tuple[str, str, dict[str, Any] | None, dict[str, Any] | None]] = [
        ("person", "updated", before, {"main_department_id": 2, "department_ids": [2, 999], "details_known": True}),
        ("person", "rejoined", {"status": "left"}, {"userid": "li", "same_department": False, "missing_runs": 0}),
        ("person", "merged", {"status": "left"}, {"into": str(li)}),
        ("membership", "joined", None, {"department_id": 2, "sort_order": 1, "is_leader": False}),
        ("person", "a_later_word", {"extra": None}, {}),
    ]
    async with transaction(house.services.sessions) as session:
        person = await session.get_one(Person, li)
        person.extra, person.direct_leader_userids = {"工号": "8", "在岗": True}, ["wang", "somebody"]
        session.add_all(
            OrgChange(
                object_kind=kind, object_id=str(li), change=change, before=old, after=new, at=now, correlation_id="sync"
            )
            for kind, change, old, new in changes
        )
        session.add_all(
            AccessGrant(
                person_id=li,
                bundle=bundle,
                reach=reach,
                place=place,
                reason="值班",
                granted_by="system",
                granted_at=now,
            )
            for bundle, reach, place in [
                ("administrator", "company", ""),
                ("administrator", "department", "2"),
                ("no_more", "group", str(group)),
                ("administrator", "group", str(uuid4())),
            ]
        )
        session.add(
            GroupMember(group_id=group, person_id=li, desired=False, reason="exit", desired_since=now, ended_at=now)
        )
        statement = select(Delivery).where(col(Delivery.person_id) == li).order_by(col(Delivery.id)).limit(3)
        codes = [
            ("approval.card", "work", "refused:60011"),
            ("task.reminder.followup", "no_more", "timeout"),
            ("later.purpose", "answer", "quiet_hours"),
        ]
        for delivery, code in zip(await session.scalars(statement), codes, strict=True):
            message = await session.get_one(Message, delivery.message_id)
            message.purpose, message.message_class, delivery.reason = code


def cells_of(page: str) -> list[str]:
    return [unescape(re.sub(r"<[^>]+>", " ", cell)) for cell in re.findall(r"<td>(.*?)</td>", page, re.DOTALL)]


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
async def test_no_cell_speaks_as_a_program(house: House, language: str) -> None:
    things, _ = await everything(house.services, house.company)
    await a_long_life(house, things.group)
    told = 0
    for userid in ("wang", "li", "chen", "han", "sun", "zhao"):
        browser = await house.signed_in(userid, language=language)
        cells = cells_of((await browser.get("/me/data")).text)
        told += len(cells)
        assert [cell for cell in cells if MACHINE.search(cell)] == [], userid
    assert told > 100


async def test_names_stand_for_ids_and_lines_for_documents(house: House) -> None:
    things, _ = await everything(house.services, house.company)
    await a_long_life(house, things.group)
    browser = await house.signed_in("li")
    cells = cells_of((await browser.get("/me/data")).text)
    for told in ("研发部", "研发部-新品项目", "请审批", "按制度退群", "企业微信拒绝：60011"):
        assert any(cell.startswith(told) for cell in cells), told
    assert "姓名：李君 职务：工程师 状态：在职 直接上级：王芳 扩展属性：分机 —、工号 7" in [
        " ".join(cell.split()) for cell in cells
    ]
