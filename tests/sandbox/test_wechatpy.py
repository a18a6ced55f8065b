"""The published library works against the sandbox; only its hard-wired token address is overridden."""

import re
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
        self.http = httpx.Client(base_url=self.base_url, timeout=60)

    def stop(self) -> None:
        self.http.close()
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


class TestOtherGroupsOfCalls:
    """Whatever else the library has for a self-built app."""

    def test_message_kinds(self, running: Running, app: Any) -> None:
        person, agent = next(iter(running.state.company.people.values())), running.config.agent_id
        media = app.media.upload("file", ("a.txt", b"some content", "text/plain"))["media_id"]
        image = app.media.upload("image", ("a.png", b"\x89PNG" + b"0" * 40, "image/png"))["media_id"]
        app.message.send_file(agent, person.userid, media)
        app.message.send_image(agent, person.userid, image)
        article = {"title": "周报", "description": "第九周", "url": "https://x.test", "image": "https://x.test/a.png"}
        app.message.send_articles(agent, person.userid, [article])
        assert [m.msgtype for m in running.state.phones[person.serial]][-3:] == ["file", "image", "news"]

    def test_media_addresses(self, running: Running, app: Any) -> None:
        media = app.media.upload("file", ("a.txt", b"some content", "text/plain"))["media_id"]
        address = app.media.get_url(media).replace("https://qyapi.weixin.qq.com", running.base_url)
        assert running.http.get(address).content == b"some content"
        picture = app.media.upload_img(("a.png", b"\x89PNG" + b"0" * 40, "image/png"))
        assert picture["url"].startswith(f"{running.base_url}/pictures/")

    def test_oauth(self, running: Running, app: Any) -> None:
        person = next(iter(running.state.company.people.values()))
        link = app.oauth.authorize_url("https://app.example.test/x", state="s1")
        link = link.replace("https://open.weixin.qq.com", running.base_url)
        answer = running.http.get(link, headers={"cookie": f"sandbox_userid={person.userid}"})
        code = httpx.URL(answer.headers["location"]).params["code"]
        assert app.oauth.get_user_info(code)["UserId"] == person.userid

    def test_js_sdk(self, running: Running, app: Any) -> None:
        url, noncestr, timestamp = "https://app.example.test/oa?tab=1", "abc123", 1_700_000_000
        for kind, ticket in (("corp", app.jsapi.get_jsapi_ticket()), ("app", app.jsapi.get_agent_jsapi_ticket())):
            signature = app.jsapi.get_jsapi_signature(noncestr, ticket, timestamp, url)
            body = {"url": url, "noncestr": noncestr, "timestamp": timestamp, "signature": signature, "kind": kind}
            assert running.http.post("/sandbox/jsapi/check", json=body).json()["errcode"] == 0

    def test_addresses_and_applications(self, running: Running, app: Any) -> None:
        assert app.misc.get_wechat_ips()
        assert app.agent.list()[0]["agentid"] == running.config.agent_id
        app.agent.set(running.config.agent_id, name="库改的名", description="由库修改的说明")
        assert app.agent.get(running.config.agent_id)["name"] == "库改的名"

    def test_openids(self, running: Running, app: Any) -> None:
        person = next(iter(running.state.company.people.values()))
        openid = app.user.convert_to_openid(person.userid)["openid"]
        assert app.user.convert_to_user_id(openid) == person.userid
        assert app.user.verify(person.userid)["errcode"] == 0

    def test_invitations_and_imports(self, running: Running, contacts: Any) -> None:
        person = next(iter(running.state.company.people.values()))
        assert contacts.batch.invite(user=[person.userid])["invaliduser"] == []
        csv = f"userid,name,position\n{person.userid},{person.name},由库导入\n".encode()
        media = contacts.media.upload("file", ("import.csv", csv, "text/csv"))["media_id"]
        secrets = (running.config.contacts_token, running.config.contacts_aes_key)
        job = contacts.batch.sync_user("http://127.0.0.1:9/nobody", *secrets, media)["jobid"]
        assert contacts.batch.get_result(job)["status"] == 3
        assert person.position == "由库导入"

    def test_tags_read_and_changed(self, running: Running, contacts: Any) -> None:
        person = next(iter(running.state.company.people.values()))
        tag_id = contacts.tag.create("库的标签")["tagid"]
        contacts.tag.update(tag_id, "库改的标签")
        contacts.tag.add_users(tag_id, [person.userid])
        assert [row["userid"] for row in contacts.tag.get_users(tag_id)["userlist"]] == [person.userid]
        assert "库改的标签" in [tag["tagname"] for tag in contacts.tag.list()]
        contacts.tag.delete_users(tag_id, [person.userid])
        contacts.tag.delete(tag_id)

    def test_departments_changed(self, running: Running, contacts: Any) -> None:
        made = contacts.department.create("库的部门", parent_id=1, order=7)["id"]
        contacts.department.update(made, name="库改的部门", order=8)
        assert running.state.company.departments[made].name == "库改的部门"
        contacts.department.delete(made)
        contacts.user.create("batchone", "一", department=[1], mobile="13700000011")
        contacts.user.create("batchtwo", "二", department=[1], mobile="13700000012")
        contacts.user.batch_delete(["batchone", "batchtwo"])
        assert running.state.company.find("batchone") is None

    def test_menu_deleted_and_message_to_a_group_in_every_way(self, running: Running, app: Any) -> None:
        agent = running.config.agent_id
        app.menu.create(agent, {"button": [{"type": "click", "name": "帮助", "key": "HELP"}]})
        app.menu.update(agent, {"button": [{"type": "view", "name": "主页", "url": "https://x.test"}]})
        app.menu.delete(agent)
        assert running.state.main_app.menu is None
        people = [p.userid for p in list(running.state.company.people.values())[:3]]
        app.appchat.create(chat_id="lib2", name="群", owner=people[0], user_list=people)
        media = app.media.upload("file", ("a.txt", b"some content", "text/plain"))["media_id"]
        app.appchat.send("lib2", "file", media_id=media)
        app.appchat.send("lib2", "markdown", content="**重要**")
        app.appchat.update("lib2", add_user_list=[], del_user_list=[people[2]])
        assert [m.msgtype for m in running.state.groups["lib2"].messages] == ["file", "markdown"]

    def test_approval_and_calendar(self, running: Running, app: Any) -> None:
        template_id = next(iter(running.state.approvals.templates))
        assert app.OA.get_template_detail(template_id)["template_names"]
        now = int(time.time())
        assert app.OA.get_approval_info(now - 86_400, now + 86_400, 0)["sp_no_list"] == []
        person = next(iter(running.state.company.people.values()))
        calendar = app.calendar.add(person.userid, "库的日历", "#0000FF")
        assert app.calendar.get([calendar])[0]["summary"] == "库的日历"
        app.calendar.delete(calendar)

    def test_customer_groups(self, running: Running, app: Any) -> None:
        people = [p.userid for p in list(running.state.company.people.values())[:3]]
        assert app.external_contact_group_chat.list(owner_userid_list=people)["errcode"] == 0


