"""F108: whoever is told to end ends by itself, within the ten seconds a supervisor waits, whatever is under way.

The processes are real. Nothing here asserts a duration: each test prints how long it took (`pytest -rP`), and what was
cut off is found again by the next process.
"""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import asyncpg
import httpx
import pytest

from tests.cli.conftest import Steward
from tests.databases import dsn
from tests.doctor.conftest import Ward, bad, ward
from tests.platform import free_port

__all__ = ["ward"]


@asynccontextmanager
async def started(ward: Ward, folder: Path, command: str) -> AsyncIterator[tuple[Process, str]]:
    """The process, up, and its base address. It is killed only when a test fails before it has ended."""
    listen = f"127.0.0.1:{free_port()}"
    process = await Steward(folder, ward.environment).start(
        command, STEWARD_LISTEN=listen, STEWARD_WORKER_LISTEN=listen, STEWARD_SYNC_INTERVAL="1d"
    )
    reader = asyncio.create_task(_drained(process))
    base = f"http://{listen}"
    try:
        await _up(base, process)
        yield process, base
    finally:
        if process.returncode is None:
            process.kill()
        await reader


async def _drained(process: Process) -> bytes:
    assert process.stdout
    assert process.stderr
    _, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
    return err


async def _up(base: str, process: Process) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        while process.returncode is None:
            try:
                if (await http.get(f"{base}/healthz")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError("it ended before it was up")


async def ended(process: Process, what: str) -> None:
    began = perf_counter()
    process.send_signal(signal.SIGTERM)
    code = await process.wait()
    print(f"drained in {perf_counter() - began:.1f} s: {what}")  # noqa: T201 -- told, not asserted
    assert code == 0


async def until(look: Callable[[], Awaitable[object]]) -> None:
    while not await look():  # noqa: ASYNC110 -- other processes have no event of ours
        await asyncio.sleep(0.05)


async def called(ward: Ward, endpoint: str) -> None:
    """Until the platform has this call in hand."""
    await until(lambda: ward.sandbox.client.calls(endpoint))


@pytest.mark.parametrize("command", ["run", "worker"])
async def test_a_sync_that_waits_for_the_platform(ward: Ward, tmp_path: Path, command: str) -> None:
    """The reading hangs; it is cut off and given back, for the next process to read anew."""
    await ward.sandbox.client.fail("department/simplelist", timeout=True, times=None)
    async with started(ward, tmp_path, command) as (process, _):
        await called(ward, "department/simplelist")
        await ended(process, f"{command}, a sync that waits for the platform")
    connection = await asyncpg.connect(dsn(ward.database_url))
    assert await connection.fetchval("SELECT status FROM pgqueuer WHERE entrypoint = 'org.sync'") == "queued"
    await connection.close()


@pytest.mark.parametrize("command", ["run", "serve"])
async def test_open_connections_that_say_nothing(ward: Ward, tmp_path: Path, command: str) -> None:
    async with started(ward, tmp_path, command) as (process, base), httpx.AsyncClient(timeout=60) as http:
        await http.get(f"{base}/healthz")
        host, _, port = base.removeprefix("http://").partition(":")
        _, silent = await asyncio.open_connection(host, int(port))
        silent.write(b"POST /callbacks/app HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<xml>")
        await silent.drain()
        await ended(process, f"{command}, a kept connection and half a request")
        silent.close()


@pytest.mark.parametrize("command", ["run", "serve"])
async def test_a_callback_that_waits_for_the_database(ward: Ward, tmp_path: Path, command: str) -> None:
    """The table is locked: the callback is not answered with 200, so the platform knows that it was not taken."""
    async with started(ward, tmp_path, command) as (process, base):
        await ward.sandbox.client.set_callback_urls(app=f"{base}/callbacks/app")
        connection = await asyncpg.connect(dsn(ward.database_url))
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("LOCK TABLE received_events IN ACCESS EXCLUSIVE MODE")
        userid = (await ward.sandbox.client.people(limit=1))[0]["userid"]
        opening = asyncio.create_task(ward.sandbox.client.open_app(userid))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        # Not in the transaction above: there the view stays as it was first seen.
        looking = await asyncpg.connect(dsn(ward.database_url))
        await until(lambda: looking.fetchval(waits))
        await looking.close()
        await ended(process, f"{command}, a callback that is held")
        opening.cancel()
        await transaction.rollback()
        await connection.close()
        await asyncio.gather(opening, return_exceptions=True)


async def test_a_worker_answers_its_probes(ward: Ward, tmp_path: Path) -> None:
    async with started(ward, tmp_path, "worker") as (process, base), httpx.AsyncClient(timeout=60) as http:
        assert (await http.get(f"{base}/readyz")).status_code == httpx.codes.OK
        assert "steward_inbox_lag_seconds" in (await http.get(f"{base}/metrics")).text
        assert (await http.get(f"{base}/api/v1/departments")).status_code == httpx.codes.NOT_FOUND
        assert "queue" not in bad(await ward.examine())
        await ended(process, "worker, nothing under way")
