"""`HOST:PORT`: one reader for the service, its worker and the sandbox."""

from __future__ import annotations

import pytest

from listening.address import base_url, split_address
from tests.listening.conftest import Serve


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("0.0.0.0:0", "0.0.0.0", 0),  # noqa: S104 -- read, not bound
        ("localhost:1", "localhost", 1),
        ("[::]:8080", "::", 8080),
        ("[::1]:0", "::1", 0),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ],
)
def test_an_address_is_read(written: str, host: str, port: int) -> None:
    assert split_address(written) == (host, port)


@pytest.mark.parametrize(
    "written",
    [
        *("", "8080", ":8080", "127.0.0.1", "::1:8080", "[::1]", "[::1]8080", "[nine]:1", "x:65536", "a b:1"),
        *("http://x:1", "a..b:18099", ".a:1", f"{'x' * 70}:1", "\ud83d:1", "[fe80::1%\ud83d]:1"),
    ],
)
def test_what_is_none_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|IPv6 address|at most 65535") as refused:
        split_address(written)
    assert str(refused.value).encode()


def test_a_browser_gets_brackets() -> None:
    assert base_url("::1", 80) == "http://[::1]:80"
    assert base_url("127.0.0.1", 80) == "http://127.0.0.1:80"


async def test_ipv6_is_listened_on(serve: Serve) -> None:
    async with serve(host="::1") as line:
        assert b"GET /" in await line.ask(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
