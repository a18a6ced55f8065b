"""Whoever decides reads everything that was typed, in words: on the page, in the console, on the card or beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import person_actor
from app.bootstrap import REGISTRY
from app.database import transaction
from models.ids import RequestId
from models.org import Person
from tests.builders import groups
from tests.builders.approvals import cards_to, texts_to
from tests.company import PERSONNEL, RESEARCH
from tests.pages.conftest import house
from tests.pages.operations import let
from tests.pages.world import House

__all__ = ["house"]

REASON: Final = "参加新品联调"


@dataclass(frozen=True)
class Typed:
    """Members of a payload, otherwise than the contact book has them, with what somebody reads of each."""

    kind: str
    by: str
    payload: dict[str, Any]
    says: dict[str, str]


PERSON: Final = {"name": "李小军", "title": "高级工程师", "contact": "分机 8021"}
GROUP: Final = {
    "name": "项目-新品上市",
    "type": "project",
    "purpose": "新品上市的准备",
    "department_id": RESEARCH,
    "owner": "wang",
    "deputy": "chen",
}
OF_GROUP: Final = {
    "name": "项目-新品上市",
    "type": "项目",
    "purpose": "新品上市的准备",
    "department_id": "研发部",
    "owner": "群主 王芳",
    "deputy": "副群主 陈晨",
}
CASES: Final = [
    Typed("join", "li", PERSON | {"person": "li"}, PERSON | {"group_id": "研发部-新品项目", "person": "李军"}),
    Typed("exit", "han", PERSON | {"person": "chen"}, PERSON | {"group_id": "研发部-新品项目", "person": "陈晨"}),
    Typed(
        "create_group",
        "li",
        GROUP | {"members": ["li", "sun"], "departments": [PERSONNEL]},
        OF_GROUP | {"members": "李军", "departments": "人力资源部及其下级"},
    ),
    Typed(
        "create_group",
        "li",
        GROUP | {"members": ["li", "sun"], "confidentiality": "confidential"},
        OF_GROUP | {"members": "李军", "confidentiality": "保密群"},
    ),
]


def test_every_member_of_every_kind_is_typed() -> None:
    for name, kind in REGISTRY.kinds.items():
        typed = {member for case in CASES if case.kind == name for member in case.says}
        assert typed == (set(kind.payload.model_fields) if kind.is_applied_for else set()), name


@pytest.mark.parametrize("typed", CASES, ids=lambda typed: f"{typed.kind}-{len(typed.payload)}")
async def test_whoever_decides_reads_it(house: House, typed: Typed) -> None:
    now, requester = house.clock.now(), house.person(typed.by)
    await let(house.services, house.company, "sun", "hr")
    async with transaction(house.services.sessions) as session:
        await session.execute(update(Person).where(col(Person.name) != "").values(position="工程师"))
        members = [house.person("chen"), house.person("sun")]
        group = await groups.group(session, owner=house.person("wang"), members=members, now=now)
        payload = typed.payload | ({} if typed.kind == "create_group" else {"group_id": str(group.id)})
        application = Application(
            typed.kind, requester, payload, submitted_by=person_actor(requester.id), reason=REASON
        )
        request = await approvals.submit(session, application, now=now)
        step = (await approvals.follow(session, RequestId(request.id), reader=requester, now=now)).line.open_step
        assert step is not None
        asked = {one.id for one in step.asked}
        userid, decider = next((key, one) for key, one in house.company.people.items() if one.id in asked)
        told = json.dumps(await cards_to(session, decider), ensure_ascii=False)
        told += "".join(await texts_to(session, decider))
    page, console = await house.signed_in(userid), await house.signed_in("sun")
    await page.get(f"/me/requests/{request.id}")
    await console.get(f"/console/requests/{request.id}")
    for name, words in (typed.says | {"reason": REASON, "applicant": requester.name}).items():
        assert words in page.text, name
        assert words in console.text, name
        assert words.split(" ")[-1] in told, name
