"""The menu of the app: set by the service, once, as a call of the ledger (P3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.database import transaction
from app.ledger import service as ledger
from app.menu import service
from app.settings import LONGEST_PUBLIC_URL, Settings
from app.wecom.message_bodies.menu import Menu, MenuEntry, read_menu
from models.audit import AuditEntry
from models.delivery import CallKind, CallState, OutgoingCall
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from tests.cli.conftest import Steward
from tests.company import OpenCompany, open_company
from tests.databases import publish, rolled_back
from tests.fakes.clock import FakeClock
from tests.fakes.environment import sandbox_environment
from tests.platform import free_port, open_sandbox, served

PUBLIC = "https://steward.example.com"


@pytest.fixture
async def office(shared_engine: AsyncEngine, clock: FakeClock, settings: Settings) -> AsyncIterator[OpenCompany]:
    async with rolled_back(shared_engine) as sessions:
        publish(sessions, PUBLIC)
        async with open_company(OpenCompany, sessions, clock, settings) as office:
            yield office


async def start(office: OpenCompany) -> OutgoingCall | None:
    """A worker starts."""
    async with transaction(office.sessions) as session:
        return await service.keep_menu(session, now=office.clock.now())


async def calls(office: OpenCompany) -> list[OutgoingCall]:
    async with transaction(office.sessions) as session:
        statement = select(OutgoingCall).where(col(OutgoingCall.kind) == CallKind.MENU_CREATE)
        return list(await session.scalars(statement.order_by(col(OutgoingCall.id))))


async def shown(office: OpenCompany) -> Menu:
    return await office.ctx.platform.app.get_menu()


class TestAtTheStart:
    async def test_the_menu_of_the_app_becomes_ours(self, office: OpenCompany) -> None:
        await start(office)
        await office.work()
        assert dict((await shown(office)).lines) == {
            "今日": f"{PUBLIC}/me",
            "发起申请 / 加入群": f"{PUBLIC}/me/apply/join",
            "发起申请 / 退出群": f"{PUBLIC}/me/apply/exit",
            "发起申请 / 建立群": f"{PUBLIC}/me/apply/create_group",
            "我的 / 我的申请": f"{PUBLIC}/me/requests",
            "我的 / 我的任务": f"{PUBLIC}/me/tasks",
            "我的 / 我的群": f"{PUBLIC}/me/groups",
            "我的 / 帮助": "say:帮助",
        }

    async def test_it_is_asked_for_before_it_is_set_and_audited_when_it_is(self, office: OpenCompany) -> None:
        await start(office)
        assert await shown(office) == Menu()
        assert [call.state for call in await calls(office)] == [CallState.READY]
        await office.work()
        async with transaction(office.sessions) as session:
            audited = await session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "menu.set"))
            assert [entry.object_id for entry in audited] == ["app"]

    async def test_the_next_start_asks_for_nothing(self, office: OpenCompany) -> None:
        await start(office)
        assert await start(office) is None, "it is on its way"
        await office.work()
        assert await start(office) is None, "it was set"
        assert len(await calls(office)) == 1

    async def test_another_address_is_another_menu(self, office: OpenCompany) -> None:
        await start(office)
        await office.work()
        publish(office.sessions, "https://new.example.com")
        await start(office)
        await office.work()
        assert (await shown(office)).entries[0].target == "https://new.example.com/me"

    async def test_what_the_platform_has_refused_is_asked_for_again(self, office: OpenCompany) -> None:
        await office.sandbox.fail("menu/create", errcode=40018, times=1)
        await start(office)
        await office.work()
        assert [call.state for call in await calls(office)] == [CallState.FAILED]
        await start(office)
        await office.work()
        assert await shown(office) == service.menu_at(PUBLIC)

    async def test_without_a_public_address_there_is_none(self, office: OpenCompany) -> None:
        publish(office.sessions, None)
        await start(office)
        assert await calls(office) == []


class TestTwoMenus:
    """The last that was asked for is the last that is set, whatever becomes of the one before."""

    async def test_the_second_waits_for_the_first(self, office: OpenCompany) -> None:
        first, second = (service.menu_at(url) for url in (PUBLIC, "https://new.example.com"))
        async with transaction(office.sessions) as session:
            for menu in (first, second):
                await service.set_menu(session, menu, actor=SYSTEM, now=office.clock.now())
        _, later = await calls(office)
        async with transaction(office.sessions) as session:
            assert await ledger.claim(session, call_id=later.id, now=office.clock.now()) is None
        await office.work()
        assert await shown(office) == second


class TestLimits:
    """messaging §10.2: names of 16 and 40 bytes, addresses of 1,024, three entries and five below each."""

    def test_the_longest_public_address_fits(self) -> None:
        home = "https://" + "x" * (LONGEST_PUBLIC_URL - 8)
        assert len(service.menu_at(home).to_body()["button"]) == 3

    @pytest.mark.parametrize(
        ("menu", "says"),
        [
            (Menu(), "1 to 3 entries"),
            (Menu((MenuEntry.opening("今日", PUBLIC),) * 4), "1 to 3 entries"),
            (Menu((MenuEntry.opening("今日待办事项", PUBLIC),)), "1 to 16 bytes"),
            (Menu((MenuEntry.holding("我的", MenuEntry.opening("字" * 14, PUBLIC)),)), "1 to 40 bytes"),
            (Menu((MenuEntry.holding("我的", *[MenuEntry.opening("甲", PUBLIC)] * 6),)), "at most 5"),
            (Menu((MenuEntry.opening("今日", "https://" + "x" * 1_024),)), "1,024|1024"),
            (Menu((MenuEntry.telling("帮助", "k" * 129),)), "128 bytes"),
            (Menu((MenuEntry("扫码", "scancode_push", "k"),)), "opens an address"),
        ],
    )
    def test_what_the_platform_would_refuse_is_our_mistake(self, menu: Menu, says: str) -> None:
        with pytest.raises(ValueError, match=says):
            menu.to_body()


class TestReading:
    """doc path/90232: entries of kinds that we never set are read as well, and told apart from ours."""

    def test_a_menu_comes_back_as_it_was_set(self) -> None:
        menu = service.menu_at(PUBLIC)
        assert read_menu(json.loads(json.dumps(menu.to_body()))) == menu

    def test_empty_lists_below_an_entry_mean_none(self) -> None:
        raw = {"button": [{"type": "view", "name": "今日", "url": PUBLIC, "sub_button": []}]}
        assert read_menu(raw) == Menu((MenuEntry.opening("今日", PUBLIC),))

    def test_a_strange_entry_is_no_error(self) -> None:
        raw = {"button": ["?", {"type": "scancode_push", "name": "扫码", "key": "scan"}, {"name": None}]}
        assert read_menu(raw).entries == (MenuEntry("扫码", "scancode_push", "scan"), MenuEntry(""))


class TestOnThePhone:
    async def test_everybody_has_it(self, office: OpenCompany) -> None:
        await start(office)
        await office.work()
        somebody = (await office.sandbox.people(limit=1))[0]["userid"]
        assert await menu_of(office.sandbox, somebody) == ["今日", "发起申请", "我的"]


class TestTheCommand:
    """`steward menu`, as an operator runs it."""

    @pytest.fixture
    async def steward(self, database: str, tmp_path: Path) -> AsyncIterator[tuple[Steward, SandboxClient]]:
        config, port = SandboxConfig(people=10), free_port()
        environment = sandbox_environment(config) | {
            "STEWARD_DATABASE_URL": database,
            "STEWARD_WECOM_API_BASE": f"http://127.0.0.1:{port}/cgi-bin",
            "STEWARD_PUBLIC_URL": PUBLIC,
        }
        async with open_sandbox(config) as sandbox, served(sandbox.program, port):
            yield Steward(tmp_path, environment), sandbox.client

    async def test_it_shows_the_difference_and_changes_nothing(self, steward: tuple[Steward, SandboxClient]) -> None:
        run, sandbox = steward
        rows = (await run("menu", "--dry-run", "--json")).json()
        assert rows[0] == {"entry": "今日", "wanted": f"{PUBLIC}/me", "shown": ""}
        assert "menu/create" not in {call["endpoint"] for call in await sandbox.calls()}

    async def test_it_sets_the_menu_here_and_now(self, steward: tuple[Steward, SandboxClient]) -> None:
        run, sandbox = steward
        ran = await run("menu")
        assert (ran.code, "已设置" in ran.out) == (0, True), ran.err
        somebody = (await sandbox.people(limit=1))[0]["userid"]
        assert await menu_of(sandbox, somebody) == ["今日", "发起申请", "我的"]
        rows = (await run("menu", "--dry-run", "--json")).json()
        assert all(row["wanted"] == row["shown"] for row in rows)

    async def test_a_refusal_is_told_and_exits_1(self, steward: tuple[Steward, SandboxClient]) -> None:
        run, sandbox = steward
        await sandbox.fail("menu/create", errcode=40018)
        ran = await run("menu")
        assert (ran.code, "没有接受" in ran.err) == (1, True)

    async def test_without_a_public_address_it_says_what_to_fill_in(
        self, steward: tuple[Steward, SandboxClient]
    ) -> None:
        run, _ = steward
        del run.environment["STEWARD_PUBLIC_URL"]
        ran = await run("menu")
        assert (ran.code, "STEWARD_PUBLIC_URL" in ran.err) == (1, True)


async def menu_of(sandbox: SandboxClient, userid: str) -> list[str]:
    phone = await sandbox.phone(userid)
    (app,) = [one for one in phone["conversations"] if one["kind"] == "app" and one["menu"]]
    return [entry["name"] for entry in app["menu"]["button"]]
