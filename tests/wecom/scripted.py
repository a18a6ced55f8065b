"""A platform whose every answer is scripted, at the HTTP boundary: only for what the sandbox cannot say."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from app.clock import Clock
from app.wecom.client import WecomClient
from app.wecom.exchange import Exchange
from app.wecom.tokens.access_token import Token, TokenAuth
from models.ids import APP, AppId

BASE = "https://platform.test/cgi-bin"

Answer = dict[str, Any] | httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class ScriptedPlatform:
    """Answers each path with its next scripted answer, then with `{"errcode": 0}`; remembers what it was sent."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.tokens_issued = 0
        self.gettoken_asked = asyncio.Event()
        self._gates: deque[asyncio.Event] = deque()
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)

    def answers(self, path: str, *answers: Answer) -> None:
        self._answers[path].extend(answers)

    def hold_gettoken(self) -> asyncio.Event:
        """The next `gettoken` waits for this; `gettoken_asked` tells that it has arrived."""
        self._gates.append(asyncio.Event())
        return self._gates[-1]

    def asked(self, path: str) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path == f"/cgi-bin/{path}"]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        # A copy: the auth flow sends the same request object again with another token.
        self.requests.append(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        )
        path = request.url.path.removeprefix("/cgi-bin/")
        if path == "gettoken":
            self.gettoken_asked.set()
            if self._gates:
                await self._gates.popleft().wait()
        if self._answers[path]:
            return _said(self._answers[path].popleft(), request)
        return self._usual(path)

    def _usual(self, path: str) -> httpx.Response:
        if path != "gettoken":
            return httpx.Response(200, json={"errcode": 0, "errmsg": "ok"})
        self.tokens_issued += 1
        token = {"access_token": f"token-{self.tokens_issued}", "expires_in": 7200}
        return httpx.Response(200, json={"errcode": 0, "errmsg": "ok"} | token)


def _said(answer: Answer, request: httpx.Request) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, httpx.Response):
        return answer
    if callable(answer):
        return answer(request)
    # As the platform does it: raw UTF-8.
    return httpx.Response(200, content=json.dumps(answer, ensure_ascii=False).encode())


def refused(errcode: int, text: str = "refused", *, ip: str = "203.0.113.9") -> dict[str, Any]:
    tail = f"hint: [1772413200_1_0af1], from ip: {ip}, more info at https://open.work.weixin.qq.com/devtool/query?e={errcode}"
    return {"errcode": errcode, "errmsg": f"{text}, {tail}"}


class OneToken:
    """A token that is always there: for tests that are not about tokens."""

    def __init__(self, clock: Clock) -> None:
        self._renew_at = clock.now() + timedelta(hours=2)

    async def token(self, app_id: AppId) -> Token:
        return Token("the-token", 1, self._renew_at)

    async def refused(self, app_id: AppId, generation: int) -> Token:
        return Token("the-next-token", generation + 1, self._renew_at)

    async def refused_again(self, app_id: AppId, generation: int, *, errcode: int, errmsg: str) -> None:
        return None


def http_over(platform: ScriptedPlatform, *, base: str = BASE) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base, transport=httpx.MockTransport(platform), trust_env=False)


def client_over(http: httpx.AsyncClient, clock: Clock) -> WecomClient:
    auth = TokenAuth(OneToken(clock), APP)
    return WecomClient(Exchange(http, clock), auth, app_id=APP, agent_id=1_000_002, retry_delays=(0, 0, 0))
