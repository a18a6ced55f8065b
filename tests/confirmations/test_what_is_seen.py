"""Who confirms sees what the first one saw, as it is now: numbers and names, and nothing that only machines read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest

from app.access import service as access
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.confirmations import service
from app.confirmations.service import Wish
from app.database import transaction
from app.dual_control import TwoPersonAct
from app.policy import service as policies
from app.policy.document import default_source
from app.web.scopes import ANYBODY
from models.confirmations import Confirmation, ConfirmationState
from models.org import Person, PersonStatus
from tests.builders import groups
from tests.builders.approvals import texts_to
from tests.company import HEADQUARTERS, PERSONNEL
from tests.pages.conftest import house
from tests.pages.operations import held_run, let
from tests.pages.world import House

__all__ = ["house"]

UUIDS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
BEFORE, AFTER = "群按部门、项目、活动等分类，便于", "群按部门、项目、主题等分类，便于"


@dataclass(frozen=True)
class Case:
    """An act as somebody asks for it, and what they had before their eyes."""

    payload: Callable[[House], Awaitable[dict[str, Any]]]
    says: tuple[str, ...]


async def a_version(house: House) -> dict[str, Any]:
    return {"source": default_source().replace(BEFORE, AFTER)}


async def to_everybody(house: House) -> dict[str, Any]:
    audience = {"departments": [HEADQUARTERS], "groups": [], "people": []}
    return {"title": "放假", "body": "明天放假", "class": "urgent", "audience": audience}


async def a_new_key(house: House) -> dict[str, Any]:
    departments = {"act_as": "departments", "act_as_departments": [PERSONNEL]}
    return {"name": "考勤", "scopes": ["tasks:act", "tasks:write", "deliveries:content"], **departments}


async def a_key(house: House) -> UUID:
    async with transaction(house.services.sessions) as session:
        row, _ = await access.create_key(
            session,
            name="监控",
            scopes=["requests:write", "org:read"],
            acts_for=ANYBODY,
            actor=SYSTEM,
            now=house.clock.now(),
        )
        return row.id


async def another_whom(house: House) -> dict[str, Any]:
    whom = {"act_as": "departments", "act_as_departments": [PERSONNEL]}
    return {"key_id": str(await a_key(house)), **whom}


async def an_end(house: House) -> dict[str, Any]:
    return {"key_id": str(await a_key(house))}


async def held_losses(house: House) -> dict[str, Any]:
    return {"run_id": str(await held_run(house.services))}


async def a_grant(house: House) -> dict[str, Any]:
    await let(house.services, house.company, "li", "auditor")
    return {"person": "li", "bundle": "it", "reason": "值班", "ends_at": "2026-06-01T00:00:00+08:00"}


CASES: Final = {
    TwoPersonAct.POLICY_ACTIVATE: Case(a_version, (BEFORE, AFTER, "改动 1 处", "生效 立即")),
    TwoPersonAct.ANNOUNCE_TO_EVERYBODY: Case(
        to_everybody,
        ("放假", "明天放假", "紧急", "星辰科技及其下级", "接收人 5 人", "王芳", "请其确认 是，期限为发布后 30 分钟"),
    ),
    TwoPersonAct.KEY_CREATE: Case(
        a_new_key,
        ("考勤", "可写任务", "可看发送记录的内容", "可代人力资源部及其下级的人布置任务、办理任务", "长期有效"),
    ),
    TwoPersonAct.KEY_CHANGE: Case(
        another_whom,
        ("监控", "现在 可写申请，只读组织架构，可代任何人提交申请", "改定后", "可代人力资源部及其下级的人"),
    ),
    TwoPersonAct.KEY_END: Case(an_end, ("监控", "可写申请，只读组织架构", "最近 14 天没有系统用过")),
    TwoPersonAct.SYNC_RELEASE: Case(
        held_losses,
        ("6 人中的 1 人", "9 个名额中的 2 个", "减少的人员 李军（这次没有读到）", "1 人立即按离职或停用处理"),
    ),
    TwoPersonAct.ACCESS_GRANT: Case(
        a_grant, ("授予 李军", "信息部门", "全公司", "2026-06-01", "值班", "现在已有 审计（全公司）")
    ),
}


@pytest.fixture
async def two(house: House) -> House:
    """陈晨 and 孙宁 may do everything of the kind in the whole company."""
    for userid in ("chen", "sun"):
        await let(house.services, house.company, userid, "administrator")
    return house


async def asked(house: House, act: TwoPersonAct, payload: dict[str, Any]) -> UUID:
    async with transaction(house.services.sessions) as session:
        wish = Wish(act, payload, house.person("chen"), "年度修订")
        return (await service.ask(session, wish, now=house.clock.now())).row.id


async def state_of(house: House, confirmation_id: UUID) -> ConfirmationState:
    async with transaction(house.services.sessions) as session:
        return (await session.get_one(Confirmation, confirmation_id)).state


def test_every_act_that_there_is_has_a_case() -> None:
    assert set(CASES) == {TwoPersonAct(act) for act in REGISTRY.two_person_acts}


@pytest.mark.parametrize("act", CASES)
async def test_the_second_person_reads_what_the_first_saw(two: House, act: TwoPersonAct) -> None:
    case = CASES[act]
    here = f"/me/confirmations/{await asked(two, act, await case.payload(two))}"
    sun = await two.signed_in("sun")
    await sun.get(here)
    assert [part for part in (*case.says, "年度修订") if part not in sun.text] == []
    assert UUIDS.findall(sun.text) == []
    await sun.send(f"{here}/confirm")
    assert "您看过之后情况变了" not in sun.text, "nothing has changed between the page and the press"


async def test_a_group_is_named(two: House) -> None:
    """A grant in a group needs no second person on a page; whoever asks for one over REST has it read all the same."""
    async with transaction(two.services.sessions) as session:
        group = await groups.group(session, "研发部-新品项目", owner=two.person("wang"), now=two.clock.now())
    payload = {"person": "li", "bundle": "it", "reason": "值班", "reach": "group", "place": str(group.id)}
    here = f"/me/confirmations/{await asked(two, TwoPersonAct.ACCESS_GRANT, payload)}"
    sun = await two.signed_in("sun")
    await sun.get(here)
    assert "范围 群“研发部-新品项目”" in sun.text
    assert UUIDS.findall(sun.text) == []


class TestWhatChangesMeanwhile:
    async def test_another_audience_is_shown_before_it_is_confirmed(self, two: House) -> None:
        act = TwoPersonAct.ANNOUNCE_TO_EVERYBODY
        confirmation_id = await asked(two, act, await to_everybody(two))
        here = f"/me/confirmations/{confirmation_id}"
        sun = await two.signed_in("sun")
        await sun.get(here)
        async with transaction(two.services.sessions) as session:
            (await session.get_one(Person, two.person("li").id)).status = PersonStatus.LEFT
        page = await sun.send(f"{here}/confirm")
        assert page.status_code == 409
        assert "接收人 “5 人”变为“4 人”" in sun.text
        assert "接收人 4 人 提出时：5 人" in sun.text
        assert await state_of(two, confirmation_id) is ConfirmationState.ASKED
        await sun.send(f"{here}/confirm")
        assert await state_of(two, confirmation_id) is ConfirmationState.CONFIRMED

    @pytest.mark.parametrize("word", ["confirm", "refuse"])
    async def test_another_version_in_force(self, two: House, word: str) -> None:
        confirmation_id = await asked(two, TwoPersonAct.POLICY_ACTIVATE, await a_version(two))
        here = f"/me/confirmations/{confirmation_id}"
        sun = await two.signed_in("sun")
        await sun.get(here)
        fields = sun.hidden(f"{here}/confirm")
        async with transaction(two.services.sessions) as session:
            source = default_source() + "\n# 修订"
            await policies.apply(session, source=source, now=two.clock.now(), actor=SYSTEM)
        page = await sun.post(f"{here}/{word}", fields)
        assert page.status_code == 409
        assert "现行的制度 “第 1 版”变为“第 2 版”" in sun.text
        assert await state_of(two, confirmation_id) is ConfirmationState.ASKED

    @pytest.mark.parametrize(("userid", "word"), [("sun", "confirm"), ("sun", "refuse"), ("chen", "withdraw")])
    async def test_nobody_answers_what_they_have_not_seen(self, two: House, userid: str, word: str) -> None:
        confirmation_id = await asked(two, TwoPersonAct.POLICY_ACTIVATE, await a_version(two))
        here = f"/me/confirmations/{confirmation_id}"
        browser = await two.signed_in(userid)
        await browser.get(here)
        fields = browser.hidden(f"{here}/{'withdraw' if word == 'withdraw' else 'confirm'}")
        page = await browser.post(f"{here}/{word}", fields | {"digest": "0" * 64})
        assert page.status_code == 409
        page = await browser.post(f"{here}/{word}", {name: fields[name] for name in fields if name != "digest"})
        assert page.status_code == 409
        assert await state_of(two, confirmation_id) is ConfirmationState.ASKED

    async def test_a_card_confirms_only_what_it_shows(self, two: House) -> None:
        async with transaction(two.services.sessions) as session:
            wish = Wish(TwoPersonAct.ANNOUNCE_TO_EVERYBODY, await to_everybody(two), two.person("chen"))
            row = (await service.ask(session, wish, now=two.clock.now())).row
            (told,) = await texts_to(session, two.person("sun"))
            assert "正文：明天放假" in told, "a card has six lines: what it leaves out is said beside it"
            assert "其中：" in told
            assert row.fields
