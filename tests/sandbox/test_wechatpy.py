"""The published library works against the sandbox; only its hard-wired token address is overridden."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from wechatpy.enterprise import WeChatClient
from wechatpy.exceptions import WeChatClientException

from sandbox.app import create_app
from sandbox.config import SandboxConfig
from sandbox.faults import Fault
from sandbox.state import SandboxState


class SandboxedClient(WeChatClient):  # type: ignore[misc] # published without types
    """`API_BASE_URL` is meant to be set; the token address is written into the method."""

    def fetch_access_token(self) -> Any:
        params = {"corpid": self.corp_id, "corpsecret": self.secret}
        return self._fetch_access_token(url=f"{self.API_BASE_URL}gettoken", params=params)


class Running:
    """A sandbox on a real port, in a thread."""

    def __init__(self) -> None:
        self.config = SandboxConfig(people=40, contact_profile="legacy_full")
        self.app = create_app(self.config)
        self.server = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=10)

    @property
    def state(self) -> SandboxState:
        state: SandboxState = self.app.state.sandbox
        return state

    def client(self, secret: str) -> Any:
        client = SandboxedClient(self.config.corp_id, secret)
        client.API_BASE_URL = f"{self.base_url}/cgi-bin/"
        return client


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


@pytest.fixture
def app(running: Running) -> Iterator[Any]:
    client = running.client(running.config.app_secret)
    yield client
    client._http.close()


@pytest.fixture
def contacts(running: Running) -> Iterator[Any]:
    client = running.client(running.config.contacts_secret)
    yield client
    client._http.close()


class TestReading:
    def test_members_and_departments(self, running: Running, app: Any) -> None:
        person = next(iter(running.state.company.people.values()))
        assert app.user.get(person.userid)["name"] == person.name
        departments = app.department.get()
        assert departments[0]["id"] == 1
        assert person.userid in [row["userid"] for row in app.user.list(person.main_department)]
        assert app.department.get_users(person.main_department)

    def test_errors_become_the_library_s(self, app: Any) -> None:
        with pytest.raises(WeChatClientException) as refused:
            app.user.get("nobody")
        assert refused.value.errcode == 60111


class TestSending:
    def test_text_markdown_and_card(self, running: Running, app: Any) -> None:
        person = next(iter(running.state.company.people.values()))
        agent = running.config.agent_id
        assert app.message.send_text(agent, person.userid, "你好")["errcode"] == 0
        assert app.message.send_markdown(agent, [person.userid], "**重要**")["errcode"] == 0
        app.message.send_text_card(agent, person.userid, "标题", "说明", "https://x.test")
        assert [m.msgtype for m in running.state.phones[person.serial]] == ["text", "markdown", "textcard"]

    def test_group(self, running: Running, app: Any) -> None:
        people = [p.userid for p in list(running.state.company.people.values())[:3]]
        chatid = app.appchat.create(chat_id="lib1", name="库建的群", owner=people[0], user_list=people)["chatid"]
        assert app.appchat.get(chatid)["name"] == "库建的群"
        app.appchat.update(chatid, name="改名")
        app.appchat.send_text(chatid, "大家好")
        assert running.state.groups[chatid].name == "改名"
        assert len(running.state.groups[chatid].messages) == 1

    def test_media(self, running: Running, app: Any) -> None:
        answer = app.media.upload("file", ("a.txt", b"some content", "text/plain"))
        assert running.state.media[answer["media_id"]].content == b"some content"

    def test_agent_and_menu(self, running: Running, app: Any) -> None:
        agent = running.config.agent_id
        assert app.agent.get(agent)["allow_partys"]["partyid"] == [1]
        menu = {"button": [{"type": "click", "name": "帮助", "key": "HELP"}]}
        app.menu.create(agent, menu)
        assert app.menu.get(agent)["button"] == menu["button"]


class TestWriting:
    def test_members_departments_and_tags(self, running: Running, contacts: Any) -> None:
        made = contacts.department.create("库建的部门", parent_id=1)
        contacts.user.create("libuser", "库建的人", department=[made["id"]], mobile="13700000009")
        contacts.user.update("libuser", name="改名")
        person = running.state.company.person("libuser")
        assert (person.name, person.departments) == ("改名", [made["id"]])
        tag_id = contacts.tag.create("库建的标签")["tagid"]
        contacts.tag.add_users(tag_id, ["libuser"])
        contacts.user.delete("libuser")
        contacts.department.delete(made["id"])
        assert running.state.company.find("libuser") is None


class TestFaultsOnTheWire:
    """Out of process a silence is a silence and a broken connection is broken."""

    def call(self, running: Running, fault: Fault, *, patience: float) -> None:
        running.state.faults.arm(fault)
        httpx.get(f"{running.base_url}/cgi-bin/gettoken", timeout=patience)

    def test_silence(self, running: Running) -> None:
        with pytest.raises(httpx.ReadTimeout):
            self.call(running, Fault(endpoint="gettoken", timeout=True), patience=0.3)

    def test_broken_connection(self, running: Running) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            self.call(running, Fault(endpoint="gettoken", drop=True), patience=10)


class TestToken:
    def test_expired_token_is_refreshed_by_the_library(self, running: Running, app: Any) -> None:
        first = app.access_token
        for token in running.state.tokens.values():
            token.expires_at = 0
        assert app.department.get()
        assert app.access_token != first
