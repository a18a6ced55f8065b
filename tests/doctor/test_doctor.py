"""F105: one thing is broken at a time; exactly that is found, with what to do and which page to open."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from app.access.service import create_key
from app.audit.actor import SYSTEM
from app.bootstrap import Services
from app.clock import Clock, SystemClock
from app.database import transaction
from app.doctor.context import open_context
from app.doctor.examination import CHECKS
from app.doctor.findings import State
from app.doctor.for_pages import examination_of, within
from app.jobs.queue import enqueue
from app.menu.service import menu_at
from app.probes.router import find_degraded
from app.web.scopes import ANYBODY
from app.wecom.message_bodies.encode import to_bytes
from app.wecom.message_bodies.menu import Menu, MenuEntry
from models.delivery import CallKind
from models.installation import PlatformState
from models.org import SyncRun, SyncState
from sandbox.client import VerificationFailed
from tests.cli.conftest import Steward
from tests.databases import dsn
from tests.doctor.conftest import Ward, bad
from tests.platform import free_port

KEY = "Z" * 43


class Late(Clock):
    """A clock that is wrong by so much."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) - self._by


class TestAllIsWell:
    async def test_nothing_fails(self, ward: Ward) -> None:
        async with ward.serving():
            found = await ward.examine()
        assert bad(found) == set(), found
        assert found["callback.app"].state is State.OK
        assert found["callback.contacts"].state is State.OK
        assert found["visible_range"].state is State.OK
        assert [check.name for check in CHECKS] == list(found), "in the order of the console"

    async def test_nothing_on_the_platform_is_changed_and_no_wrong_secret_is_counted(self, ward: Ward) -> None:
        async with ward.serving():
            await ward.sandbox.client.forget_calls()
            await ward.examine()
        paths = {call["endpoint"] for call in await ward.sandbox.client.calls()}
        assert paths <= {
            "gettoken",
            "agent/get",
            "department/simplelist",
            "department/get",
            "user/list_id",
            "user/get",
            "user/simplelist",
            "menu/get",
        }

    async def test_it_says_when_the_platform_was_last_heard(self, ward: Ward) -> None:
        async with ward.serving() as service:
            assert "还没有收到过" in (await ward.examine())["callback.app"].says
            base = ward.environment["STEWARD_LISTEN"]
            await ward.sandbox.client.set_callback_urls(app=f"http://{base}/callbacks/app")
            userid = (await ward.sandbox.client.people(limit=1))[0]["userid"]
            await ward.sandbox.client.open_app(userid)
            await ward.sandbox.client.wait_idle()
            assert service.settings
            assert "最近一次" in (await ward.examine())["callback.app"].says


class TestSettings:
    async def test_a_private_public_address_with_the_real_platform(self, ward: Ward) -> None:
        found = await ward.examine(
            WECOM_API_BASE="https://qyapi.weixin.qq.com/cgi-bin",
            WECOM_PROXY="http://127.0.0.1:9",
            PUBLIC_URL="http://192.168.1.5",
        )
        assert found["settings"].state is State.FAILED
        assert "192.168.1.5" in found["settings"].says

    async def test_the_same_secret_twice(self, ward: Ward) -> None:
        same = ward.environment["STEWARD_WECOM_APP_SECRET"]
        found = await ward.examine(WECOM_CONTACTS_SECRET=same)
        assert found["settings"].state is State.FAILED
        assert "通讯录同步" in found["settings"].page

    async def test_a_file_of_settings_that_others_can_read(self, ward: Ward, tmp_path: Path) -> None:
        (tmp_path / ".env").touch(mode=0o640)
        told = await ward.examine(env_file=tmp_path / ".env")
        assert (told["settings"].state, "chmod 600" in told["settings"].do) == (State.WARNING, True)
        (tmp_path / ".env").chmod(0o600)
        assert (await ward.examine(env_file=tmp_path / ".env"))["settings"].state is State.OK