class TestPlainHttp:
    """As the examples of the documentation show it, with nothing but HTTP."""

    def test_token_message_group_and_card(self, running: Running) -> None:
        http, config = running.http, running.config
        person = next(iter(running.state.company.people.values()))
        answer = http.get(f"/cgi-bin/gettoken?corpid={config.corp_id}&corpsecret={config.app_secret}").json()
        assert set(answer) == {"errcode", "errmsg", "access_token", "expires_in"}
        token = answer["access_token"]
        text = {"touser": person.userid, "msgtype": "text", "agentid": config.agent_id, "text": {"content": "你好"}}
        sent = http.post(f"/cgi-bin/message/send?access_token={token}", json=text | {"safe": 0}).json()
        assert (sent["errcode"], sent["invaliduser"]) == (0, "")
        assert http.post(f"/cgi-bin/message/recall?access_token={token}", json={"msgid": sent["msgid"]}).json() == {
            "errcode": 0,
            "errmsg": "ok",
        }
        refused = http.get(f"/cgi-bin/user/get?access_token={token}&userid=ghost")
        assert refused.status_code == 200
        assert re.fullmatch(
            r"userid not found: ghost, hint: \[\d+_\d+_[0-9a-f]+\], from ip: 127\.0\.0\.1, "
            r"more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=60111",
            refused.json()["errmsg"],
        )

    def test_the_token_goes_into_the_query_never_into_the_body(self, running: Running) -> None:
        answer = running.http.post("/cgi-bin/message/send", json={"access_token": "x"})
        assert answer.json()["errcode"] == 41001


class TestFaultsOnTheWire:
    """Out of process a silence is a silence and a broken connection is broken."""

    def call(self, running: Running, fault: Fault, *, patience: float) -> None:
        running.state.faults.arm(fault)
        running.http.get("/cgi-bin/gettoken", timeout=patience)

    def test_silence(self, running: Running) -> None:
        with pytest.raises(httpx.ReadTimeout):
            self.call(running, Fault(endpoint="gettoken", timeout=True), patience=0.3)

    def test_broken_off_in_the_body(self, running: Running) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            self.call(running, Fault(endpoint="gettoken", truncated=True), patience=10)

    def test_no_json(self, running: Running) -> None:
        running.state.faults.arm(Fault(endpoint="gettoken", broken_json=True))
        answer = running.http.get("/cgi-bin/gettoken")
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()

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
