"""The platform as typed calls: one method per call we use, and the two credentials we use them with."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import httpx

from app.clock import Clock
from app.database import Sessions
from app.limits.api_frequency import Admission
from app.settings import Settings
from app.wecom.answers.repair import RepairedAnswer
from app.wecom.codes import NO_MENU
from app.wecom.errors import HttpFailure, OutcomeUnknown, WecomError, WecomRefused
from app.wecom.exchange import Call, Exchange
from app.wecom.health import ClockWatch
from app.wecom.message_bodies.menu import Menu, read_menu
from app.wecom.payloads import (
    AgentInfo,
    CallAnswer,
    ChatInfo,
    DepartmentDetail,
    DepartmentRef,
    MediaRef,
    Rows,
    TagDetail,
    TagRef,
    UserDetail,
    UserIdPage,
    UserSimple,
    VisitorInfo,
    read,
    read_memberships,
    read_rows,
)
from app.wecom.tokens.access_token import TokenAuth, TokenStore
from app.wecom.tokens.secrets import SecretBox
from models.delivery import CallKind
from models.ids import APP, CONTACTS, AppId

# httpcore tries to import sniffio at every lock it takes, about eight times in a call. Where it is not installed each
# try searches the whole path (0.1 ms); an entry of None makes Python answer at once that there is none.
if find_spec("sniffio") is None:
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# The platform asks for at most three repetitions of what failed in passing (doc path/90313).
RETRY_DELAYS = (0.2, 0.6, 1.8)

# A send to a thousand people answers within a second or two; ten leave room, and the ledger's lease is longer.
TIMEOUT = httpx.Timeout(10, connect=5)

# Idle connections are closed before servers and firewalls on the way do it: a write on one that is half dead would
# end as an unknown outcome.
LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=5)


class WecomClient:
    """The calls of one credential. Reads are repeated when they fail in passing; writes never are."""

    def __init__(
        self,
        exchange: Exchange,
        auth: TokenAuth,
        *,
        app_id: AppId,
        agent_id: int | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self.app_id = app_id
        self._exchange = exchange
        self._auth = auth
        self._agent_id = agent_id
        self._retry_delays = tuple(retry_delays)

    # ----------------------------------------------------------------- departments

    async def get_department_ids(self) -> Rows[DepartmentRef]:
        """Every department this credential may see, as ids: also for 通讯录同步 from a new address."""
        return read_rows(
            DepartmentRef, await self._get("department/simplelist"), "department_id", path="department/simplelist"
        )

    async def list_departments(self) -> Rows[DepartmentDetail]:
        return read_rows(DepartmentDetail, await self._get("department/list"), "department", path="department/list")

    async def get_department(self, department_id: int) -> DepartmentDetail:
        answer = await self._get("department/get", id=department_id)
        is_repaired = isinstance(answer, RepairedAnswer)
        return read(DepartmentDetail, answer.get("department"), path="department/get", is_repaired=is_repaired)

    # ----------------------------------------------------------------- members

    async def list_user_ids(self, cursor: str = "", limit: int = 10_000) -> UserIdPage:
        """A page of (userid, department); 通讯录同步 only. An empty `next_cursor` is the end."""
        answer = await self._post("user/list_id", {"cursor": cursor, "limit": limit})
        rows, lost = read_memberships(answer, "dept_user", path="user/list_id")
        return UserIdPage(rows=rows, lost=lost, next_cursor=answer.get("next_cursor") or "")

    async def list_users(self, department_id: int) -> Rows[UserDetail]:
        """The direct members of a department, with details."""
        answer = await self._get("user/list", department_id=department_id)
        return read_rows(UserDetail, answer, "userlist", path="user/list")

    async def list_users_simple(self, department_id: int) -> Rows[UserSimple]:
        answer = await self._get("user/simplelist", department_id=department_id)
        return read_rows(UserSimple, answer, "userlist", path="user/simplelist")

    async def get_user(self, userid: str) -> UserDetail:
        return read(UserDetail, await self._get("user/get", userid=userid), path="user/get")

    # ----------------------------------------------------------------- tags

    async def list_tags(self) -> Rows[TagRef]:
        return read_rows(TagRef, await self._get("tag/list"), "taglist", path="tag/list")

    async def get_tag(self, tag_id: int) -> TagDetail:
        answer = await self._get("tag/get", tagid=tag_id)
        users = read_rows(UserSimple, answer, "userlist", path="tag/get")
        content = answer | {"userids": [user.userid for user in users]}
        return read(TagDetail, content, path="tag/get", is_repaired=isinstance(answer, RepairedAnswer))

    # ----------------------------------------------------------------- groups and the app

    async def get_chat(self, chatid: str) -> ChatInfo:
        """A group this app created. Gone: `Never` with 86003, 40050 or 49008."""
        answer = await self._get("appchat/get", chatid=chatid)
        return read(ChatInfo, answer.get("chat_info"), path="appchat/get")

    async def get_agent(self) -> AgentInfo:
        return read(AgentInfo, await self._get("agent/get", agentid=self._agent()), path="agent/get")

    async def get_menu(self) -> Menu:
        """The app's menu; without entries when it has none."""
        try:
            answer = await self._get("menu/get", agentid=self._agent())
        except WecomRefused as error:
            if error.errcode == NO_MENU:
                return Menu()
            raise
        return read_menu(answer)

    async def get_visitor(self, code: str) -> VisitorInfo:
        """Whom a code of web OAuth or of the desktop login stands for. Once: a second time it is refused (40029)."""
        return read(VisitorInfo, await self._get_once("auth/getuserinfo", code=code), path="auth/getuserinfo")

    async def get_callback_ips(self) -> list[str]:
        """The addresses callbacks come from; patterns like `198.51.100.*` are among them."""
        answer = await self._get("getcallbackip")
        addresses = answer.get("ip_list")
        if not isinstance(addresses, list):
            raise HttpFailure("getcallbackip", "the answer has no list ip_list", status=200)
        return [str(address) for address in addresses]

    # ----------------------------------------------------------------- writes

    async def call(self, kind: CallKind, body: bytes, *, not_after: datetime | None = None) -> CallAnswer:
        """Make a call of the ledger, with exactly these bytes. For `app/delivery` only (P3).

        One attempt: what it may mean when it fails is the ledger's business. A refused token is replaced and the call
        repeated once, because a refused call had no effect. Who is frozen on the way and wakes after `not_after` sends
        nothing: somebody else may have the call by then.
        """
        if kind is CallKind.MEDIA_UPLOAD:
            raise ValueError("a media upload has no JSON body: use upload_media")
        params = {"agentid": self._agent()} if kind is CallKind.MENU_CREATE else {}
        call = Call(kind.value, params=params, body=body, is_write=True, app_id=self.app_id, not_after=not_after)
        answer = await self._exchange.perform(call, auth=self._auth)
        if "errcode" not in answer and not answer.get("msgid"):
            # Reads may leave errcode out. For a write it is the only proof, beside the id of a message.
            raise OutcomeUnknown(call.path, "an answer without errcode")
        try:
            return read(CallAnswer, answer | {"raw": answer}, path=call.path)
        except HttpFailure as error:
            # It answered with errcode 0: what we cannot read of that says nothing about the effect.
            raise OutcomeUnknown(call.path, "unreadable answer") from error

    async def upload_media(self, media_type: str, filename: str, content: bytes) -> MediaRef:
        """A temporary file for messages: image, voice, video or file; for `app/delivery` only."""
        upload = (filename, content)
        call = Call("media/upload", params={"type": media_type}, upload=upload, is_write=True, app_id=self.app_id)
        return read(MediaRef, await self._exchange.perform(call, auth=self._auth), path=call.path)

    # ----------------------------------------------------------------- how

    def _agent(self) -> int:
        if self._agent_id is None:
            raise ValueError(f"{self.app_id} is not an app: it has no agentid")
        return self._agent_id

    async def _get(self, path: str, **params: str | int) -> dict[str, Any]:
        return await self._read(Call(path, params=params, app_id=self.app_id))

    async def _get_once(self, path: str, **params: str | int) -> dict[str, Any]:
        """A read that spends what it asks with: repeated, it is refused whatever became of the first."""
        return await self._exchange.perform(Call(path, params=params, app_id=self.app_id), auth=self._auth)

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A read that takes its question as JSON. Raw UTF-8: escapes can be refused with 40033."""
        content = json.dumps(body, ensure_ascii=False).encode()
        return await self._read(Call(path, body=content, app_id=self.app_id))

    async def _read(self, call: Call) -> dict[str, Any]:
        for delay in self._retry_delays:
            try:
                return await self._exchange.perform(call, auth=self._auth)
            except WecomError as error:
                if not error.is_passing:
                    raise
            await asyncio.sleep(delay)
        return await self._exchange.perform(call, auth=self._auth)


@dataclass(frozen=True, slots=True)
class Platform:
    """Both credentials of the corp over one pool of connections."""

    app: WecomClient
    contacts: WecomClient
    http: httpx.AsyncClient

    async def aclose(self) -> None:
        await self.http.aclose()


def build_platform(
    settings: Settings,
    sessions: Sessions,
    clock: Clock,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    retry_delays: Sequence[float] = RETRY_DELAYS,
) -> Platform:
    """The platform as configured. With a `transport` (a sandbox in the same process) the proxy is not used."""
    wecom = settings.wecom
    http = httpx.AsyncClient(
        base_url=wecom.api_base,
        proxy=wecom.proxy if transport is None else None,
        transport=transport,
        timeout=TIMEOUT,
        limits=LIMITS,
        # Only settings decide where requests go: no proxy variables of the environment.
        trust_env=False,
        headers={"User-Agent": "wecom-steward"},
    )
    exchange = Exchange(http, clock, ClockWatch(sessions, clock), Admission(sessions, clock))
    tokens = TokenStore(
        sessions,
        SecretBox(settings.secret_key),
        clock,
        wecom.corp_id,
        secrets={APP: wecom.app_secret, CONTACTS: wecom.contacts_secret},
        exchange=exchange,
    )
    return Platform(
        app=WecomClient(
            exchange, TokenAuth(tokens, APP), app_id=APP, agent_id=wecom.agent_id, retry_delays=retry_delays
        ),
        contacts=WecomClient(exchange, TokenAuth(tokens, CONTACTS), app_id=CONTACTS, retry_delays=retry_delays),
        http=http,
    )
