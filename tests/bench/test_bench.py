"""The bench itself: every row measures something, and the load generator is honest. No bar is held here: tests share
their machine.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.bootstrap import REGISTRY
from bench.__main__ import ROWS
from bench.load import Generator
from bench.pages import form_of
from bench.report import Line, at_least, at_most, ratio
from bench.stage import Failed, Stage, connection

ONE_ROUND = 1
SMALLEST = 0.001


@pytest.fixture
async def stage(server_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path, server_url=server_url, scale=SMALLEST, most_rounds=ONE_ROUND) as stage:
        yield stage


class TestEveryRow:
    @pytest.mark.parametrize("name", ["latency", "receipts", "contacts", "announcement"])
    async def test_measures_what_it_says(self, stage: Stage, name: str) -> None:
        lines = await ROWS[name](stage)
        assert lines
        assert all(line.value > 0 and line.figures for line in lines)

    async def test_an_unchanged_sync_writes_nothing(self, stage: Stage) -> None:
        first, again, written, memory = await ROWS["sync"](stage)
        assert min(first.value, again.value, memory.value) > 0
        assert (written.value, written.bar.unit) == (0, "rows")

    async def test_three_people_open_every_page_of_the_manifests(self, stage: Stage) -> None:
        slowest, middle, load = await ROWS["pages"](stage)
        assert min(slowest.value, middle.value) > 0
        assert int(slowest.figures["openings"]) > 3 * len(REGISTRY.pages) / 2
        assert load.value > 10


class TestForms:
    def test_addresses_that_differ_in_ids_and_values_alone_are_one_form(self) -> None:
        one = "/console/requests/0190aaaa-0000-7000-8000-000000000001?state=pending"
        two = "/console/requests/0190aaaa-0000-7000-8000-000000000002?state=done"
        assert form_of(one) == form_of(two) == "/console/requests/…?state"
        assert form_of("/console/calendar/2026-11-02") == "/console/calendar/…"
        assert form_of("/console/requests") == "/console/requests"


class TestTheCommand:
    def test_tells_unknown_rows_apart(self) -> None:
        done = subprocess.run([sys.executable, "-m", "bench", "--only", "nothing"], capture_output=True, check=False)
        assert done.returncode == 2
        assert b"intake" in done.stderr

    def test_prints_json_with_the_machine_beside_the_figures(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "bench", "--only", "intake", "--scale", str(SMALLEST), "--rounds", "1"]
        done = subprocess.run([*command, "--json", "--data-dir", str(tmp_path)], capture_output=True, check=True)
        document = json.loads(done.stdout)
        assert {"CPUs", "Python", "PostgreSQL", "load average before"} <= set(document["machine"])
        assert [line["unit"] for line in document["lines"]] == ["×", "×", "µs"]
        assert document["failures"] == {}


class TestBars:
    @pytest.mark.parametrize(
        ("bar", "value", "verdict"),
        [
            (at_least(0.85), 0.85, "met"),
            (at_least(0.8), 0.6, "missed by 25%"),
            (at_most(2), 2.0, "met"),
            (at_most(2), 3.0, "missed by 50%"),
            (at_most(0, "rows"), 0, "met"),
        ],
    )
    def test_a_line_says_by_how_much_it_misses(self, bar: object, value: float, verdict: str) -> None:
        assert Line("what", "against", value, bar).verdict == verdict  # type: ignore[arg-type]

    def test_the_ratio_is_of_the_medians(self) -> None:
        assert ratio([1.0, 100.0, 2.0], [1.0, 1.0, 1.0]) == (2.0, (1.0, 100.0, 2.0))


@asynccontextmanager
async def receiver(*, status: bytes = b"200 OK", stalls: float = 0.0) -> AsyncIterator[str]:
    """A server that answers every request, and holds everybody once for so many seconds."""
    gate = asyncio.Event()
    gate.set()
    answered = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            answered += 1
            if stalls and answered == 20:
                gate.clear()
                asyncio.get_running_loop().call_later(stalls, gate.set)
            await gate.wait()
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/callbacks/app"
    finally:
        server.close()


class TestTheLoadGenerator:
    async def test_counts_every_answer(self) -> None:
        with Generator() as generator:
            async with receiver() as url:
                outcome = await generator.closed(url, 200, connections=8)
        assert (outcome.answered, outcome.refused) == (200, 0)
        assert outcome.rate > 0

    async def test_a_refusal_is_no_answer(self) -> None:
        with Generator() as generator:
            async with receiver(status=b"503 Service Unavailable") as url:
                outcome = await generator.closed(url, 200, connections=8)
        assert outcome.answered == 0
        assert outcome.refused > 0

    async def test_a_stall_is_charged_for_everybody_who_was_due_meanwhile(self) -> None:
        """With one connection only one request is under way when the server stalls; all those due wait all the same."""
        with Generator() as generator:
            async with receiver(stalls=0.5) as url:
                outcome = await generator.steady(url, 100, 1.0, connections=1)
        late = [latency for latency in outcome.latencies if latency > 0.1]
        assert outcome.answered == 100
        assert len(late) >= 30


class TestTheStage:
    async def test_a_process_that_ends_is_told_with_its_last_words(self, stage: Stage) -> None:
        process = stage.start("nonsense", ["bench", "--only", "nothing"], {})

        async def never() -> bool:
            return False

        with pytest.raises(Failed, match="nonsense ended"):
            await stage.until(never, alive=process, what="something")

    async def test_databases_go_when_the_stage_is_left(self, server_url: str, tmp_path: Path) -> None:
        async with Stage(tmp_path, server_url=server_url) as stage:
            url = await stage.database()
            name = url.split("/")[-1].split("?")[0]
        async with connection(server_url) as sql:
            assert not await sql.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name)
