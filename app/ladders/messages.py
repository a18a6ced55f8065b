"""Several things in one message."""

from __future__ import annotations

from collections.abc import Sequence


def together(lines: Sequence[str]) -> str:
    """No numbers: a message of two parts has numbers of its own."""
    return "\n".join([f"有 {len(lines)} 件事请您留意：", *(f"· {line}" for line in lines)])