class TestThePlatform:
    async def test_it_cannot_be_reached(self, ward: Ward) -> None:
        found = await ward.examine(WECOM_API_BASE=f"http://127.0.0.1:{free_port()}/cgi-bin")
        assert "platform" in bad(found)
        assert found["secret.app"].state is State.SKIPPED, "one cause is told once"

    async def test_something_else_answers(self, ward: Ward) -> None:
        elsewhere = ward.environment["STEWARD_WECOM_API_BASE"].replace("cgi-bin", "sandbox/x")
        found = await ward.examine(WECOM_API_BASE=elsewhere)
        assert "platform" in bad(found)

    @pytest.mark.parametrize(("by", "state"), [(60, State.WARNING), (-60, State.WARNING), (900, State.FAILED)])
    async def test_the_clock_is_off(self, ward: Ward, by: int, state: State) -> None:
        found = await ward.examine(clock=Late(timedelta(seconds=by)))
        assert found["clock"].state is state
        assert "慢" in found["clock"].says if by > 0 else "快" in found["clock"].says

    @pytest.mark.parametrize(
        ("name", "check", "page"),
        [("WECOM_APP_SECRET", "secret.app", "自建应用"), ("WECOM_CONTACTS_SECRET", "secret.contacts", "通讯录同步")],
    )
    async def test_a_wrong_secret(self, ward: Ward, name: str, check: str, page: str) -> None:
        wrong = "a-secret-that-is-wrong-0123456789"
        found = await ward.examine({name: wrong})
        assert check in bad(found)
        assert "40001" in found[check].says
        assert page in found[check].page
        assert wrong not in repr(found)

    async def test_another_corp_id(self, ward: Ward) -> None:
        assert "40013" in (await ward.examine(WECOM_CORP_ID="wwanother0000000002"))["secret.app"].says

    async def test_the_agent_of_another_app(self, ward: Ward) -> None:
        found = await ward.examine(WECOM_AGENT_ID="1000099")
        assert "agent" in bad(found)

    async def test_an_app_that_is_closed(self, ward: Ward) -> None:
        next(iter(ward.sandbox.state.apps.values())).close = True
        found = await ward.examine()
        assert "停用" in found["agent"].says
        assert "agent" in bad(found)

    async def test_a_narrow_range_says_whom_it_misses(self, ward: Ward) -> None:
        departments = [row["id"] for row in await ward.sandbox.client.departments() if row["id"] != 1]
        await ward.sandbox.client.set_visible_range(parties=departments[:1])
        finding = (await ward.examine())["visible_range"]
        assert finding.state is State.FAILED
        assert "48002" in finding.says
        assert "人（" in finding.says
        assert "可见范围" in finding.page

    async def test_the_profile_of_today_reads_ids_with_one_and_details_with_the_other(self, ward: Ward) -> None:
        assert "48009" in (await ward.examine())["reading"].says
        await ward.sandbox.client.configure(contact_profile="legacy_full")
        assert "48009" not in (await ward.examine())["reading"].says

    async def test_an_address_that_is_not_trusted_is_told_to_be_entered_in_both_lists(self, ward: Ward) -> None:
        await ward.sandbox.client.configure(trusted_ips=["203.0.113.7"])
        found = await ward.examine()
        for check, page in (("trusted_ip.app", "自建应用"), ("trusted_ip.contacts", "通讯录同步")):
            assert check in bad(found)
            assert "127.0.0.1" in found[check].do
            assert page in found[check].page
        assert found["agent"].state is State.SKIPPED, "the cause stands where it is cured"

    async def test_a_platform_that_hangs_becomes_a_failure(self, ward: Ward) -> None:
        await ward.sandbox.client.fail("agent/get", timeout=True, times=None)
        found = await ward.examine(longest=1.0)
        assert "没有结果" in found["agent"].says
        assert found["secret.app"].state is State.OK


class TestTheMenu:
    """The menu of the app is ours, or the finding says how it becomes ours."""

    HOME = "https://steward.example.com"

    async def test_there_is_none(self, ward: Ward) -> None:
        finding = (await ward.examine(PUBLIC_URL=self.HOME))["menu"]
        assert (finding.state, "没有菜单" in finding.says) == (State.WARNING, True)
        assert "steward menu" in finding.do

    async def test_it_is_ours(self, ward: Ward) -> None:
        async with ward.serving() as services:
            await services.platform.app.call(CallKind.MENU_CREATE, to_bytes(menu_at(self.HOME).to_body()))
        finding = (await ward.examine(PUBLIC_URL=self.HOME))["menu"]
        assert (finding.state, "今日" in finding.says) == (State.OK, True)

    async def test_somebody_has_changed_it(self, ward: Ward) -> None:
        other = Menu((MenuEntry.opening("考勤", "https://elsewhere.example.com"),))
        async with ward.serving() as services:
            await services.platform.app.call(CallKind.MENU_CREATE, to_bytes(other.to_body()))
        finding = (await ward.examine(PUBLIC_URL=self.HOME))["menu"]
        assert (finding.state, "考勤" in finding.says) == (State.WARNING, True)
        assert "steward menu" in finding.do

    async def test_without_a_public_address(self, ward: Ward) -> None:
        finding = (await ward.examine())["menu"]
        assert (finding.state, "STEWARD_PUBLIC_URL" in finding.says) == (State.SKIPPED, True)


