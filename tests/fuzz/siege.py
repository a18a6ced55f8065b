"""The real application under attack, in this process and on a real database, and what must hold at every moment."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.bootstrap import Services, build
from app.database import transaction
from app.installation import prepare
from app.main import create_app
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.fuzz.attack import Attack

CORPUS: Final = Path(__file__).parent / "corpus.jsonl"
"""Attacks worth playing first: one for each way in which a request was answered."""

AT_ONCE: Final = 64
_CHUNK: Final = 16 * 1024
_ANSWERS: Final = frozenset({200, 400, 403, 404, 405, 413})


@dataclass(frozen=True)
class Failure:
    attack: Attack
    why: str

    def save(self, folder: Path) -> Path:
        """As a file of its own, named by its content: it is played again from there."""
        folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps(self.attack.as_json() | {"why": self.why}, ensure_ascii=False)
        path = folder / f"{hashlib.sha256(line.encode()).hexdigest()[:16]}.json"
        path.write_text(line + "\n", encoding="utf-8")
        return path


@dataclass
class Siege:
    """Plays attacks against the application. `failures` is what must be empty."""

    app: FastAPI
    services: Services
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    async def play(self, attacks: Iterable[Attack], *, told: Callable[[], object] = lambda: None) -> None:
        """Many at once; then the table holds exactly what was answered with 200."""
        before = self.statuses[200]
        verified = await self._play_all(iter(attacks), told)
        accepted = self.statuses[200] - before - verified
        async with transaction(self.services.sessions) as session:
            row = (await session.execute(text("SELECT count(*), coalesce(sum(repeats), 0) FROM received_events"))).one()
            await session.execute(text("DELETE FROM received_events"))
        if row[0] + row[1] != accepted:
            why = f"{accepted} answers of 200 and {row[0]} rows with {row[1]} repeats"
            self.failures.append(Failure(Attack("POST", "-", b"", b"", may_be_stored=True), why))

    async def _play_all(self, attacks: Any, told: Callable[[], object]) -> int:
        verified = 0

        async def one_after_the_other() -> None:
            nonlocal verified
            for attack in attacks:
                status = await self._strike(attack)
                verified += status == httpx.codes.OK and attack.method == "GET"
                told()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one_after_the_other())
        return verified

    async def _strike(self, attack: Attack) -> int:
        try:
            status = await request(self.app, attack)
        except Exception as error:  # noqa: BLE001 -- whatever escapes is what is looked for
            self.failures.append(Failure(attack, f"{type(error).__name__}: {error}"[:500]))
            return 0
        self.statuses[status] += 1
        if status not in _ANSWERS:
            self.failures.append(Failure(attack, f"answered {status}"))
        if status == httpx.codes.OK and attack.method == "POST" and not attack.may_be_stored:
            self.failures.append(Failure(attack, "accepted although nobody who may has sealed it"))
        return status


async def request(app: FastAPI, attack: Attack) -> int:
    """One request as the server hands it over, without a client in between that would mend it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": attack.method,
        "scheme": "http",
        "path": f"/callbacks/{attack.path}",
        "raw_path": f"/callbacks/{attack.path}".encode(),
        "root_path": "",
        "query_string": attack.query,
        "headers": [] if attack.is_chunked else [(b"content-length", str(len(attack.body)).encode())],
        "client": ("203.0.113.8", 40000),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
    pieces = _pieces(attack)
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            body = pieces.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(pieces)}
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    [status] = statuses
    return status


def _pieces(attack: Attack) -> list[bytes]:
    if not attack.is_chunked:
        return [attack.body]
    return [attack.body[at : at + _CHUNK] for at in range(0, len(attack.body), _CHUNK)] or [b""]


@asynccontextmanager
async def siege(database: str) -> AsyncIterator[Siege]:
    """The production application on this database; the clock stands still, so that signatures stay in their window."""
    services = build(test_settings(), database, clock=FakeClock())
    await prepare(services)
    app = create_app(services)
    async with app.router.lifespan_context(app):
        yield Siege(app, services)
    await services.aclose()


def corpus(path: Path = CORPUS) -> Sequence[Attack]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Attack.from_json(json.loads(line)) for line in lines]
