"""B4 of P3: five of six workers are stopped inside their transactions, and keep their row locks. The sixth goes on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.demo import story
from tests.fleet import Fleet, Program, fleet, short_folder
from tests.soak import verdict
from tests.soak.books import Books
from tests.soak.people import PatientStage
from tests.soak.stopped_inside import SILENT, WAITING, barred, seen

SIX = 6
MOST_NOTICES = 400
AUDIENCE = 12


@pytest.fixture
async def six() -> AsyncIterator[tuple[Fleet, PatientStage, Books]]:
    """Whoever stands still in a transaction loses it after 4 seconds; whoever waits for a lock gives up after 20.

    The second bounds the first: the server lets the stopped one after another have the lock, each for 4 seconds.
    """
    folder = short_folder()
    patience = {"STEWARD_DATABASE_IDLE_TIMEOUT": "4s", "STEWARD_DATABASE_LOCK_TIMEOUT": "20s"}
    async with fleet(folder, people=30, workers=SIX, settings=patience) as ships:
        books = Books(ships.database.url)
        async with PatientStage(ships.addresses, Console(quiet=True), books) as stage:
            yield ships, stage, books
    shutil.rmtree(folder, ignore_errors=True)


async def test_the_sixth_finishes_everything_and_the_five_double_nothing(
    six: tuple[Fleet, PatientStage, Books],
) -> None:
    ships, stage, books = six
    await story.verify_addresses(stage)
    await story.sync_organisation(stage)
    await verdict.settle(stage, books)
    url, names = ships.database.url, {worker.name for worker in ships.workers}
    readers = await _readers(stage)

    async with barred(url):
        notices, frozen = await _stop_inside(stage, url, names, readers, ships.workers[:-1])
    five, sixth = ships.workers[:-1], ships.workers[-1]
    try:
        await stage.until("the server to wait for the stopped", lambda: _some_are_silent(url, five))

        await stage.until("the sixth to finish what all six had begun", lambda: _all_sent(books))

        assert all(_is_stopped(group) for group in frozen), "nobody else did it"
        assert sixth.ended_by_itself == 0
        assert await _copies(stage, readers) == _one_each(notices)
    finally:
        for group in frozen:
            Program.thaw(group)

    # They find their sessions gone, and their jobs done: with work of their own again, nothing is sent twice.
    await stage.until("the five to be back", lambda: _are_back(url, names))
    more = [await _publish(stage, readers, number) for number in range(MOST_NOTICES, MOST_NOTICES + 30)]
    await stage.until("the work of all six", lambda: _all_sent(books))
    await verdict.settle(stage, books)
    assert await _copies(stage, readers) == _one_each(notices + more)
    assert await books.wrongs() == []


async def _readers(stage: PatientStage) -> list[str]:
    members = await stage.every("/members", status="active")
    return [str(member["userid"]) for member in members[: AUDIENCE + 1]]


async def _publish(stage: PatientStage, readers: list[str], number: int) -> str:
    """A notice to one person: a call of its own."""
    title = f"经验分享第 {number} 号"
    body = {"title": title, "body": "每日一题。", "class": "sharing", "author": readers[AUDIENCE]}
    await stage.post("/announcements", body | {"audience": {"people": [readers[number % AUDIENCE]]}})
    return title


async def _stop_inside(
    stage: PatientStage, url: str, names: set[str], readers: list[str], five: list[Program]
) -> tuple[list[str], list[int]]:
    """Publish until each worker has taken a notice and waits with its row locked; then stop the five."""
    notices: list[str] = []
    while True:
        while not await seen(url, WAITING) >= names:
            assert len(notices) < MOST_NOTICES, f"only {await seen(url, WAITING)} wait"
            notices.append(await _publish(stage, readers, len(notices)))
        frozen = [group for worker in five if (group := worker.freeze()) is not None]
        if len(frozen) == len(five) and await seen(url, WAITING) >= {worker.name for worker in five}:
            return notices, frozen
        # One of them gave up waiting at this very moment: its session is none that was stopped inside.
        for group in frozen:
            Program.thaw(group)


async def _some_are_silent(url: str, workers: list[Program]) -> bool:
    return bool(await seen(url, SILENT) & {worker.name for worker in workers})


async def _all_sent(books: Books) -> bool:
    (row,) = await books.rows("SELECT count(*) AS open FROM deliveries WHERE state <> 'sent'")
    return bool(row["open"] == 0)


async def _copies(stage: PatientStage, readers: list[str]) -> dict[str, int]:
    """How often each notice stands on the phones."""
    found: dict[str, int] = {}
    for userid in readers:
        for message in await stage.sandbox.app_messages(userid):
            for title in _titles(message):
                found[title] = found.get(title, 0) + 1
    return found


def _titles(message: dict[str, Any]) -> list[str]:
    said = str(message.get("text") or message.get("body") or message.get("card") or "")
    start = said.find("经验分享第 ")
    return [said[start : said.index("号", start) + 1]] if start >= 0 else []


def _one_each(notices: list[str]) -> dict[str, int]:
    return dict.fromkeys(notices, 1)


def _is_stopped(group: int) -> bool:
    return Path(f"/proc/{group}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] == "T"


async def _are_back(url: str, names: set[str]) -> bool:
    """Each has connections, and none stands in a transaction."""
    await asyncio.sleep(0.5)
    here = await seen(
        url,
        "SELECT DISTINCT split_part(application_name, ' ', 1) AS name FROM pg_stat_activity"
        " WHERE datname = current_database() AND query_start > now() - interval '3 seconds'",
    )
    return here >= names
