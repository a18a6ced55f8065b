"""Walking the chain again: what was changed, removed or added since it was sealed (F115).

A seal cannot protect against somebody who may write everything and computes the whole chain anew; against that a seal
is kept elsewhere, and expected here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.seal import GENESIS, details_digest, seal
from app.database import Sessions

PAGE: Final = 5000
SHOWN: Final = 100
"""So many findings are told one by one; the others are counted."""

UNSEALED_FOR: Final = timedelta(minutes=10)
"""The sealer runs each minute: what is older and not sealed waits for a reason."""

BEFORE_ITS_TIME: Final = timedelta(minutes=15)
"""A row is committed within seconds of its time. One that is older than the seals before it came later than it says."""


class Trouble(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    DETAILS_CHANGED = "details_changed"
    TRUNCATED = "truncated"
    HEAD = "head"
    UNSEALED = "unsealed"
    NOT_EXPECTED = "not_expected"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, in words for the operator."""

    trouble: Trouble
    says: str
    position: int | None = None
    entry_id: int | None = None


@dataclass
class Verification:
    """What a walk has found. `head` is where the chain ends: to be kept elsewhere, and expected the next time."""

    checked: int = 0
    position: int = 0
    head: str = ""
    unsealed: int = 0
    troubles: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.troubles == 0

    def add(self, trouble: Trouble, says: str, *, position: int | None = None, entry_id: int | None = None) -> None:
        self.troubles += 1
        if len(self.findings) < SHOWN:
            self.findings.append(Finding(trouble, says, position, entry_id))


_HEAD = text("""
SELECT audit_heads.position, audit_heads.seal, (SELECT max(position) FROM audit_entries) AS last
FROM (SELECT 1) AS one LEFT JOIN audit_heads ON true
""")

_PAGE = text("""
SELECT audit_entries.*, audit_details.salt, audit_details.details
FROM audit_entries LEFT JOIN audit_details ON entry_id = audit_entries.id
WHERE position > :after AND position <= :until ORDER BY position LIMIT :page
""")

_OUTSIDE = text("""
SELECT id, position FROM audit_entries
WHERE position > :last OR position < 1 OR (position IS NULL) <> (seal IS NULL)
ORDER BY id LIMIT :page
""")

_UNSEALED = text("""
SELECT count(*) AS rows, count(*) FILTER (WHERE at < :before) AS late, min(at) AS oldest
FROM audit_entries WHERE seal IS NULL
""")


async def verify(
    sessions: Sessions,
    *,
    now: datetime,
    expected: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verification:
    """Walk the whole chain, a page at a time. `expected`: seals (or `position:seal`) kept from earlier.

    `progress(done, all)` is told after each page. Nothing is locked, and the sealer may go on meanwhile.
    """
    result = Verification()
    wanted = {one.rpartition(":")[2].lower() for one in expected}
    async with sessions() as session:
        head = (await session.execute(_HEAD)).one()
        walk = _Walk(result, wanted)
        until = head.position if head.position is not None else head.last or 0
        async for rows in _pages(session, until):
            for row in rows:
                walk.take(row)
            progress(walk.position, until)
        walk.end(head, until)
        # Once more and at one moment: the sealer has perhaps gone on.
        latest = (await session.execute(_HEAD)).one()
        await _outside(session, result, latest.position if latest.position is not None else until)
        await _unsealed(session, result, now)
    for seal_kept in sorted(wanted):
        result.add(Trouble.NOT_EXPECTED, f"链中没有保存在别处的封印 {seal_kept}：链可能被整条重写过，或截断到它之前")
    return result


async def _pages(session: AsyncSession, until: int) -> AsyncIterator[Sequence[Any]]:
    after = 0
    while rows := (await session.execute(_PAGE, {"after": after, "until": until, "page": PAGE})).all():
        yield rows
        after = rows[-1].position


class _Walk:
    """The state between two rows: where we are, the seal there, and when the seals before were made."""

    def __init__(self, result: Verification, wanted: set[str]) -> None:
        self._result = result
        self._wanted = wanted
        self.position = 0
        self._previous: bytes | None = GENESIS
        self._sealed_at: datetime | None = None
        self._sealed_before: datetime | None = None

    def take(self, row: Any) -> None:
        gap = row.position - self.position - 1
        if gap:
            where = f"第 {self.position + 1} 行" if gap == 1 else f"第 {self.position + 1} 到 {row.position - 1} 行"
            self._result.add(Trouble.MISSING, f"{where}不见了（共 {gap} 行）", position=self.position + 1)
            self._previous = None
        # Behind a hole there is nothing to compute the seal from; the next row is checked again.
        if self._previous is not None and seal(self._previous, row.position, row) != row.seal:
            self._tell(Trouble.CHANGED, row, "与封印不符：这一行被改过，或它前面的一行被换过")
        self._check_time(row)
        self._check_details(row)
        self._wanted.discard((row.seal or b"").hex())
        self.position, self._previous = row.position, row.seal
        self._result.checked += 1

    def _check_time(self, row: Any) -> None:
        if row.sealed_at != self._sealed_at:
            self._sealed_before, self._sealed_at = self._sealed_at, row.sealed_at
        if self._sealed_before is not None and row.at < self._sealed_before - BEFORE_ITS_TIME:
            self._tell(
                Trouble.ADDED, row, f"是后来补进的：它说自己发生在 {row.at:%Y-%m-%d %H:%M}，此前的行那时早已封好"
            )

    def _check_details(self, row: Any) -> None:
        """They may be erased, not changed."""
        if row.details is not None and (
            row.details_digest is None or details_digest(row.salt, row.details) != row.details_digest
        ):
            self._tell(Trouble.DETAILS_CHANGED, row, "的详情被改过")

    def _tell(self, trouble: Trouble, row: Any, says: str) -> None:
        what = f"第 {row.position} 行（编号 {row.id}，{row.action}，{row.object_kind} {row.object_id}）{says}"
        self._result.add(trouble, what, position=row.position, entry_id=row.id)

    def end(self, head: Any, until: int) -> None:
        """Compare with where the sealer says that the chain ends."""
        result = self._result
        result.position = self.position
        result.head = f"{self.position}:{(self._previous or GENESIS).hex()}"
        if head.position is None:
            if self.position:
                result.add(Trouble.HEAD, "封印员的记录（audit_heads）不见了：链的末尾是否被截去无法判断")
        elif self.position < until:
            says = f"链在第 {self.position} 行中断，封印员封到了第 {until} 行：末尾的 {until - self.position} 行不见了"
            result.add(Trouble.TRUNCATED, says, position=self.position + 1)
        elif self._previous != head.seal:
            result.add(Trouble.HEAD, f"第 {until} 行的封印与封印员记录的不同", position=until)


async def _outside(session: AsyncSession, result: Verification, last: int) -> None:
    for row in await session.execute(_OUTSIDE, {"last": last, "page": SHOWN}):
        says = f"编号 {row.id} 的行不是封印员放进链里的（位置 {row.position}，封印员封到 {last}）"
        result.add(Trouble.ADDED, says, position=row.position, entry_id=row.id)


async def _unsealed(session: AsyncSession, result: Verification, now: datetime) -> None:
    found = (await session.execute(_UNSEALED, {"before": now - UNSEALED_FOR})).one()
    result.unsealed = found.rows
    if found.late:
        minutes = int((now - found.oldest).total_seconds() // 60)
        says = f"{found.late} 行没有封印，最早的已 {minutes} 分钟：worker 没有运行，或有人补写了旧时间的行"
        result.add(Trouble.UNSEALED, says)
