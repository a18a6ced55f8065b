"""The line between the service and a real database, which a test can cut, block and mend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url

_CHUNK = 65536


class DatabaseLine:
    """`url` leads through it. Cut: connections break and new ones are refused. Blocked: nobody answers any more."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """For asyncpg, over TCP."""
        through = self._target.set(host="127.0.0.1", port=self._port, query={})
        return through.render_as_string(hide_password=False)

    async def mend(self) -> None:
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
            self._port = int(self._server.sockets[0].getsockname()[1])

    async def cut(self) -> None:
        """As when the server stops: everything breaks, and nobody listens."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)

    def block(self) -> None:
        """As when a network swallows: connections stay, and no byte passes."""
        self._flows.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._target.query.get("host") or self._target.host, self._target.query.get("port")
        self._writers.add(writer)
        if str(host).startswith("/"):
            there = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port or 5432}")
        else:
            there = asyncio.open_connection(str(host), int(str(port or self._target.port or 5432)))
        with suppress(OSError):
            far_reader, far_writer = await there
            self._writers.add(far_writer)
            for source, sink in ((reader, far_writer), (far_reader, writer)):
                pump = asyncio.create_task(self._pump(source, sink))
                self._pumps.add(pump)
                pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(_CHUNK):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.transport.abort()
            self._writers.discard(sink)


@asynccontextmanager
async def database_line(url: str) -> AsyncIterator[DatabaseLine]:
    line = DatabaseLine(url)
    await line.mend()
    try:
        yield line
    finally:
        await line.cut()
