"""A small company in a sandbox, a caller for each credential, and a receiver of its callbacks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import httpx
from defusedxml.ElementTree import fromstring
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from wechatpy.enterprise.crypto import WeChatCrypto

from sandbox.app import create_app
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from sandbox.state import SandboxState

Json = dict[str, Any]
Answering = Callable[[Element], "str | None"]


@dataclass
class Received:
    """One callback as the receiver saw it on the wire."""

    path: str
    query: dict[str, str]
    envelope: str
    plaintext: str

    @property
    def event(self) -> Element:
        parsed: Element = fromstring(self.plaintext)
        return parsed

    def text(self, name: str) -> str:
        return self.event.findtext(name) or ""


@dataclass
class Receiver:
    """Takes callbacks apart with wechatpy, so that the sandbox's own cryptography is not its own judge."""

    config: SandboxConfig
    received: list[Received] = field(default_factory=list)
    reply: Answering = lambda _event: None
    status: int = 200
    before_answer: Callable[[], Awaitable[None]] | None = None
    echo_suffix: str = ""
    echo_after: float = 0.0
    """Seconds that an address takes for its verification."""
    reply_token: str | None = None
    """Seal replies with another token, as a badly configured service would."""

    def crypto(self, path: str) -> WeChatCrypto:
        config = self.config
        if path == "/contacts":
            return WeChatCrypto(config.contacts_token, config.contacts_aes_key, config.corp_id)
        return WeChatCrypto(config.app_token, config.app_aes_key, config.corp_id)

    def app(self) -> Starlette:
        routes = [Route(path, self.take, methods=["GET", "POST"]) for path in ("/app", "/contacts")]
        return Starlette(routes=routes)

    async def take(self, request: Request) -> Response:
        query, crypto = dict(request.query_params), self.crypto(request.url.path)
        signed = (query["msg_signature"], query["timestamp"], query["nonce"])
        if request.method == "GET":
            echo: str = crypto.check_signature(*signed, query["echostr"])
            await asyncio.sleep(self.echo_after)
            return PlainTextResponse(echo + self.echo_suffix)
        if self.before_answer is not None:
            await self.before_answer()
        envelope = (await request.body()).decode()
        plaintext: str = crypto.decrypt_message(envelope, *signed)
        self.received.append(Received(request.url.path, query, envelope, plaintext))
        answer = self.reply(self.received[-1].event)
        crypto.token = self.reply_token or crypto.token
        body = crypto.encrypt_message(answer, "n1", "1700000003") if answer else ""
        return Response(body, self.status, media_type="text/xml")

    def events(self, name: str) -> list[Received]:
        return [r for r in self.received if name in (r.text("Event"), r.text("ChangeType"))]


class World:
    """`app(...)` calls the API as the app, `contacts(...)` as the contacts credential."""

    def __init__(self, **settings: Any) -> None:
        self.config = SandboxConfig(**({"people": 40} | settings))
        self.receiver = Receiver(self.config)
        self.callback_http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.receiver.app()), base_url="http://service"
        )
        self.program: FastAPI = create_app(self.config, http=self.callback_http)
        self.client = SandboxClient.for_app(self.program)
        self.http = self.client.http
        self._tokens: dict[str, str] = {}

    async def start(self, *, listening: bool = True) -> "World":
        if listening:
            await self.client.set_callback_urls(app="http://service/app", contacts="http://service/contacts")
        return self

    async def stop(self) -> None:
        await self.state.pusher.stop()
        await self.client.aclose()
        await self.callback_http.aclose()

    @property
    def state(self) -> SandboxState:
        state: SandboxState = self.program.state.sandbox
        return state

    async def token(self, secret: str) -> str:
        params = {"corpid": self.config.corp_id, "corpsecret": secret}
        answer = (await self.http.get("/cgi-bin/gettoken", params=params)).json()
        assert answer["errcode"] == 0, answer
        return str(answer["access_token"])

    async def call(self, secret: str, endpoint: str, body: Any = None, **query: Any) -> Json:
        if secret not in self._tokens:
            self._tokens[secret] = await self.token(secret)
        params = {"access_token": self._tokens[secret]} | query
        method = "GET" if body is None else "POST"
        answer = await self.http.request(method, f"/cgi-bin/{endpoint}", params=params, json=body)
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    async def app(self, endpoint: str, body: Any = None, **query: Any) -> Json:
        return await self.call(self.config.app_secret, endpoint, body, **query)

    async def contacts(self, endpoint: str, body: Any = None, **query: Any) -> Json:
        return await self.call(self.config.contacts_secret, endpoint, body, **query)

    async def send(self, touser: str, msgtype: str = "text", **body: Any) -> Json:
        """A message of the main app; a text unless told otherwise."""
        content = body or {"text": {"content": "你好"}}
        fields = {"touser": touser, "msgtype": msgtype, "agentid": self.config.agent_id}
        return await self.app("message/send", fields | content)

    async def send_card(self, touser: str, task_id: str = "t1", **card: Any) -> Json:
        return await self.send(touser, "template_card", template_card=button_card(task_id) | card)

    async def userids(self, count: int = 5) -> list[str]:
        """People who are active and can be reached."""
        people = await self.client.people(limit=100)
        return [person["userid"] for person in people if person["status"] == 1][:count]

    async def last_message(self, userid: str) -> Json:
        return (await self.client.app_messages(userid))[-1]


def button_card(task_id: str = "t1") -> Json:
    return {
        "card_type": "button_interaction",
        "task_id": task_id,
        "main_title": {"title": "安全生产通知", "desc": "请在 18:00 前确认"},
        "button_list": [{"text": "确认", "key": "confirm"}, {"text": "稍后", "key": "later", "style": 2}],
    }


def vote_card(task_id: str = "v1") -> Json:
    options = [{"id": "tue", "text": "周二", "is_checked": True}, {"id": "thu", "text": "周四", "is_checked": False}]
    return {
        "card_type": "vote_interaction",
        "task_id": task_id,
        "main_title": {"title": "评审时间"},
        "checkbox": {"question_key": "slot", "mode": 1, "option_list": options},
        "submit_button": {"text": "提交", "key": "vote"},
    }
