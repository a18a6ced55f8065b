"""Values that only the browser keeps: drawn long, stored as a digest."""

from __future__ import annotations

import hashlib
import secrets

_ALPHANUMERIC_BYTES = 24


def new_token() -> str:
    """For a cookie or a link."""
    return secrets.token_urlsafe(32)


def new_state() -> str:
    """Letters and digits alone, as WeCom takes a state (callbacks §6.1)."""
    return secrets.token_hex(_ALPHANUMERIC_BYTES)


def hashed(token: str) -> bytes:
    """Tokens are long and random, so a plain sha256 keeps them."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