class TestCallbacks:
    async def test_nobody_serves(self, ward: Ward) -> None:
        found = await ward.examine()
        assert {"callback.app", "callback.contacts"} <= bad(found)
        assert "没有服务在运行" in found["callback.app"].says

    @pytest.mark.parametrize(
        ("name", "value", "word"),
        [
            ("WECOM_APP_AES_KEY", KEY, "EncodingAESKey"),
            ("WECOM_APP_TOKEN", "SomeOtherToken", "Token"),
        ],
    )
    async def test_the_serving_side_has_another_key(self, ward: Ward, name: str, value: str, word: str) -> None:
        async with ward.serving(**{name: value}):
            found = await ward.examine()
        assert bad(found) == {"callback.app"}
        assert word in found["callback.app"].says
        assert "接收消息" in found["callback.app"].page

    async def test_the_serving_side_has_another_corp(self, ward: Ward) -> None:
        async with ward.serving():
            found = await ward.examine(WECOM_CORP_ID="wwanother0000000002")
        assert "企业ID" in found["callback.app"].says

    async def test_something_else_stands_at_the_address(self, ward: Ward) -> None:
        base = ward.environment["STEWARD_WECOM_API_BASE"].removesuffix("/cgi-bin")
        found = await ward.examine(PUBLIC_URL=f"{base}/sandbox")
        assert "404" in found["callback.app"].says

    async def test_a_name_that_does_not_exist(self, ward: Ward) -> None:
        found = await ward.examine(PUBLIC_URL="https://steward.invalid")
        assert "解析不到" in found["callback.app"].says

    async def test_a_certificate_that_is_none(self, ward: Ward) -> None:
        """Plain HTTP behind https://."""
        async with ward.serving():
            found = await ward.examine(PUBLIC_URL=f"https://{ward.environment['STEWARD_LISTEN']}")
        assert "证书" in found["callback.app"].says

    @pytest.mark.parametrize("changes", [{}, {"WECOM_APP_TOKEN": "AnotherToken77"}])
    async def test_asking_ourselves_is_not_the_platform_calling(self, ward: Ward, changes: dict[str, str]) -> None:
        """Neither does it count as a verified address, nor as settings of the platform that differ."""
        async with ward.serving() as services:
            await ward.examine(changes)
            await services.intake.watch.tick()
            async with services.sessions() as session:
                state = await session.get(PlatformState, "callbacks:app")
            assert state is not None
            assert (state.healthy, state.facts) == (False, {})

    async def test_the_platform_counts(self, ward: Ward) -> None:
        async with ward.serving() as services:
            await ward.sandbox.client.set_callback_urls(app=f"{_base(services)}/callbacks/app")
            await services.intake.watch.tick()
            async with services.sessions() as session:
                state = await session.get(PlatformState, "callbacks:app")
            assert state is not None
            assert state.healthy


def _base(services: Services) -> str:
    host, port = services.settings.listen_address
    return f"http://{host}:{port}"


