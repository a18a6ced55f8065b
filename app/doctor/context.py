"""What the checks work with, and what one leaves for the next."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from app.bootstrap import REGISTRY
from app.clock import Clock
from app.database import Sessions, async_url, create_engine, create_sessions
from app.doctor.findings import Finding
from app.settings import Settings
from app.wecom.errors import WecomError
from app.wecom.exchange import Call, Exchange
from listening.address import base_url
from models.ids import APP, CONTACTS, AppId

TIMEOUT: Final = httpx.Timeout(8, connect=4)
CHANNEL_NAMES: Final = {APP: "自建应用", CONTACTS: "通讯录同步"}
REAL_PLATFORM: Final = "qyapi.weixin.qq.com"

_FIRST_CALLS: Final = {APP: "agent/get", CONTACTS: "department/simplelist"}
"""What every installation calls with this credential, and what needs a trusted address."""

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared, not bound
"""Where to ask a service that listens on every address of the machine."""

Answer = dict[str, Any]


@dataclass
class CheckContext:
    """One examination. Tokens are held here alone: they are neither stored nor shown."""

    settings: Settings
    clock: Clock
    platform: httpx.AsyncClient
    outside: httpx.AsyncClient
    database_url: str | None
    no_database: str
    """Why there is no URL."""
    is_database_needed: bool
    """False where the service would make one of its own at its first start."""
    engine: AsyncEngine | None
    env_file: Path | None = None
    """Where settings may have come from."""
    found: dict[str, Finding] = field(default_factory=dict)
    tokens: dict[AppId, str] = field(default_factory=dict, repr=False)
    platform_time: tuple[datetime, timedelta] | None = None
    """The platform's clock at our moment, and how far it is ahead of ours."""
    _first: dict[AppId, Answer | WecomError] = field(default_factory=dict, repr=False)

    @property
    def sessions(self) -> Sessions:
        if self.engine is None:
            raise ValueError("there is no database")
        return create_sessions(self.engine, self.settings.zone, REGISTRY, self.settings.public_url)

    @property
    def is_rehearsal(self) -> bool:
        """The platform is not the real one: a sandbox, or a private deployment inside the company."""
        return urlsplit(self.settings.wecom.api_base).hostname != REAL_PLATFORM

    @property
    def public_url(self) -> str | None:
        """Our address for the outside. A rehearsal on one machine needs none: there it is where we listen."""
        if self.settings.public_url is None and self.is_rehearsal:
            return self.local_url
        return self.settings.public_url

    @property
    def local_url(self) -> str:
        host, port = self.settings.listen_address
        return base_url(_EVERYWHERE.get(host, host), port)

    async def fetch_token(self, app_id: AppId) -> None:
        """Raises what the platform answers. It gives out the same token again while it is valid (doc path/91039)."""
        wecom = self.settings.wecom
        secret = wecom.app_secret if app_id == APP else wecom.contacts_secret
        params = {"corpid": wecom.corp_id, "corpsecret": secret.get_secret_value()}
        answer = await self._exchange.perform(Call("gettoken", params=params))
        self.tokens[app_id] = str(answer.get("access_token", ""))

    async def ask(self, app_id: AppId, path: str, body: bytes | None = None, /, **params: str | int) -> Answer:
        """A reading call with this credential."""
        query = params | {"access_token": self.tokens[app_id]}
        return await self._exchange.perform(Call(path, params=query, body=body))

    async def first_call(self, app_id: AppId) -> Answer:
        """The answer to the call that tells whether this credential may call from here at all; made once."""
        if app_id not in self._first:
            params = {"agentid": self.settings.wecom.agent_id} if app_id == APP else {}
            try:
                self._first[app_id] = await self.ask(app_id, _FIRST_CALLS[app_id], None, **params)
            except WecomError as error:
                self._first[app_id] = error
        known = self._first[app_id]
        if isinstance(known, WecomError):
            raise known
        return known

    @property
    def _exchange(self) -> Exchange:
        return Exchange(self.platform, self.clock)

    async def note_time(self, response: httpx.Response) -> None:
        """The platform's `Date`, as an answer passes."""
        now = self.clock.now()
        try:
            then = parsedate_to_datetime(response.headers["date"])
        except (KeyError, TypeError, ValueError):
            return
        self.platform_time = (now, then - now)


@asynccontextmanager
async def open_context(
    settings: Settings,
    database_url: str | None,
    *,
    no_database: str = "",
    is_database_needed: bool = True,
    clock: Clock,
    env_file: Path | None = None,
) -> AsyncIterator[CheckContext]:
    engine = create_engine(async_url(database_url), pool_size=2, max_overflow=0) if database_url else None
    wecom = settings.wecom
    async with (
        # As the service itself connects: no proxy of the environment, only the configured one.
        httpx.AsyncClient(base_url=wecom.api_base, proxy=wecom.proxy, timeout=TIMEOUT, trust_env=False) as platform,
        httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as outside,
    ):
        context = CheckContext(
            settings, clock, platform, outside, database_url, no_database, is_database_needed, engine, env_file
        )
        platform.event_hooks = {"response": [context.note_time]}
        try:
            yield context
        finally:
            if engine is not None:
                await engine.dispose()


def is_private(host: str) -> bool:
    """A name or an address that nobody outside can reach, as far as the text alone tells."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost", ".test"))
