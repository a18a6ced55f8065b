"""The console's 审计, 用量, 工作日历, 制度 and 接口密钥."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.access import service as access
from app.audit.actor import person_actor
from app.audit.service import seal_entries
from app.calendar import service as calendars
from app.console.pages.settings import shown
from app.database import transaction
from app.doctor.for_pages import Examined
from app.jobs.timers import set_timer
from app.policy import service as policies
from app.policy.schema import PolicyDuration
from models.access import SubmittedForm
from models.confirmations import Confirmation
from models.limits import LimitSetting
from models.policy import Timer
from tests.pages.operations import let
from tests.pages.world import Browser, House


@pytest.fixture
async def administrator(house: House) -> Browser:
    await let(house.services, house.company, "chen", "administrator")
    return await house.signed_in("chen")


class TestAudit:
    async def test_entries_say_who_did_what(self, administrator: Browser) -> None:
        await administrator.get("/console/audit")
        assert "授予了权限" in administrator.text
        await administrator.get("/console/audit?kind=person_session")
        assert "登录" in administrator.text
        assert "授予了权限" not in administrator.text.partition("审计记录")[2]

    async def test_they_are_found_by_who_acted(self, administrator: Browser) -> None:
        await administrator.get("/console/audit?userid=chen&action=session.started")
        assert "陈晨" in administrator.text
        for nobody in ("li", "nobody-of-this-name"):
            await administrator.get(f"/console/audit?userid={nobody}")
            assert "没有符合条件的审计记录" in administrator.text

    async def test_the_chain_is_verified(self, house: House, administrator: Browser) -> None:
        async with transaction(house.services.sessions) as session:
            await seal_entries(session, now=house.clock.now(), limit=1000)
        await administrator.get("/console/audit/verification")
        assert "没有一行被改过、删去或补进" in administrator.text
        async with transaction(house.services.sessions) as session:
            await session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
            await session.execute(text("UPDATE audit_entries SET action = 'access.revoked' WHERE position = 1"))
            await session.execute(text("ALTER TABLE audit_entries ENABLE TRIGGER ALL"))
        await administrator.get("/console/audit/verification")
        assert "有 1 处不符" in administrator.text


class TestQuota:
    async def test_limits_are_shown_and_our_share_is_changed(self, house: House, administrator: Browser) -> None:
        page = await administrator.get("/console/quota")
        keys = re.findall(r'href="/console/quota/([\w.]+)"', page.text)
        assert keys
        path = f"/console/quota/{keys[0]}"
        await administrator.get(path)
        await administrator.send(path, {"share": "50"})
        assert "已更改份额，立即生效。" in administrator.text
        async with house.services.sessions() as session:
            row = await session.get(LimitSetting, keys[0])
        assert row is not None
        assert row.share == 0.5

    async def test_a_share_that_is_none_stands_at_its_field(self, administrator: Browser) -> None:
        page = await administrator.get("/console/quota")
        path = "/console/quota/" + re.findall(r'href="/console/quota/([\w.]+)"', page.text)[0]
        await administrator.get(path)
        page = await administrator.send(path, {"share": "500"})
        assert page.status_code == 400
        assert 'aria-invalid="true"' in page.text

    async def test_an_unknown_limit_is_no_page(self, administrator: Browser) -> None:
        assert (await administrator.get("/console/quota/no.such.limit")).status_code == 404


class TestCalendar:
    async def test_a_month_shows_working_days(self, administrator: Browser) -> None:
        await administrator.get("/console/calendar?month=2026-02")
        assert "工作日历 2026-02" in administrator.text
        assert "春节" in administrator.text

    async def test_an_odd_month_is_this_one(self, administrator: Browser) -> None:
        for month in ("2026-13", "abc", "0001-01", "9999-12"):
            await administrator.get(f"/console/calendar?month={month}")
            assert "工作日历 2026-03" in administrator.text

    async def test_a_change_says_first_what_moves(self, house: House, administrator: Browser) -> None:
        now = house.clock.now()
        async with transaction(house.services.sessions) as session:
            policy = await policies.in_force(session, now=now)
            due_at, basis = await calendars.deadline(
                session, start=now, duration=PolicyDuration.parse("2wd"), policy=policy
            )
            await set_timer(session, "task.overdue", "1", due_at, basis=basis)
        day = (now + timedelta(days=1)).date()
        path = f"/console/calendar/{day}"
        await administrator.get(path)
        assert "改为休息日，移动 1 个时间" in administrator.text
        assert "任务期限" in administrator.text
        assert (await _due(house)) == due_at, "a look changes nothing"
        await administrator.send(path, {"is_working": "false", "note": "公司年会"})
        assert "按工作时间计算的截止时间随之移动" in administrator.text
        assert "公司年会" in administrator.text
        assert (await _due(house)) > due_at

    async def test_everybody_reads_and_few_change(self, house: House) -> None:
        browser = await house.signed_in("li")
        page = await browser.get("/console/calendar")
        assert page.status_code == 200
        assert "点日期更改" not in browser.text
        assert (await browser.get("/console/calendar/2026-03-03")).status_code == 403


async def _due(house: House) -> datetime:
    async with house.services.sessions() as session:
        return (await session.scalars(select(col(Timer.due_at)).where(col(Timer.kind) == "task.overdue"))).one()


class TestPolicy:
    async def test_each_clause_says_how_it_is_carried_out(self, administrator: Browser) -> None:
        await administrator.get("/console/policy")
        assert "本服务执行" in administrator.text
        assert "入群审批" in administrator.text

    async def test_versions_and_what_one_changes(self, house: House, administrator: Browser) -> None:
        async with transaction(house.services.sessions) as session:
            source = (await policies.version_numbered(session, 1)).source
        changed = source.replace("accept_within: 30wm", "accept_within: 1wh")
        assert changed != source
        async with transaction(house.services.sessions) as session:
            await policies.apply(
                session, source=changed, now=house.clock.now(), actor=person_actor(house.person("chen").id)
            )
        await administrator.get("/console/policy/versions")
        assert "第 2 版 现行" in administrator.text
        assert "陈晨" in administrator.text
        await administrator.get("/console/policy/versions/2/changes")
        assert "tasks.accept_within" in administrator.text
        await administrator.get("/console/policy/versions/1/changes?since=1")
        assert "没有改动" in administrator.text
        page = await administrator.get("/console/policy/versions/2/source")
        assert "accept_within: 1wh" in page.text

    async def test_a_version_that_is_none_is_no_page(self, administrator: Browser) -> None:
        for number in ("9", "0", "-1", "99999999999999999999", "x"):
            assert (await administrator.get(f"/console/policy/versions/{number}")).status_code == 404


class TestKeys:
    async def test_a_key_is_shown_once_kept_nowhere_and_waits_for_another_person(
        self, house: House, administrator: Browser
    ) -> None:
        await let(house.services, house.company, "zhao", "administrator")
        await administrator.get("/console/keys/new")
        fields = administrator.hidden("/console/keys/new") | {"name": "报表系统", "scopes": ["org:read", "tasks:read"]}
        page = await administrator.post("/console/keys/new", fields)
        key = re.findall(r"stw_[\w-]{20,}", page.text)[0]
        assert "确认之后，这个密钥才能用" in administrator.text
        async with house.services.sessions() as session:
            asked = list(await session.scalars(select(Confirmation)))
            said = list(await session.scalars(select(SubmittedForm)))
        assert [(one.act, one.payload["scopes"]) for one in asked] == [("key.create", ["org:read", "tasks:read"])]
        assert key not in str(asked[0].payload)
        assert not any(key in form.said + form.location for form in said)
        await administrator.post("/console/keys/new", fields)
        assert key not in administrator.text
        async with house.services.sessions() as session:
            assert len(list(await session.scalars(select(Confirmation)))) == 1

    async def test_nobody_is_the_other_person_for_themselves(self, administrator: Browser) -> None:
        await administrator.get("/console/keys/new")
        page = await administrator.send("/console/keys/new", {"name": "报表系统", "scopes": ["org:read"]})
        assert page.status_code == 409
        assert "除您之外没有人有这项权限" in administrator.text

    async def test_what_is_missing_is_told(self, administrator: Browser) -> None:
        await administrator.get("/console/keys/new")
        page = await administrator.send("/console/keys/new", {"name": "报表系统"})
        assert page.status_code == 400
        assert 'value="报表系统"' in page.text

    async def test_one_is_ended(self, house: House, administrator: Browser) -> None:
        async with transaction(house.services.sessions) as session:
            row, _ = await access.create_key(
                session,
                name="报表系统",
                scopes=["org:read"],
                actor=person_actor(house.person("chen").id),
                now=house.clock.now(),
            )
        await administrator.get("/console/keys")
        assert "只读组织架构" in administrator.text
        await administrator.get(f"/console/keys/{row.id}")
        assert "停用 报表系统 的密钥" in administrator.text
        await let(house.services, house.company, "zhao", "administrator")
        await administrator.send(f"/console/keys/{row.id}/end")
        assert "确认之后密钥才停用" in administrator.text
        async with house.services.sessions() as session:
            assert (await access.key_numbered(session, row.id)).ended_at is None

    async def test_auditors_look_and_change_nothing(self, house: House) -> None:
        await let(house.services, house.company, "wang", "auditor")
        browser = await house.signed_in("wang")
        assert (await browser.get("/console/keys")).status_code == 200
        assert "创建密钥" not in browser.text
        assert (await browser.get("/console/keys/new")).status_code == 403


class TestSettings:
    async def test_secrets_are_not_shown(self, house: House, administrator: Browser) -> None:
        page = await administrator.get("/console/settings")
        settings = house.services.settings
        assert "STEWARD_WECOM_AGENT_ID" in page.text
        assert str(settings.wecom.agent_id) in page.text
        for secret in (settings.secret_key, settings.wecom.app_secret, settings.wecom.app_aes_key):
            assert secret.get_secret_value() not in page.text

    def test_neither_is_the_password_of_a_proxy(self, house: House) -> None:
        wecom = house.services.settings.wecom.model_copy(update={"proxy": "http://me:secret@proxy.test:8080"})
        found = {one.name: one for one in shown(house.services.settings.model_copy(update={"wecom": wecom}))}
        assert found["STEWARD_WECOM_PROXY"].value == "http://…@proxy.test:8080"


class TestDoctor:
    async def test_what_is_wrong_stands_first_with_its_cure(self, house: House, administrator: Browser) -> None:
        async def examine() -> list[Examined]:
            return [
                Examined("数据库", "ok", "可以读写", "", ""),
                Examined("应用", "failed", "AgentId 不对", "请改正", "企业微信管理后台 → 应用管理"),
            ]

        house.app.state.examine = examine
        await administrator.get("/console/doctor")
        assert "AgentId 不对" not in administrator.text, "nobody has asked yet"
        await administrator.get("/console/doctor/examination")
        assert administrator.text.index("AgentId 不对") < administrator.text.index("可以读写")
        assert "怎么办 请改正" in administrator.text


PRIVATE = ("doctor", "doctor/examination", "settings", "audit", "audit/verification", "quota", "keys", "keys/new")


@pytest.mark.parametrize("path", PRIVATE)
async def test_nobody_else_may_look(house: House, path: str) -> None:
    browser = await house.signed_in("li")
    page = await browser.get(f"/console/{path}")
    assert page.status_code == 403
