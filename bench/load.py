"""The load generator, in a process of its own: plain sockets, requests written as they were prepared.

`closed`: each of the connections sends its next request when its last was answered; what is measured is the rate.
`steady`: requests leave by the clock, whether the last were answered or not, and a latency counts from the moment the
request was due. A service that stalls is charged for everybody who waited (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Self
from urllib.parse import urlsplit

from bench.signed import sealed, texts

CONNECTIONS = 64
OK = b"200"
_MEASURED_FROM = 0.2
"""The share of a round that warms up caches and connections, and is not counted."""
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Outcome:
    """What a round saw."""

    answered: int
    refused: int
    """Answers that were not 200, and requests without an answer."""
    rate: float
    """Answers of 200 per second."""
    latencies: tuple[float, ...] = ()
    """Seconds, of the requests that were answered with 200."""

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Generator:
    """Runs rounds in one process that lives as long as this object."""

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def closed(self, url: str, count: int, *, connections: int = CONNECTIONS) -> Outcome:
        """`count` callbacks as fast as they are answered."""
        return await self._run(_closed, url, count, connections)

    async def deliver(self, url: str, plaintexts: list[str], *, connections: int = CONNECTIONS) -> Outcome:
        """These callbacks, as fast as they are answered."""
        return await self._run(_deliver, url, plaintexts, connections)

    async def steady(self, url: str, rate: float, seconds: float, *, connections: int = CONNECTIONS) -> Outcome:
        return await self._run(_steady, url, rate, seconds, connections)

    async def _run(self, function: Callable[..., Outcome], *arguments: Any) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _closed(url: str, count: int, connections: int) -> Outcome:
    return _in_loop(_closed_round(url, texts(urlsplit(url).netloc, urlsplit(url).path, count), connections))


def _deliver(url: str, plaintexts: list[str], connections: int) -> Outcome:
    return _in_loop(_closed_round(url, sealed(urlsplit(url).netloc, urlsplit(url).path, plaintexts), connections))


def _steady(url: str, rate: float, seconds: float, connections: int) -> Outcome:
    requests = texts(urlsplit(url).netloc, urlsplit(url).path, int(rate * seconds))
    return _in_loop(_steady_round(url, requests, rate, connections))


def _in_loop(main: Coroutine[Any, Any, Outcome]) -> Outcome:
    return asyncio.run(main)


class _Connection(asyncio.Protocol):
    """One keep-alive connection: a request out, its answer back, and then `free` is told."""

    def __init__(self, free: Callable[[_Connection, bool], None]) -> None:
        self._free = free
        self._buffer = b""
        self._transport: Any = None
        self.due = 0.0
        self.is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self.due, self.is_busy = due, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.lower().find(b"content-length:", 0, head)
        length = int(self._buffer[at + 15 : self._buffer.index(b"\r\n", at)]) if at >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        is_ok = self._buffer[9:12] == OK
        self._buffer, self.is_busy = b"", False
        self._free(self, is_ok)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.is_busy:
            self.is_busy = False
            self._free(self, False)

    def close(self) -> None:
        self._transport.close()


async def _connect(url: str, count: int, free: Callable[[_Connection, bool], None]) -> list[_Connection]:
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    made = [await loop.create_connection(lambda: _Connection(free), host, port) for _ in range(count)]
    return [protocol for _, protocol in made]


async def _closed_round(url: str, requests: list[bytes], connections: int) -> Outcome:
    waiting, ended, answered, refused = deque(requests), asyncio.Event(), 0, 0
    counted_from = int(len(requests) * _MEASURED_FROM)
    began = finished = 0.0

    def free(connection: _Connection, is_ok: bool) -> None:
        nonlocal answered, refused, began, finished
        answered += is_ok
        refused += not is_ok
        finished = time.perf_counter()
        if answered + refused == counted_from:
            began = finished
        if waiting and is_ok:
            connection.send(waiting.popleft(), finished)
        elif answered + refused >= len(requests) or not is_ok:
            ended.set()

    pool = await _connect(url, min(connections, len(requests)), free)
    began = time.perf_counter()
    for connection in pool:
        connection.send(waiting.popleft(), began)
    await _ends(ended)
    _close(pool)
    return Outcome(answered, refused, (answered - counted_from) / (finished - began))


async def _steady_round(url: str, requests: list[bytes], rate: float, connections: int) -> Outcome:
    idle: deque[_Connection] = deque()
    late: deque[tuple[bytes, float]] = deque()
    latencies: list[float] = []
    refused = 0
    ended = asyncio.Event()

    def free(connection: _Connection, is_ok: bool) -> None:
        nonlocal refused
        if is_ok:
            latencies.append(time.perf_counter() - connection.due)
        else:
            refused += 1
        if len(latencies) + refused >= len(requests):
            ended.set()
        if late:
            connection.send(*late.popleft())
        else:
            idle.append(connection)

    pool = await _connect(url, connections, free)
    idle.extend(pool)
    start = time.perf_counter() + 0.05
    for number, request in enumerate(requests):
        due = start + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        if idle:
            idle.popleft().send(request, due)
        else:
            late.append((request, due))
    await _ends(ended)
    took = time.perf_counter() - start
    _close(pool)
    return Outcome(len(latencies), len(requests) - len(latencies), len(latencies) / took, tuple(latencies))


async def _ends(ended: asyncio.Event) -> None:
    """A service that answers nothing for so long has failed; what it has answered so far is counted."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS + 120):
            await ended.wait()
    except TimeoutError:
        return


def _close(pool: list[_Connection]) -> None:
    for connection in pool:
        connection.close()
