"""How many files and connections a process may have open: the usual soft limit of 1,024 is below a burst."""

from __future__ import annotations

import resource
from typing import Final

WANTED: Final = 8_192

_ELSEWHERE: Final = 224
"""The database's connections, the platform's, files, and callers who must still get in."""


def raise_limit(wanted: int = WANTED) -> int:
    """As far as the system lets this process. Returns what it may have open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return allowed
    return wanted if soft == resource.RLIM_INFINITY else soft


def room_for(connections: int) -> int:
    """As many of these connections as the process may hold open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - _ELSEWHERE))
