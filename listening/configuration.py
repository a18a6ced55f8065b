"""What every server of this project is started with."""

from __future__ import annotations

from typing import Any, Final

import uvicorn

from listening.protocol import BoundedHttp

MOST_CONNECTIONS: Final = 2_000
"""Beyond these a request is answered with 503. A burst of a thousand callbacks is held while the database is away."""


def configure(app: Any, **options: Any) -> uvicorn.Config:
    """Uvicorn's configuration: our protocol with its limits, no websockets, no log of its own of each request."""
    given: dict[str, Any] = {
        "http": BoundedHttp,
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "limit_concurrency": MOST_CONNECTIONS,
    }
    return uvicorn.Config(app, **(given | options))
