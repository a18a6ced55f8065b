"""What keys are used for, written down at little cost (F193): lines wait in memory and go in one statement.

A process that is killed loses the lines of some seconds. The platform's callbacks pass this by.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import Any, Final
from uuid import UUID

from asyncpg import PostgresError
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.audit.actor import KEY_OF_REQUEST, PERSON_OF_REQUEST
from app.clock import Clock
from app.database import Sessions, transaction
from app.observability import current_correlation_id, get_logger
from app.web.middleware import template_of
from models.api_requests import ApiRequest

FLUSH_SECONDS: Final = 2.0
MOST_WAITING: Final = 20_000
"""Lines; while the database is away the oldest go."""
_AT_ONCE: Final = 1_000
_UNANSWERED: Final = 499
"""The caller had hung up before there was a status, as nginx says it."""
_CRASHED: Final = 500

log = get_logger()


class RequestLog:
    """The lines of this process that wait to be written."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock
        self.waiting: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, line: dict[str, Any]) -> None:
        self.waiting.append({"at": self._clock.now(), **line})

    async def flush(self) -> None:
        """Write what waits. What cannot be written now waits for the next time."""
        while self.waiting:
            part = [self.waiting.popleft() for _ in range(min(_AT_ONCE, len(self.waiting)))]
            try:
                async with transaction(self._sessions) as session:
                    await session.execute(insert(ApiRequest), part)
            except (SQLAlchemyError, PostgresError, OSError) as error:
                self.waiting.extendleft(reversed(part[: MOST_WAITING - len(self.waiting)]))
                log.warning("access.requests_not_logged", waiting=len(self.waiting), error=type(error).__name__)
                return

    async def start(self) -> None:
        self._over.clear()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write the last lines."""
        self._over.set()
        if self._task is not None:
            await self._task
            self._task = None
        await self.flush()

    async def _run(self) -> None:
        while not self._over.is_set():
            try:
                await asyncio.wait_for(self._over.wait(), FLUSH_SECONDS)
            except TimeoutError:
                await self.flush()


class Logged:
    """Notes each request that a key has made. Stands inside of what binds the correlation id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, path, status = perf_counter(), str(scope["path"]), _UNANSWERED

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_look)
        except Exception:
            status = _CRASHED
            raise
        finally:
            if KEY_OF_REQUEST.get() is not None:
                _note(scope, path, status, perf_counter() - began)


def _note(scope: Scope, path: str, status: int, seconds: float) -> None:
    key, person = KEY_OF_REQUEST.get(), PERSON_OF_REQUEST.get()
    request_log: RequestLog = scope["app"].state.services.request_log
    if key is not None:
        request_log.note(
            {
                "api_key_id": UUID(key.id),
                "method": str(scope["method"]),
                "route": template_of(scope, path),
                "status": status,
                "person_id": UUID(person.id) if person is not None else None,
                "correlation_id": current_correlation_id(),
                "milliseconds": round(seconds * 1000),
            }
        )