class TestRefusals:
    """What the platform sends is refused, although our own question at the address is answered."""

    SWAPPED = ("WECOM_APP_AES_KEY", "WECOM_CONTACTS_AES_KEY")

    async def test_swapped_keys_are_seen_by_the_doctor_and_the_probe(self, ward: Ward) -> None:
        one, other = (ward.environment[f"STEWARD_{name}"] for name in self.SWAPPED)
        swapped = dict(zip(self.SWAPPED, (other, one), strict=True))
        async with ward.serving(**swapped) as services:
            assert (await ward.examine(swapped))["callback.app"].state is State.OK, "nothing was sent yet"
            await self.send_both(ward, services)
            found = await ward.examine(swapped)
            async with services.sessions() as session:
                told = {each.what: each.detail for each in await find_degraded(session, now=services.clock.now())}
        assert {"callback.app", "callback.contacts"} <= bad(found)
        for name in ("app", "contacts"):
            assert "EncodingAESKey" in found[f"callback.{name}"].says + found[f"callback.{name}"].do
            assert "被拒绝" in told[f"callbacks:{name}"]
        assert "接收消息" in found["callback.app"].page

    async def test_a_token_that_differs_may_be_a_stranger(self, ward: Ward) -> None:
        changes = {"WECOM_APP_TOKEN": "AnotherToken77", "WECOM_APP_AES_KEY": KEY}
        async with ward.serving(**changes) as services:
            await self.send_both(ward, services)
            found = await ward.examine(changes)
        assert found["callback.app"].state is State.WARNING
        assert "Token" in found["callback.app"].says
        assert found["callback.contacts"].state is State.OK

    async def test_once_it_works_again_nothing_is_told(self, ward: Ward) -> None:
        async with ward.serving(WECOM_APP_AES_KEY=KEY) as services:
            await self.send_both(ward, services)
        async with ward.serving() as services:
            await self.send_both(ward, services)
            assert (await ward.examine())["callback.app"].state is State.OK

    async def send_both(self, ward: Ward, services: Services) -> None:
        """The platform saves both addresses, which it does with its own keys."""
        base = _base(services)
        with suppress(VerificationFailed):
            await ward.sandbox.client.set_callback_urls(
                app=f"{base}/callbacks/app", contacts=f"{base}/callbacks/contacts"
            )
        await services.intake.watch.tick()


class TestTheDatabase:
    async def test_it_is_down(self, ward: Ward) -> None:
        found = await ward.examine(DATABASE_URL=f"postgresql://nobody:hunter2secret@127.0.0.1:{free_port()}/nothing")
        assert "database" in bad(found)
        assert found["schema"].state is State.SKIPPED
        assert found["secret.app"].state is State.OK, "the platform is examined all the same"
        assert "hunter2secret" not in repr(found)

    async def test_its_schema_is_behind(self, ward: Ward) -> None:
        connection = await asyncpg.connect(dsn(ward.database_url))
        await connection.execute("UPDATE alembic_version SET version_num = '0001'")
        await connection.close()
        finding = (await ward.examine())["schema"]
        assert finding.state is State.FAILED
        assert "steward migrate" in finding.do

    async def test_it_belongs_to_another_corp_or_another_key(self, ward: Ward) -> None:
        async with ward.serving():
            pass
        assert "属于企业" in (await ward.examine(WECOM_CORP_ID="wwanother0000000002"))["schema"].says
        other = "another-secret-key-of-forty-characters-or-so"
        assert "SECRET_KEY" in (await ward.examine(SECRET_KEY=other))["schema"].says

    async def test_work_waits_and_nobody_works(self, ward: Ward) -> None:
        async with ward.serving() as service:
            async with transaction(service.sessions) as session:
                await enqueue(session, "org.sync", {})
                await session.execute(text("UPDATE pgqueuer SET execute_after = now() - interval '10 minutes'"))
            finding = (await ward.examine())["queue"]
        assert finding.state is State.FAILED
        assert "steward worker" in finding.do


class TestWhatWaitsForAPerson:
    async def test_losses_held_back_are_named_with_both_commands(self, ward: Ward) -> None:
        async with ward.serving() as service:
            assert (await ward.examine())["waiting"].state is State.OK
            now = service.clock.now()
            async with transaction(service.sessions) as session:
                run = SyncRun(
                    reason="test",
                    state=SyncState.HELD,
                    phase="",
                    correlation_id="c",
                    heartbeat_at=now,
                    started_at=now,
                    finished_at=now,
                )
                session.add(run)
                await session.flush()
                run_id = run.id
            finding = (await ward.examine())["waiting"]
        assert finding.state is State.WARNING
        assert f"steward sync --release {run_id}" in finding.do
        assert f"steward sync --reject {run_id}" in finding.do


