"""HTTP/1.1 over real sockets: what a client may offer, how much, and how slowly."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from listening.protocol import LARGEST_HEAD
from tests.listening.conftest import Impatient, Serve

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
"""What Java's and curl's clients send with the first request of a plain connection."""


class TestAnOfferOfAnotherProtocol:
    """RFC 9110, 7.8: a server that does not take it answers the request as if it were not there."""

    @pytest.mark.parametrize(
        "offer",
        [
            H2C,
            b"connection: upgrade\r\nupgrade: h2c\r\n",
            b"Connection: keep-alive, Upgrade\r\nUpgrade: TLS/1.0, h2c\r\n",
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        ],
    )
    @pytest.mark.parametrize("cut", [0, 1, 40, 150], ids="cut at {}".format)
    async def test_the_body_is_kept(self, offer: bytes, cut: int, serve: Serve) -> None:
        request = b"POST /it HTTP/1.1\r\nHost: x\r\n" + offer + b"Content-Length: 5\r\n\r\nhello"
        close = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

        async with serve() as line:
            said = await line.ask(request[:cut], request[cut:], close, pause=0.02)

        assert said.count(b"HTTP/1.1 200 OK") == 2
        assert b"POST /it [hello]" in said
        assert b"upgrade" not in said
        assert b"connection: close" in said, "what else the header says is kept"

    async def test_a_body_in_chunks_is_kept(self, serve: Serve) -> None:
        request = (
            b"POST /it HTTP/1.1\r\nHost: x\r\n" + H2C + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        )

        async with serve() as line:
            assert b"[hello]" in await line.ask(request + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

    async def test_requests_behind_one_another_are_answered_in_their_order(self, serve: Serve) -> None:
        requests = [
            b"POST /%d HTTP/1.1\r\nHost: x\r\n%bContent-Length: 1\r\n\r\n%d" % (number, H2C, number)
            for number in range(3)
        ]

        async with serve() as line:
            said = await line.ask(b"".join(requests) + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

        places = [said.index(b"POST /%d [%d]" % (number, number)) for number in range(3)]
        assert places == sorted(places)


class TestTheHead:
    @pytest.mark.parametrize("pieces", [1, 7], ids=["at once", "in pieces"])
    async def test_64_kib_are_read(self, pieces: int, serve: Serve) -> None:
        filling = b"X: " + b"y" * (LARGEST_HEAD - 200) + b"\r\n"
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + filling + b"\r\n"
        size = len(request) // pieces + 1

        async with serve() as line:
            said = await line.ask(*[request[at : at + size] for at in range(0, len(request), size)], pause=0.01)

        assert said.startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize(
        "head",
        [
            b"GET / HTTP/1.1\r\nX: " + b"y" * LARGEST_HEAD + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"y" * (2 * LARGEST_HEAD),
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
            b"GET /" + b"y" * LARGEST_HEAD + b" HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"X: y\r\n" * 40_000,
        ],
        ids=["one header", "no end", "many headers", "the path", "what follows the body"],
    )
    async def test_more_is_refused_and_the_connection_ends(self, head: bytes, serve: Serve) -> None:
        async with serve() as line:
            said = await line.ask(head)

        # Where bytes of ours were still under way to it, the client may see the reset before the answer.
        assert said == b"" or said.startswith(b"HTTP/1.1 431 ")

    async def test_a_large_body_is_no_large_head(self, serve: Serve) -> None:
        body = b"b" * 300_000
        request = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body

        async with serve() as line:
            assert body in await line.ask(request)

    async def test_what_is_no_http_is_told_so(self, serve: Serve) -> None:
        async with serve() as line:
            assert (await line.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")).startswith(
                b"HTTP/1.1 400 "
            )


class TestSlowAndSilentConnections:
    """They end; who keeps them open by a byte now and then ends too."""

    @pytest.mark.parametrize(
        ("parts", "answer"),
        [
            ([b""], b""),
            ([b"GET / HTTP/1.1\r\nHost: x\r\n"], b"HTTP/1.1 408 "),
            ([b"GET / HTTP/1.1\r\n", *([b"X: y\r\n"] * 20)], b"HTTP/1.1 408 "),
            ([b"\r\n"] * 20, b""),
            ([b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n"], b"HTTP/1.1 408 "),
            ([b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n", *([b"b"] * 20)], b"HTTP/1.1 408 "),
        ],
        ids=["silent", "half a head", "a header now and then", "blank lines", "no body", "a byte now and then"],
    )
    async def test_they_are_ended(self, parts: list[bytes], answer: bytes, serve: Serve) -> None:
        async with serve(http=Impatient) as line:
            said = await line.ask(*parts, pause=0.1)

            assert said.startswith(answer)
            assert bool(said) == bool(answer)

    async def test_a_kept_connection_that_falls_silent_in_its_next_head_is_ended(self, serve: Serve) -> None:
        async with serve(http=Impatient) as line:
            said = await line.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HT", pause=0.1)

        assert said.startswith(b"HTTP/1.1 200")
        assert said.count(b"HTTP/1.1 408") == 1

    async def test_who_does_not_read_the_answer_is_cut_off(self, serve: Serve) -> None:
        ended = asyncio.Event()

        async def endless(scope: Scope, _receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(1_000):
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            ended.set()

        async with serve(endless, http=Impatient) as line:
            _, writer = await asyncio.open_connection(*line.address[:2], limit=1)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.wait_for(ended.wait(), 20)
            assert not line.server.server_state.connections
            writer.close()

    async def test_an_answer_that_takes_long_is_waited_for(self, serve: Serve) -> None:
        async def slow(scope: Scope, _receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            await asyncio.sleep(1.5)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b"at last"})

        async with serve(slow, http=Impatient) as line:
            assert b"at last" in await line.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


class TestManyConnections:
    async def test_beyond_the_bound_they_are_told_to_come_again(self, serve: Serve) -> None:
        async with serve(limit_concurrency=3) as line:
            silent = [await asyncio.open_connection(*line.address[:2]) for _ in range(3)]
            said = await line.ask(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            for _, writer in silent:
                writer.close()

        assert said.startswith(b"HTTP/1.1 503 ")
