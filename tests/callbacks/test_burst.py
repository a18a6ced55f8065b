"""P1: a burst of a thousand callbacks is held while the database cannot write, and every one of them is answered."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode, urlsplit

from sqlalchemy import text

from app.database import Sessions, transaction
from app.main import Application
from app.settings import Settings
from callbacks.group_commit import MOST_HELD
from callbacks.intake import build_intake
from listening.configuration import MOST_CONNECTIONS
from listening.open_files import raise_limit, room_for
from tests.builders.callbacks import plain_event, seal
from tests.callbacks.conftest import Services, cryptors
from tests.fakes.clock import FakeClock
from tests.fakes.web_server import serving

BURST = 1_000


def requests(clock: FakeClock) -> list[bytes]:
    made = []
    for number in range(BURST):
        sealed = seal(cryptors()[0], plain_event(more=f"<EventKey>{number}</EventKey>"), at=clock.now())
        head = f"POST /callbacks/app?{urlencode(sealed.params)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        made.append(f"{head}Content-Length: {len(sealed.body)}\r\n\r\n".encode() + sealed.body)
    return made


async def ask(host: str, port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    status = await reader.readline()
    writer.close()
    return status


async def test_a_thousand_at_once_are_held_and_answered(
    settings: Settings, sessions: Sessions, clock: FakeClock
) -> None:
    raise_limit()
    intake = build_intake(settings, sessions, clock)
    application = Application()
    application.state.services = Services(intake, sessions, clock)
    await intake.start()
    async with serving(application) as base:
        parts = urlsplit(base)
        async with transaction(sessions) as session:
            await session.execute(text("LOCK TABLE received_events IN ACCESS EXCLUSIVE MODE"))
            asked = [asyncio.create_task(ask(parts.hostname or "", parts.port or 0, each)) for each in requests(clock)]
            done, _ = await asyncio.wait(asked, timeout=3)
            assert {task.result() for task in done} == set(), "nobody is sent away"
        statuses = [await task for task in asked]
    await intake.stop()

    assert {status.split()[1] for status in statuses} == {b"200"}
    async with transaction(sessions) as session:
        assert await session.scalar(text("SELECT count(*) FROM received_events")) == BURST


def test_the_server_takes_more_than_are_held_and_the_process_may_open_as_many() -> None:
    assert BURST < MOST_HELD < MOST_CONNECTIONS
    assert raise_limit() >= room_for(MOST_HELD)