class TestKeysThatAnUpgradeWidened:
    async def test_they_are_named_with_what_was_added_and_others_are_not(self, ward: Ward) -> None:
        async with ward.serving() as service:
            async with transaction(service.sessions) as session:
                for name, scopes in (("旧报表", ["requests:write"]), ("工单", ["requests:write", "requests:decide"])):
                    await create_key(session, name=name, scopes=scopes, actor=SYSTEM, now=service.clock.now())
            assert (await ward.examine())["keys"].state is State.OK
            async with transaction(service.sessions) as session:
                await session.execute(
                    text("UPDATE api_keys SET scopes = array_append(scopes, 'requests:decide') WHERE name = '旧报表'")
                )
            finding = (await ward.examine())["keys"]
        assert finding.state is State.WARNING
        assert "旧报表" in finding.says
        assert "requests:decide" in finding.says
        assert "工单" not in finding.says


class TestWhatKeysMay:
    """D21: an operator reads what each living key may; one that acts for anybody is a warning."""

    async def test_each_is_named_with_its_powers_and_the_wide_ones_with_what_to_do(self, ward: Ward) -> None:
        async with ward.serving() as service:
            async with transaction(service.sessions) as session:
                now = service.clock.now()
                await create_key(session, name="报表系统", scopes=["org:read"], actor=SYSTEM, now=now)
                assert (await ward.examine())["service_accounts"].state is State.OK
                scopes = ["requests:write"]
                await create_key(session, name="监控", scopes=scopes, acts_for=ANYBODY, actor=SYSTEM, now=now)
            finding = (await ward.examine())["service_accounts"]
        assert finding.state is State.WARNING
        assert re.search(r"报表系统（stw_.{4}…）：只读组织架构", finding.says)
        assert re.search(r"监控（stw_.{4}…）：可写申请，可代任何人提交申请", finding.says)
        assert "1 个密钥可以代任何人办理：监控" in finding.says
        assert "steward api-key act-as" in finding.do


class TestTheCommand:
    """As an operator runs it: a process of its own."""

    async def test_it_exits_1_with_every_check_in_json_and_no_secret(self, ward: Ward, tmp_path: Path) -> None:
        ran = await Steward(tmp_path, ward.environment)("doctor", "--json")
        assert ran.code == 1
        told = json.loads(ran.out)
        assert told["ok"] is False
        assert [row["check"] for row in told["checks"]] == [check.name for check in CHECKS]
        secrets = [value for name, value in ward.environment.items() if name.endswith(("SECRET", "KEY", "TOKEN"))]
        assert [value for value in secrets if value in ran.out + ran.err] == []

    async def test_it_exits_0_when_all_is_well_while_the_service_runs(self, ward: Ward, tmp_path: Path) -> None:
        async with ward.serving():
            ran = await Steward(tmp_path, ward.environment)("doctor")
        assert ran.code == 0, ran.out
        assert "0 项不通过" in ran.out

    async def test_faulty_settings_are_its_first_finding(self, bare: Steward) -> None:
        ran = await bare("doctor")
        assert ran.code == 1
        assert "STEWARD_WECOM_CORP_ID" in ran.out

    async def test_it_makes_no_embedded_database(self, ward: Ward, tmp_path: Path) -> None:
        environment = {name: value for name, value in ward.environment.items() if name != "STEWARD_DATABASE_URL"}
        ran = await Steward(tmp_path, environment)("doctor")
        assert "内置数据库还没有建立" in ran.out
        assert os.listdir(tmp_path) == []  # noqa: PTH208 -- one look at an empty folder


def test_a_check_stands_after_what_it_builds_on() -> None:
    names = [check.name for check in CHECKS]
    assert all(names.index(need) < names.index(check.name) for check in CHECKS for need in check.needs)


class TestForPages:
    async def test_everything_is_examined(self, ward: Ward) -> None:
        async with ward.serving() as services:
            found = await examination_of(services)()
        assert [one.title for one in found] == [check.title for check in CHECKS]
        assert found[0].state == State.OK

    async def test_what_there_was_no_time_for_says_so(self, ward: Ward) -> None:
        settings = ward.settings()
        async with open_context(settings, ward.database_url, clock=SystemClock()) as context:
            found = await within(context, 0)
        assert len(found) == len(CHECKS)
        assert "时间不够" in found[-1][1].says
