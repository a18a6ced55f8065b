"""The access token: fetched by one, shared by all, refreshed once (F110, F111).

One token per (corp, app), kept encrypted in PostgreSQL. Whoever needs a new one takes a lease on its row in a short
transaction, calls `gettoken` with no transaction open, and stores the answer; everybody else, here and in other
processes, waits for that. A caller whose token was refused names its generation, so a hundred refusals fetch one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

import httpx
from pydantic import SecretStr, ValidationError

from app.clock import Clock
from app.database import Sessions, transaction
from app.observability import TOKEN_REFRESHES, get_logger
from app.wecom.answers.repair import read_answer
from app.wecom.codes import TOKEN_CODES
from app.wecom.errors import HttpFailure, NotReached, WecomError
from app.wecom.exchange import Call, Exchange
from app.wecom.health import note_state
from app.wecom.payloads import IssuedToken
from app.wecom.tokens import lease as token_table
from app.wecom.tokens.failures import forget_after, recall, remember, remember_refusal
from app.wecom.tokens.secrets import OtherSecretKey, SecretBox
from models.ids import AppId, new_id
from models.installation import AccessToken

log = get_logger()

FETCH = Call("gettoken")
FETCH_SECONDS = 8.0
"""Shorter than the lease: who gives up still owns it."""

PATIENCE_SECONDS = 25.0
"""Two dead leaseholders in a row, and a fetch of our own."""

POLL_SECONDS = 0.05
RENEW_BEFORE = timedelta(minutes=5)
SHORTEST_LIFE = timedelta(seconds=10)

# A refusal is a few hundred bytes; a page of members is not worth parsing twice.
_LONGEST_REFUSAL = 4096


@dataclass(frozen=True, slots=True)
class Token:
    value: str = field(repr=False)
    generation: int
    renew_at: datetime


class _Turn(Enum):
    """Whose turn it is to fetch."""

    OURS = 1
    THEIRS = 2


class Tokens(Protocol):
    """What `TokenAuth` needs; `TokenStore` is the one implementation outside of tests."""

    async def token(self, app_id: AppId) -> Token: ...
    async def refused(self, app_id: AppId, generation: int) -> Token: ...
    async def refused_again(self, app_id: AppId, generation: int, *, errcode: int, errmsg: str) -> None: ...


class TokenStore:
    def __init__(
        self,
        sessions: Sessions,
        box: SecretBox,
        clock: Clock,
        corp_id: str,
        *,
        secrets: Mapping[AppId, SecretStr],
        exchange: Exchange,
    ) -> None:
        self._sessions = sessions
        self._box = box
        self._clock = clock
        self._corp_id = corp_id
        self._secrets = secrets
        self._exchange = exchange
        self._holder = new_id().hex
        self._held: dict[AppId, Token] = {}
        self._doubted: dict[AppId, int] = {}
        self._locks: defaultdict[AppId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, app_id: AppId) -> Token:
        """A token that should work. Raises what `gettoken` answered, also when another process heard it lately."""
        if (held := self._held_fresh(app_id)) is not None:
            return held
        async with self._locks[app_id]:
            return self._held_fresh(app_id) or await self._obtain(app_id, refused=self._doubted.pop(app_id, 0))

    async def refused(self, app_id: AppId, generation: int) -> Token:
        """A token after that generation: the one somebody fetched meanwhile, or a new one."""
        async with self._locks[app_id]:
            held = self._held_fresh(app_id)
            if held is not None and held.generation > generation:
                return held
            return await self._obtain(app_id, refused=generation)

    async def refused_again(self, app_id: AppId, generation: int, *, errcode: int, errmsg: str) -> None:
        """The token fetched after a refusal was refused too. `gettoken` goes on returning the same token while it is
        formally valid, so fetching cannot help now: nobody fetches this generation anew for a while.
        """
        held, now = self._held.get(app_id), self._clock.now()
        if held is None or held.generation != generation or self._doubted.get(app_id) == generation:
            return
        self._doubted[app_id] = generation
        # Fetched anew when the pause is over, so that the health is not left wrong for the token's whole life.
        self._held[app_id] = Token(held.value, generation, renew_at=forget_after(now))
        async with transaction(self._sessions) as session:
            await remember_refusal(
                session, app_id, generation, errcode=errcode, errmsg=errmsg, secret=self._mark(app_id), now=now
            )

    def _held_fresh(self, app_id: AppId) -> Token | None:
        held = self._held.get(app_id)
        return held if held is not None and self._clock.now() < held.renew_at else None

    async def _obtain(self, app_id: AppId, *, refused: int) -> Token:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as patience:
                while True:
                    found = await self._look(app_id, refused=refused)
                    if found is _Turn.OURS:
                        found = await self._fetch(app_id)
                    if isinstance(found, Token):
                        self._held[app_id] = found
                        return found
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            if not patience.expired():
                raise
            raise NotReached(FETCH.path, "another process did not finish fetching the token") from None

    async def _look(self, app_id: AppId, *, refused: int) -> Token | _Turn:
        """The stored token, or who fetches the next one: with `OURS` this process has the lease."""
        now = self._clock.now()
        async with transaction(self._sessions) as session:
            row = await token_table.stored(session, corp_id=self._corp_id, app_id=app_id)
            token = self._opened(row, app_id)
            if token is not None and token.generation > refused and now < token.renew_at:
                return token
            await recall(session, app_id, refused=refused, secret=self._mark(app_id), now=now)
            taken = await token_table.take_lease(
                session,
                corp_id=self._corp_id,
                app_id=app_id,
                generation=row.generation if row else 0,
                holder=self._holder,
                now=now,
            )
            if not taken:
                return _Turn.THEIRS
            # Whoever had the lease may have failed since we looked. What they remembered takes our lease back.
            await recall(session, app_id, refused=refused, secret=self._mark(app_id), now=now)
            return _Turn.OURS

    def _opened(self, row: AccessToken | None, app_id: AppId) -> Token | None:
        """The token of this row, if it was issued for the secret we have now."""
        if row is None or row.token is None or row.expires_at is None or row.fetched_at is None:
            return None
        try:
            mark, _, value = self._box.decrypt(row.token.decode()).partition(" ")
        except OtherSecretKey:
            # A token can be fetched again; what cannot is checked when the service starts.
            log.warning("token.unreadable", app=app_id)
            return None
        if mark != self._mark(app_id):
            return None
        return Token(value, row.generation, renew_at=renew_at(row.fetched_at, row.expires_at))

    async def _fetch(self, app_id: AppId) -> Token | _Turn:
        """Call `gettoken` and store what it said, with no transaction open in between."""
        try:
            issued = await self._call_gettoken(app_id)
        except WecomError as error:
            TOKEN_REFRESHES.labels(app_id, error.outcome).inc()
            await self._give_up(app_id, error)
            raise
        TOKEN_REFRESHES.labels(app_id, "ok").inc()
        now = self._clock.now()
        expires_at = now + timedelta(seconds=issued.expires_in)
        sealed = self._box.encrypt(f"{self._mark(app_id)} {issued.access_token}")
        async with transaction(self._sessions) as session:
            generation = await token_table.store(
                session,
                corp_id=self._corp_id,
                app_id=app_id,
                holder=self._holder,
                token=sealed.encode(),
                expires_at=expires_at,
                now=now,
            )
            if generation is None:  # the lease ran out meanwhile and went to another process
                return _Turn.THEIRS
            await note_state(session, key=f"token:{app_id}", healthy=True, now=now)
        log.info("token.fetched", app=app_id, generation=generation)
        return Token(issued.access_token, generation, renew_at=renew_at(now, expires_at))

    async def _call_gettoken(self, app_id: AppId) -> IssuedToken:
        params = {"corpid": self._corp_id, "corpsecret": self._secrets[app_id].get_secret_value()}
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                answer = await self._exchange.perform(Call(FETCH.path, params=params))
            return IssuedToken.model_validate(answer)
        except TimeoutError:
            raise HttpFailure(FETCH.path, "timed out") from None
        except ValidationError:
            # Not chained: the error would carry the token into a log.
            raise HttpFailure(FETCH.path, "an answer without a token") from None

    async def _give_up(self, app_id: AppId, error: WecomError) -> None:
        """Let go of the lease, and let everybody know for a while what `gettoken` said."""
        async with transaction(self._sessions) as session:
            await token_table.release_lease(session, corp_id=self._corp_id, app_id=app_id, holder=self._holder)
            await remember(session, app_id, error, secret=self._mark(app_id), now=self._clock.now())

    def _mark(self, app_id: AppId) -> str:
        """Changes with the secret: a token, or a failure, of another secret says nothing about this one."""
        return self._box.fingerprint(self._secrets[app_id].get_secret_value())


def renew_at(fetched_at: datetime, expires_at: datetime) -> datetime:
    """Five minutes before the end, but never before half of what was left when it was fetched: `gettoken` returns the
    same token, with what remains of its life, and must not be asked again and again near the end of it.
    """
    life = expires_at - fetched_at
    return fetched_at + max(life - RENEW_BEFORE, life / 2, SHORTEST_LIFE)


class TokenAuth(httpx.Auth):
    """Puts the token into the query string and, when it is refused, repeats the call once with the next one.

    The platform reports a refused token inside a 200, so the body is read here. A refused token means that the call
    had no effect: repeating a write is safe.
    """

    def __init__(self, tokens: Tokens, app_id: AppId) -> None:
        self._tokens = tokens
        self._app_id = app_id

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._tokens.token(self._app_id)
        response = yield _with(token, request)
        if await _refusal_in(response) is None:
            return
        token = await self._tokens.refused(self._app_id, token.generation)
        response = yield _with(token, request)
        if (again := await _refusal_in(response)) is not None:
            errcode, errmsg = again
            await self._tokens.refused_again(self._app_id, token.generation, errcode=errcode, errmsg=errmsg)


def _with(token: Token, request: httpx.Request) -> httpx.Request:
    request.url = request.url.copy_set_param("access_token", token.value)
    return request


async def _refusal_in(response: httpx.Response) -> tuple[int, str] | None:
    content = await response.aread()
    if response.status_code != httpx.codes.OK or len(content) > _LONGEST_REFUSAL:
        return None
    try:
        answer = read_answer(content)
    except ValueError:
        return None
    if not isinstance(answer, dict) or answer.get("errcode") not in TOKEN_CODES:
        return None
    return answer["errcode"], str(answer.get("errmsg", ""))
