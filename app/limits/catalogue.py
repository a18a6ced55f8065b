"""The table of limits: `limits.yaml`, read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.limits.usage.windows import WINDOWS, Span, Window


class Per(StrEnum):
    """Whose use is added up."""

    CORP = "corp"
    APP = "app"
    MEMBER = "app+member"
    PATH = "corp+path"
    ADDRESS = "address+path"
    WEBHOOK = "webhook"


class Kept(StrEnum):
    LEDGER = "ledger"  # reserved in the transaction that claims the call
    LEASE = "lease"  # taken by the client from a block of its process
    NO = "no"


@dataclass(frozen=True, slots=True)
class Limit:
    """One number: so many in one window."""

    key: str
    """Counter and window: `message.member.minute`."""
    counter: str
    span: Span
    most: int

    @property
    def window(self) -> Window:
        return WINDOWS[self.span]


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted together, and its limits."""

    name: str
    title: str
    english: str
    counts: str
    per: Per
    paths: frozenset[str]
    excepted: frozenset[str]
    limits: tuple[Limit, ...]
    grows_with_accounts: bool
    share: float
    is_silent: bool
    kept: Kept
    why: str
    source: str

    def covers(self, path: str) -> bool:
        return path in self.paths or ("*" in self.paths and path not in self.excepted)


def load(path: Path) -> dict[str, Counter]:
    document: dict[str, dict[str, Any]] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return {name: _counter(name, row) for name, row in document.items()}


def _counter(name: str, row: dict[str, Any]) -> Counter:
    return Counter(
        name=name,
        title=row["zh"],
        english=row["en"],
        counts=row["counts"],
        per=Per(row["per"]),
        paths=frozenset(row["paths"]),
        excepted=frozenset(row.get("except", ())),
        limits=tuple(Limit(f"{name}.{span}", name, Span(span), most) for span, most in row["limits"].items()),
        grows_with_accounts=row.get("accounts", False),
        share=float(row.get("share", 1)),
        is_silent=row["silent"],
        # YAML reads a bare `no` as false.
        kept=Kept(row["kept"] or "no"),
        why=row.get("why", ""),
        source=row["source"],
    )


COUNTERS: dict[str, Counter] = load(Path(__file__).with_name("limits.yaml"))
LIMITS: dict[str, Limit] = {limit.key: limit for counter in COUNTERS.values() for limit in counter.limits}


@cache
def leased_for(path: str) -> tuple[Counter, ...]:
    """The counters that a call of this path takes from through its process's lease."""
    return tuple(counter for counter in COUNTERS.values() if counter.kept is Kept.LEASE and counter.covers(path))


def loud_limits_of(path: str) -> Iterator[Limit]:
    """The limits whose excess the platform answers with 45009 on this path."""
    for counter in COUNTERS.values():
        if not counter.is_silent and counter.covers(path):
            yield from counter.limits
