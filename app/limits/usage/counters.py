"""The rows of uses: locked in one order, a statement for each step, however many there are.

`enter` adds uses where they are, so that a thousand recipients are not carried here and back; whatever needs a closer
look is locked, changed by the arithmetic of `windows`, and stored. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, String, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.limits.catalogue import COUNTERS, Counter, Per
from app.limits.numbers import Number
from app.limits.usage.windows import COUNT_BITS, COUNT_MASK, Span, packed, placed, unpacked

TEXTS, NUMBERS = ARRAY(String), ARRAY(BigInteger)

Key = tuple[str, str]
"""(counter, subject)"""


@dataclass(frozen=True, slots=True)
class Demand:
    """So much of a counter, for this subject."""

    counter: str
    subject: str
    amount: int = 1

    @property
    def key(self) -> Key:
        return self.counter, self.subject


@dataclass(slots=True)
class Row:
    """What a subject has used of a counter."""

    counter: str
    subject: str
    uses: dict[Span, list[tuple[int, int]]]

    @property
    def key(self) -> Key:
        return self.counter, self.subject


# An upsert, in all three: it makes what is missing, goes from row to row in the order it is given, finds each through
# the index whatever the planner knows of the table, and works on the newest version of a row it had to wait for.
_LOCK = text(
    """
    INSERT INTO limit_counters AS c (counter, subject, touched_at)
    SELECT counter, subject, :now FROM unnest(:counters, :subjects) AS wanted (counter, subject)
    ON CONFLICT (counter, subject) DO UPDATE SET touched_at = c.touched_at
    RETURNING counter, subject, minute, hour, day, month
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    *(bindparam(name, type_=TEXTS) for name in ("counters", "subjects")),
)

