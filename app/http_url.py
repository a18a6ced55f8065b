"""The addresses among the settings: what every program behind them can call, or a `FaultyAddress` that says why not."""

from __future__ import annotations

from typing import Final

import httpx
from pydantic import AnyHttpUrl, TypeAdapter

_HTTP_URL: Final = TypeAdapter(AnyHttpUrl)

_NO_NAME: Final = (
    "the host is no name that DNS knows: look for marks such as 、，（）… and for dots that stand together; "
    "a part between two dots has 63 characters at the most"
)


class FaultyAddress(ValueError):
    """Says what is wrong with it; pydantic makes it a fault of its setting."""


def check_http_url(text: str) -> str:
    """The text itself. Refuses what a client would only find at its first call: a port that is none, a name that is
    none.
    """
    parsed = _HTTP_URL.validate_python(text)
    if parsed.query or parsed.fragment:
        raise FaultyAddress("must have neither ? nor #")
    try:
        # The client takes less than the standard of browsers that pydantic goes by, and the resolver less than the
        # client: each is asked.
        url = httpx.URL(text)
        name = url.host and url.raw_host.decode("ascii")
        name.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        raise FaultyAddress(_NO_NAME) from None
    return text
