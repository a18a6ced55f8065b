"""What an API key may do, and how often: `<resource>:read` and `<resource>:write` of the resources in the manifests.

A manifest that names a scope with its verb, `requests:decide`, has one more: to act in the name of people who decide,
confirm or report. Write does not include it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from uuid import UUID

from app.errors import DomainError, Forbidden
from app.manifest import Registry
from models.access import ActAs

EVERYTHING = "*"
"""The scope of the bootstrap key."""


@dataclass(frozen=True, slots=True)
class ActsFor:
    """In whose name a key may act (D21). A scope says what it may do, this for whom."""

    who: ActAs
    departments: tuple[int, ...] = ()
    """WeCom department ids, with everything below; empty unless `who` says departments."""


NOBODY = ActsFor(ActAs.NOBODY)
ANYBODY = ActsFor(ActAs.ANYBODY)


class MissingScope(Forbidden):
    slug = "missing-scope"
    title = "接口密钥没有这项权限"


def scopes_of(registry: Registry) -> tuple[str, ...]:
    """Every scope that a key may be given."""
    return tuple(scope for named in registry.scopes for scope in ([named] if ":" in named else _both(named)))


def _both(resource: str) -> list[str]:
    return [f"{resource}:read", f"{resource}:write"]


def allows(granted: list[str], wanted: str) -> bool:
    """Write includes read."""
    resource, _, verb = wanted.partition(":")
    return EVERYTHING in granted or wanted in granted or (verb == "read" and f"{resource}:write" in granted)


# ---------------------------------------------------------------- how often

_MINUTE = 60.0


class TooManyRequests(DomainError):
    """Answered with 429 and `Retry-After`."""

    slug = "too-many-requests"
    title = "请求太多"


class KeyRate:
    """A bucket per key that holds the requests of a minute, and fills up evenly: one caller that runs wild takes
    nothing from the others.

    Counted in this process alone: two `serve` processes together let through twice as many.
    """

    def __init__(self, per_minute: int) -> None:
        """Zero is no limit."""
        self._per_minute = per_minute
        self._buckets: dict[UUID, tuple[float, float]] = {}

    def take(self, key_id: UUID, *, at: float) -> None:
        """One request, `at` seconds of a clock that nobody sets. Raises `TooManyRequests`."""
        if not self._per_minute:
            return
        left, since = self._buckets.get(key_id, (float(self._per_minute), at))
        per_second = self._per_minute / _MINUTE
        left = min(self._per_minute, left + (at - since) * per_second)
        if left < 1:
            self._buckets[key_id] = (left, at)
            wait = max(1, ceil((1 - left) / per_second))
            raise TooManyRequests(
                f"每个接口密钥每分钟最多 {self._per_minute} 次请求，请 {wait} 秒后再试",
                f"An API key may make {self._per_minute} requests a minute: try again in {wait} seconds",
                retry_after=wait,
            )
        self._buckets[key_id] = (left - 1, at)