_STORE = text(
    """
    INSERT INTO limit_counters (counter, subject, minute, hour, day, month, touched_at)
    SELECT counter, subject, minute::bigint[], hour::bigint[], day::bigint[], month::bigint[], :now
    FROM unnest(:counters, :subjects, :minutes, :hours, :days, :months)
        AS used (counter, subject, minute, hour, day, month)
    ON CONFLICT (counter, subject) DO UPDATE
    SET minute = excluded.minute, hour = excluded.hour, day = excluded.day, month = excluded.month,
        touched_at = excluded.touched_at
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    *(bindparam(name, type_=TEXTS) for name in ("counters", "subjects", "minutes", "hours", "days", "months")),
)

_FUTURE = """
    {span} = ARRAY(
        SELECT (least(number >> {bits}, :{span}_slot) << {bits}) + sum(number & {mask})::bigint
        FROM unnest(c.{span}) AS number
        GROUP BY least(number >> {bits}, :{span}_slot) ORDER BY least(number >> {bits}, :{span}_slot))"""

# Rows that somebody is about to use are left alone: these are not deleted in the order in which others lock.
_PRUNE = text(
    """
    DELETE FROM limit_counters WHERE (counter, subject) IN (
        SELECT counter, subject FROM limit_counters WHERE counter = :counter AND touched_at < :before
        FOR UPDATE SKIP LOCKED) RETURNING 1
    """
)


async def enter(
    session: AsyncSession, demands: Sequence[Demand], in_force: Mapping[str, Number], *, now: datetime
) -> list[Key]:
    """Enter uses of one counter, whatever its limits. Returns those that are over a limit now; all rows stay locked.

    `demands` in the order of `in_order`, each subject once.
    """
    counter = demands[0].counter
    facts: dict[str, Any] = {
        "counter": counter,
        "subjects": [demand.subject for demand in demands],
        "amounts": [demand.amount for demand in demands],
        "now": now,
    }
    for limit in COUNTERS[counter].limits:
        number, window = in_force[limit.key], limit.window
        facts[f"{limit.span}_slot"] = placed(window, now)
        facts[f"{limit.span}_oldest"] = (window.slot_of(now) - window.slots) << COUNT_BITS
        facts[f"{limit.span}_allowed"] = None if number.is_lifted(now) else number.allowed
    return [(counter, subject) for subject in (await session.scalars(_enter(counter), facts)).all()]


@cache
def _enter(counter: str) -> TextClause:
    spans = [limit.span for limit in COUNTERS[counter].limits]
    over = " OR ".join(
        f"CASE WHEN :{span}_allowed IS NULL THEN false ELSE {_used(span)} > :{span}_allowed END" for span in spans
    )
    statement = f"""
    WITH entered AS (
        INSERT INTO limit_counters AS c (counter, subject, {", ".join(spans)}, touched_at)
        SELECT :counter, subject, {", ".join(f"ARRAY[(:{span}_slot << {COUNT_BITS}) + amount]" for span in spans)}, :now
        FROM unnest(:subjects, :amounts) AS wanted (subject, amount)
        ON CONFLICT (counter, subject) DO UPDATE
        SET {", ".join(f"{span} = {_entered(span)}" for span in spans)}, touched_at = excluded.touched_at
        RETURNING subject, {", ".join(spans)}
    )
    SELECT subject FROM entered WHERE {over}
    """  # noqa: S608 -- put together from names of columns and numbers of ours
    numbers = [f"{span}_{fact}" for span in spans for fact in ("slot", "oldest", "allowed")]
    return text(statement).bindparams(
        bindparam("counter", type_=String),
        bindparam("now", type_=DateTime(timezone=True)),
        bindparam("subjects", type_=TEXTS),
        bindparam("amounts", type_=NUMBERS),
        *(bindparam(name, type_=BigInteger) for name in numbers),
    )


def _entered(span: Span) -> str:
    """The slots with the new use, rising, without those that do not count any more. Most people have few, and old ones:
    only the last case costs something.
    """
    newest, new = f"c.{span}[cardinality(c.{span})]", f"excluded.{span}[1]"
    return f"""CASE
        WHEN coalesce({newest} < :{span}_oldest, true) THEN excluded.{span}
        WHEN c.{span}[1] >= :{span}_oldest AND {newest} < :{span}_slot << {COUNT_BITS} THEN c.{span} || {new}
        ELSE ARRAY(
            SELECT (number >> {COUNT_BITS} << {COUNT_BITS}) + sum(number & {COUNT_MASK})::bigint
            FROM unnest(c.{span} || {new}) AS number WHERE number >= :{span}_oldest
            GROUP BY number >> {COUNT_BITS} ORDER BY number >> {COUNT_BITS}) END"""  # noqa: S608


def _used(span: Span) -> str:
    return f"""CASE WHEN cardinality({span}) = 1 THEN {span}[1] & {COUNT_MASK} ELSE (
        SELECT sum(number & {COUNT_MASK}) FROM unnest({span}) AS number WHERE number >= :{span}_oldest) END"""  # noqa: S608


async def lock(session: AsyncSession, keys: Iterable[Key], *, now: datetime) -> dict[Key, Row]:
    """The rows of these keys, made where they are missing, locked until the commit.

    All in one order: measured with four workers, each for a thousand people, 0.9 s; unsorted 107 s, with 132 deadlocks.
    """
    wanted = in_order(keys)
    columns = {"counters": [counter for counter, _ in wanted], "subjects": [subject for _, subject in wanted]}
    found = (await session.execute(_LOCK, columns | {"now": now})).all()
    rows = [Row(counter, subject, _uses(counter, slots)) for counter, subject, *slots in found]
    return {row.key: row for row in rows}


async def store(session: AsyncSession, rows: Sequence[Row], *, now: datetime) -> None:
    """Write locked rows back."""
    columns: dict[str, list[str]] = {
        "counters": [row.counter for row in rows],
        "subjects": [row.subject for row in rows],
    }
    for span in Span:
        columns[f"{span}s"] = [_literal(row.uses.get(span)) for row in rows]
    await session.execute(_STORE, columns | {"now": now})


async def count_from(session: AsyncSession, counter: Counter, *, now: datetime) -> int:
    """After our clock was set back: uses in slots that are still to come have arrived already, at the latest now. They
    count for a window from now on, and not until the old time is reached again. Returns how many rows.
    """
    spans = [limit.span for limit in counter.limits]
    bits = {"bits": COUNT_BITS, "mask": COUNT_MASK}
    ahead = " OR ".join(f"{span}[cardinality({span})] >> {COUNT_BITS} > :{span}_slot" for span in spans)
    statement = f"""
    UPDATE limit_counters AS c SET {", ".join(_FUTURE.format(span=span, **bits) for span in spans)}
    WHERE counter = :counter AND subject = ANY(ARRAY(
        SELECT subject FROM limit_counters WHERE counter = :counter AND ({ahead}) ORDER BY subject FOR UPDATE))
    RETURNING subject
    """  # noqa: S608 -- put together from names of columns and numbers of ours
    slots = {f"{limit.span}_slot": placed(limit.window, now) for limit in counter.limits}
    binds: list[Any] = [bindparam("counter", type_=String), *(bindparam(name, type_=BigInteger) for name in slots)]
    moved = await session.execute(text(statement).bindparams(*binds), slots | {"counter": counter.name})
    return len(moved.all())


async def prune(session: AsyncSession, *, now: datetime) -> int:
    """Delete what has not been used for so long that nothing of it counts. Returns how many rows."""
    deleted = 0
    for counter in COUNTERS.values():
        longest = max(limit.window.turnover for limit in counter.limits)
        gone = await session.execute(_PRUNE, {"counter": counter.name, "before": now - 2 * longest})
        deleted += len(gone.all())
    return deleted


def in_order(keys: Iterable[Key]) -> list[Key]:
    """The order in which everybody locks rows. Those that many calls share come last: they are held the shortest."""
    return sorted(set(keys), key=lambda key: (COUNTERS[key[0]].per is not Per.MEMBER, key))


def _uses(counter: str, slots: Sequence[Sequence[int]]) -> dict[Span, list[tuple[int, int]]]:
    columns = dict(zip(Span, slots, strict=True))
    return {limit.span: unpacked(columns[limit.span]) for limit in COUNTERS[counter].limits}


def _literal(uses: Sequence[tuple[int, int]] | None) -> str:
    """Arrays of different lengths do not go into one parameter: as text they do."""
    return "{" + ",".join(map(str, packed(uses))) + "}" if uses else "{}"
