"""`HOST:PORT`, read and written in one way. A host of IPv6 stands in brackets: `[::]:8080`, `[::1]:0`."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_WRITTEN: Final = re.compile(r"(?:\[(?P<six>[^\[\]\s]+)\]|(?P<name>[^\s:\[\]/]+)):(?P<port>[0-9]{1,5})")
_HIGHEST_PORT: Final = 65_535
_SHOWN: Final = 80


def split_address(listen: str) -> tuple[str, int]:
    """Host (without brackets) and port; port 0 is any free one. ValueError says what to write instead."""
    match = _WRITTEN.fullmatch(listen.strip())
    if match is None:
        raise ValueError("write HOST:PORT, for IPv6 [HOST]:PORT, such as 127.0.0.1:8080, [::]:8080, [::1]:0")
    if match["six"]:
        try:
            ipaddress.IPv6Address(match["six"])
        except ValueError:
            raise ValueError(f"[{match['six']}] is no IPv6 address") from None
    if int(match["port"]) > _HIGHEST_PORT:
        raise ValueError(f"a port is at most {_HIGHEST_PORT}")
    host = match["six"] or match["name"]
    _refuse_what_no_resolver_reads(host)
    return host, int(match["port"])


def _refuse_what_no_resolver_reads(host: str) -> None:
    """Before it looks a host up, the resolver writes it in ASCII, and so does the event loop."""
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError(
            f"the host of HOST:PORT is no name: {host.encode('ascii', 'replace').decode()[:_SHOWN]}; between two dots "
            "stand 1 to 63 letters, such as 127.0.0.1:8080, localhost:8080"
        ) from None


def base_url(host: str, port: int) -> str:
    """`http://host:port`, as a browser takes it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
