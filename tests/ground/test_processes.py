"""Processes that start together, and one that is told to end (D10, F108)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select
from structlog.testing import capture_logs

from app.bootstrap import build
from app.database import Sessions
from app.installation import prepare
from app.settings import Settings
from models.installation import Installation
from tests.fakes.clock import FakeClock
from tests.fakes.environment import sandbox_environment
from tests.platform import free_port


class TestStart:
    async def test_replicas_that_start_together_on_an_empty_database_agree(
        self, database: str, sessions: Sessions, settings: Settings
    ) -> None:
        replicas = [build(settings, database) for _ in range(4)]

        await asyncio.gather(*(prepare(replica) for replica in replicas))

        for replica in replicas:
            await replica.aclose()
        async with sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Installation)) == 1

    async def test_a_clock_that_is_off_is_told_at_the_first_start(self, database: str, settings: Settings) -> None:
        slow = build(settings, database, clock=FakeClock(datetime.now(UTC) - timedelta(hours=8)))

        with capture_logs() as logs:
            await prepare(slow)
        await slow.aclose()

        assert "clock.differs" in {line["event"] for line in logs}
        offset = REGISTRY.get_sample_value("steward_clock_offset_seconds", {"against": "database"})
        assert offset == pytest.approx(timedelta(hours=8).total_seconds(), abs=60)


class TestEnd:
    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    async def test_sigterm_lets_the_service_finish_and_exit_0(self, host: str, database: str) -> None:
        """Uvicorn alone would raise the signal again, and the process would die before its worker has drained."""
        listen = f"{host}:{free_port()}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
        environment |= sandbox_environment()
        environment |= {"STEWARD_DATABASE_URL": database, "STEWARD_LISTEN": listen}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", "run", env=environment, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            await _answers(f"http://{listen}/healthz", process)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _answers(url: str, process: Process) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(timeout=60) as client:
        while process.returncode is None:
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    raise AssertionError("the service has not started")
