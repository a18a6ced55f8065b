"""A body as the bytes that are sent. Pure."""

from __future__ import annotations

import json
from typing import Any


def to_bytes(body: dict[str, Any]) -> bytes:
    """The exact bytes of a request, without JSON's unicode escapes: the platform may refuse them (40033)."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
