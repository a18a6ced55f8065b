"""The only dependency aliases: session, moment, caller. They come from `app.state.services`, built by bootstrap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from starlette.exceptions import HTTPException

from app.audit.actor import KEY_OF_REQUEST, PERSON_OF_REQUEST, Actor, ActorKind
from app.clock import Clock
from app.database import Sessions, transaction
from app.settings import Settings
from app.web.messages import prefers_english
from app.web.scopes import NOBODY, ActsFor, KeyRate, MissingScope, allows


class FindCaller(Protocol):
    """Who calls with this key; None without a living one."""

    async def __call__(self, session: AsyncSession, *, key: str, now: datetime) -> Caller | None: ...


class WebServices(Protocol):
    """The part of bootstrap's services that requests use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def engine(self) -> AsyncEngine: ...
    @property
    def intake_sessions(self) -> Sessions: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def find_caller(self) -> FindCaller: ...


@dataclass(frozen=True)
class Caller:
    """The service that calls, known by its API key."""

    key_id: UUID
    name: str
    scopes: list[str]
    acts_for: ActsFor = NOBODY

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.API_KEY, str(self.key_id))


def services_of(request: Request) -> WebServices:
    services: WebServices = request.app.state.services
    return services


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with transaction(services_of(request).sessions) as session:
        # The idempotent route stores the answer through the same session (see app/web/idempotency.py).
        request.state.session = session
        yield session


def get_now(request: Request) -> datetime:
    return services_of(request).clock.now()


def wants_english(request: Request) -> bool:
    return prefers_english(request.headers.get("accept-language", ""))


async def authenticate(request: Request) -> Caller:
    """The caller of this request; 401 without a living key. Looked up once per request."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    caller = None
    if scheme.lower() == "bearer" and key:
        services = services_of(request)
        async with transaction(services.sessions) as session:
            caller = await services.find_caller(session, key=key.strip(), now=services.clock.now())
    if caller is None:
        detail = "请在 Authorization 头里带上有效的接口密钥：Bearer KEY (missing, unknown or ended API key)"
        raise HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})
    _rate_of(request).take(caller.key_id, at=monotonic())
    request.state.caller = caller
    KEY_OF_REQUEST.set(caller.actor)
    PERSON_OF_REQUEST.set(None)
    return caller


def _rate_of(request: Request) -> KeyRate:
    state = request.app.state
    if not hasattr(state, "key_rate"):
        state.key_rate = KeyRate(services_of(request).settings.api_rate)
    rate: KeyRate = state.key_rate
    return rate


_bearer = HTTPBearer(auto_error=False, description="接口密钥 (API key): `Authorization: Bearer KEY`")


async def get_caller(
    request: Request, _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    return await authenticate(request)


# "function": the commit happens before the answer leaves, so a failed commit is a 500 and never a 200.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
NowDep = Annotated[datetime, Depends(get_now)]
EnglishDep = Annotated[bool, Depends(wants_english)]
"""Whether the caller's `Accept-Language` prefers English, for what people read (files, sentences)."""
CallerDep = Annotated[Caller, Depends(get_caller)]


def require(scope: str) -> Callable[[Caller], Coroutine[Any, Any, Caller]]:
    """`dependencies=[Depends(require("groups:write"))]`: 401 without a key, 403 without the scope."""

    async def check(caller: CallerDep) -> Caller:
        if not allows(caller.scopes, scope):
            raise MissingScope(f"这个接口密钥没有 {scope} 权限", f"This API key lacks the scope {scope}", scope=scope)
        return caller

    return check
