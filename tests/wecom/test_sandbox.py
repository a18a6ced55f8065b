"""The client as the service builds it, against the sandbox over ASGI: as documented, and as observed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.database import Sessions
from app.settings import Settings
from app.wecom.client import Platform, build_platform
from app.wecom.errors import AppRefused, Never, NotReached, OutcomeUnknown, TryAgain, WaitUntil
from app.wecom.message_bodies.menu import Menu, MenuEntry
from models.delivery import CallKind
from sandbox.client import SandboxClient
from sandbox.config import Like, SandboxConfig
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.manners import like
from tests.platform import Sandbox, open_sandbox

__all__ = ["like"]  # a fixture, found by name

CONFIG = SandboxConfig(people=40)


@pytest.fixture
async def opened(like: Like) -> AsyncIterator[Sandbox]:
    async with open_sandbox(CONFIG.model_copy(update={"like": like})) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(opened: Sandbox) -> SandboxClient:
    return opened.client


@pytest.fixture
async def platform(
    opened: Sandbox, settings: Settings, sessions: Sessions, clock: FakeClock
) -> AsyncIterator[Platform]:
    platform = build_platform(settings, sessions, clock, transport=opened.line, retry_delays=(0, 0, 0))
    yield platform
    await platform.aclose()


def body(**fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def text_to(*userids: str) -> bytes:
    return body(touser="|".join(userids), msgtype="text", agentid=CONFIG.agent_id, text={"content": "你好"})


async def active(sandbox: SandboxClient, count: int) -> list[str]:
    return [person["userid"] for person in await sandbox.people(limit=100) if person["status"] == 1][:count]


class TestContacts:
    async def test_ids_come_from_the_sync_credential_and_details_from_the_app(self, platform: Platform) -> None:
        departments = {ref.id: ref for ref in await platform.contacts.get_department_ids()}
        assert 1 in departments
        page = await platform.contacts.list_user_ids()
        assert page.next_cursor == ""
        userid, department_id = page.rows[0]
        user = await platform.app.get_user(userid)
        assert user.userid == userid
        assert department_id in user.department_ids
        assert len(user.orders) == len(user.leader_flags) == len(user.department_ids)
        assert userid in [found.userid for found in await platform.app.list_users(department_id)]
        assert userid in [found.userid for found in await platform.app.list_users_simple(department_id)]

    async def test_departments_in_detail(self, platform: Platform) -> None:
        listed = {detail.id: detail for detail in await platform.app.list_departments()}
        (child, *_) = [detail for detail in listed.values() if detail.parent_id == 1]
        assert await platform.app.get_department(child.id) == child
        assert child.name

    async def test_pages_are_followed_by_cursor(self, platform: Platform) -> None:
        whole = (await platform.contacts.list_user_ids()).rows
        rows, cursor = [], ""
        while True:
            page = await platform.contacts.list_user_ids(cursor, limit=7)
            rows += page.rows
            cursor = page.next_cursor
            if not cursor:
                break
        assert rows == whole

    async def test_details_are_refused_to_the_sync_credential(self, platform: Platform) -> None:
        with pytest.raises(Never) as refusal:
            await platform.contacts.list_users(1)
        assert refusal.value.errcode == 48009

    async def test_an_unknown_person_makes_our_picture_stale(self, platform: Platform) -> None:
        with pytest.raises(Never) as refusal:
            await platform.app.get_user("nobody-by-this-name")
        assert (refusal.value.errcode, refusal.value.is_stale) == (60111, True)

    async def test_tags(self, platform: Platform) -> None:
        for tag in await platform.app.list_tags():
            detail = await platform.app.get_tag(tag.id)
            assert detail.name == tag.name


class TestTheApp:
    async def test_tells_its_range_its_menu_and_the_platforms_addresses(self, platform: Platform) -> None:
        agent = await platform.app.get_agent()
        assert (agent.agent_id, agent.closed, agent.party_ids) == (CONFIG.agent_id, False, [1])
        assert await platform.app.get_menu() == Menu()
        button = {"type": "click", "name": "我的群", "key": "groups.mine"}
        await platform.app.call(CallKind.MENU_CREATE, body(button=[button]))
        assert await platform.app.get_menu() == Menu((MenuEntry.telling("我的群", "groups.mine"),))
        assert await platform.app.get_callback_ips()

    async def test_the_sync_credential_has_no_agent(self, platform: Platform) -> None:
        with pytest.raises(ValueError, match="no agentid"):
            await platform.contacts.get_agent()


class TestMessages:
    async def test_a_text_arrives_and_who_was_not_reached_is_told(
        self, platform: Platform, sandbox: SandboxClient
    ) -> None:
        li, wang = await active(sandbox, 2)
        answer = await platform.app.call(CallKind.MESSAGE_SEND, text_to(li, "Ghost01", wang))
        assert answer.msgid
        assert answer.invalid_userids == ["ghost01"]
        for userid in (li, wang):
            assert (await sandbox.app_messages(userid))[-1]["text"] == "你好"

    async def test_nobody_reachable_is_a_refusal(self, platform: Platform) -> None:
        with pytest.raises(Never) as refusal:
            await platform.app.call(CallKind.MESSAGE_SEND, text_to("ghost01", "ghost02"))
        assert (refusal.value.errcode, refusal.value.is_stale) == (81013, True)

    async def test_a_time_out_after_the_effect_is_unknown_and_sent_once(
        self, platform: Platform, sandbox: SandboxClient
    ) -> None:
        (li,) = await active(sandbox, 1)
        await sandbox.fail("message/send", timeout=True, when="after")
        with pytest.raises(OutcomeUnknown):
            await platform.app.call(CallKind.MESSAGE_SEND, text_to(li))
        assert len(await sandbox.app_messages(li)) == 1

    async def test_a_limit_is_waited_for(self, platform: Platform, sandbox: SandboxClient, clock: FakeClock) -> None:
        await sandbox.fail("message/send", errcode=45009)
        with pytest.raises(WaitUntil) as blocked:
            await platform.app.call(CallKind.MESSAGE_SEND, text_to("li"))
        assert (blocked.value.until - clock.now()).total_seconds() == 60

    async def test_a_card_is_updated_by_its_code_once(self, platform: Platform, sandbox: SandboxClient) -> None:
        await sandbox.set_callback_urls(app="http://service.test/callbacks/app", verify=False)
        (li,) = await active(sandbox, 1)
        card = {
            "card_type": "button_interaction",
            "task_id": "t1",
            "main_title": {"title": "安全通知"},
            "button_list": [{"text": "确认", "key": "announcement.confirm:1"}],
        }
        fields = {"touser": li, "msgtype": "template_card", "agentid": CONFIG.agent_id, "template_card": card}
        sent = await platform.app.call(CallKind.MESSAGE_SEND, body(**fields))
        assert sent.response_code
        update = body(
            userids=[li],
            agentid=CONFIG.agent_id,
            response_code=sent.response_code,
            button={"replace_name": "已确认"},
        )
        assert (await platform.app.call(CallKind.CARD_UPDATE, update)).invalid_userids == []
        with pytest.raises(Never) as refusal:
            await platform.app.call(CallKind.CARD_UPDATE, update)
        assert refusal.value.errcode == 42022


class TestGroups:
    async def test_create_read_change_and_write(self, platform: Platform, sandbox: SandboxClient) -> None:
        li, wang, zhao = await active(sandbox, 3)
        created = await platform.app.call(
            CallKind.APPCHAT_CREATE, body(chatid="prj88", name="周会", owner=li, userlist=[li, wang])
        )
        assert created.chatid == "prj88"
        await platform.app.call(CallKind.APPCHAT_UPDATE, body(chatid="prj88", add_user_list=[zhao]))
        chat = await platform.app.get_chat("prj88")
        assert (chat.name, chat.owner, sorted(chat.userids)) == ("周会", li, sorted([li, wang, zhao]))
        await platform.app.call(CallKind.APPCHAT_SEND, body(chatid="prj88", msgtype="text", text={"content": "你好"}))

    async def test_a_second_create_says_that_it_exists(self, platform: Platform, sandbox: SandboxClient) -> None:
        li, wang = await active(sandbox, 2)
        create = body(chatid="prj88", name="周会", owner=li, userlist=[li, wang])
        await platform.app.call(CallKind.APPCHAT_CREATE, create)
        with pytest.raises(Never) as refusal:
            await platform.app.call(CallKind.APPCHAT_CREATE, create)
        assert (refusal.value.errcode, refusal.value.is_stale) == (86215, True)

    async def test_an_unknown_group_is_gone(self, platform: Platform) -> None:
        with pytest.raises(Never) as refusal:
            await platform.app.get_chat("nowhere")
        assert refusal.value.is_stale


class TestToken:
    async def test_an_early_death_is_not_noticed_by_callers(self, platform: Platform, sandbox: SandboxClient) -> None:
        (li,) = await active(sandbox, 1)
        await platform.app.call(CallKind.MESSAGE_SEND, text_to(li))
        await sandbox.expire_tokens()
        await platform.app.call(CallKind.MESSAGE_SEND, text_to(li))
        await sandbox.expire_tokens()
        await platform.app.get_user(li)
        assert len(await sandbox.app_messages(li)) == 2

    async def test_an_untrusted_address_is_told(self, platform: Platform, sandbox: SandboxClient) -> None:
        await sandbox.configure(trusted_ips=["203.0.113.*"])
        with pytest.raises(AppRefused) as refusal:
            await platform.app.list_tags()
        assert (refusal.value.errcode, refusal.value.caller_ip) == (60020, "127.0.0.1")

    async def test_a_busy_platform_is_asked_again_for_reads(self, platform: Platform, sandbox: SandboxClient) -> None:
        await sandbox.fail("tag/list", errcode=-1, times=3)
        await platform.app.list_tags()
        await sandbox.fail("tag/list", errcode=-1, times=4)
        with pytest.raises(TryAgain):
            await platform.app.list_tags()


class TestBuild:
    """Base URL and proxy are settings (F107)."""

    async def test_the_proxy_carries_every_call(self, sessions: Sessions, clock: FakeClock) -> None:
        asked: list[str] = []

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            asked.append(head.split(" ")[1].partition("?")[0])
            answer = b'{"errcode":0,"access_token":"t","expires_in":7200,"ip_list":["203.0.113.8"]}'
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            settings = test_settings(
                WECOM_PROXY=f"http://127.0.0.1:{port}", WECOM_API_BASE="http://platform.invalid/cgi-bin"
            )
            platform = build_platform(settings, sessions, clock)
            assert await platform.app.get_callback_ips() == ["203.0.113.8"]
            await platform.aclose()
        assert asked == ["http://platform.invalid/cgi-bin/gettoken", "http://platform.invalid/cgi-bin/getcallbackip"]

    async def test_a_closed_door_is_not_reached(self, sessions: Sessions, clock: FakeClock) -> None:
        async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
        settings = test_settings(WECOM_API_BASE=f"http://127.0.0.1:{port}/cgi-bin")
        platform = build_platform(settings, sessions, clock)
        with pytest.raises(NotReached):
            await platform.app.call(CallKind.MESSAGE_SEND, text_to("li"))
        await platform.aclose()

    async def test_the_environment_does_not_redirect_us(
        self, sessions: Sessions, clock: FakeClock, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://elsewhere.invalid:3128")
        platform = build_platform(settings, sessions, clock)
        assert platform.http.trust_env is False
        assert str(platform.http.base_url) == "http://sandbox.test/cgi-bin/"
        await platform.aclose()
