"""Taking from many counters in one statement: locked in order, judged, and entered when everything fits.

The same arithmetic as in `windows`, where the rows are: a thousand recipients are not carried here and back. A test
holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.limits import counters
from app.limits.catalogue import COUNTERS
from app.limits.counters import Demand, Key
from app.limits.numbers import Number
from app.limits.windows import COUNT_BITS, COUNT_MASK, Span, placed

TEXTS, NUMBERS = ARRAY(String), ARRAY(BigInteger)

_FACTS = tuple(f"{span}_{fact}" for span in Span for fact in ("slot", "oldest", "allowed"))


_COUNT = f"coalesce(sum(number & {COUNT_MASK}), 0)::bigint"


def _used(span: Span) -> str:
    """What still counts."""
    return f"""CASE WHEN rules.{span}_slot IS NULL OR c.{span} = '{{}}' THEN 0 ELSE (
        SELECT {_COUNT} FROM unnest(c.{span}) AS number WHERE number >= rules.{span}_oldest) END AS {span}_used"""  # noqa: S608


def _entered(span: Span) -> str:
    """With the new use. Most people have had nothing lately."""
    return f"""CASE WHEN {span}_slot IS NULL THEN {span}
        WHEN {span}_used = 0 THEN ARRAY[({span}_slot << {COUNT_BITS}) + amount]
        ELSE ARRAY(SELECT number FROM unnest({span}) AS number
            WHERE number >= {span}_oldest AND number >> {COUNT_BITS} <> {span}_slot)
        || (({span}_slot << {COUNT_BITS}) + amount + (
            SELECT {_COUNT} FROM unnest({span}) AS number WHERE number >> {COUNT_BITS} = {span}_slot)) END"""  # noqa: S608


# What stands in LATERAL is looked up in the index row by row: a planner that knows these tables when they are small
# would read them as a whole. The upsert does the same for the update; the rows exist, and are locked.
_TAKE = text(
    f"""
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(:counters, :subjects, :amounts) AS w(counter, subject, amount)
    ), rules AS MATERIALIZED (
        SELECT * FROM unnest(:names, {", ".join(f":{fact}" for fact in _FACTS)}) AS r(name, {", ".join(_FACTS)})
    ), known AS MATERIALIZED (
        SELECT count(*) AS rows FROM wanted CROSS JOIN LATERAL (
            SELECT FROM limit_counters c WHERE c.counter = wanted.counter AND c.subject = wanted.subject OFFSET 0) AS c
    ), locked AS MATERIALIZED (
        -- Nothing is locked before all rows exist: they would be locked out of order.
        SELECT c.*, wanted.amount FROM wanted CROSS JOIN LATERAL (
            SELECT * FROM limit_counters c WHERE c.counter = wanted.counter AND c.subject = wanted.subject
            FOR NO KEY UPDATE) AS c
        WHERE (SELECT rows FROM known) = :expected
    ), judged AS MATERIALIZED (
        SELECT c.*, rules.*, {", ".join(_used(span) for span in Span)}
        FROM locked c JOIN rules ON rules.name = c.counter
    ), short AS MATERIALIZED (
        SELECT counter, subject FROM judged
        WHERE {" OR ".join(f"{span}_used + amount > {span}_allowed" for span in Span)}
    ), taken AS (
        INSERT INTO limit_counters (counter, subject, {", ".join(Span)}, touched_at)
        SELECT counter, subject, {", ".join(_entered(span) for span in Span)}, :now
        FROM judged WHERE NOT EXISTS (SELECT FROM short)
        ON CONFLICT (counter, subject) DO UPDATE
        SET {", ".join(f"{span} = excluded.{span}" for span in Span)}, touched_at = excluded.touched_at
    )
    SELECT (SELECT rows FROM known) AS known, short.counter, short.subject
    FROM (SELECT) AS once LEFT JOIN short ON true
    """  # noqa: S608 -- put together from names of columns and numbers of ours
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("expected", type_=BigInteger),
    *(bindparam(name, type_=TEXTS) for name in ("counters", "subjects", "names")),
    *(bindparam(name, type_=NUMBERS) for name in ("amounts", *_FACTS)),
)


async def take(
    session: AsyncSession, demands: Sequence[Demand], in_force: Mapping[str, Number], *, now: datetime
) -> list[Key]:
    """Take everything or nothing. Returns the counters and subjects that it does not fit in; their rows are locked."""
    amounts = {demand.key: demand.amount for demand in demands}
    order = counters.in_order(amounts)
    facts: dict[str, Any] = {
        "counters": [counter for counter, _ in order],
        "subjects": [subject for _, subject in order],
        "amounts": [amounts[key] for key in order],
        "expected": len(order),
        "now": now,
    } | _rules(sorted({counter for counter, _ in order}), in_force, now)
    while True:
        rows = (await session.execute(_TAKE, facts)).all()
        if rows[0].known == len(order):
            return [(row.counter, row.subject) for row in rows if row.counter is not None]
        await counters.make(session, order, now=now)


def _rules(names: Sequence[str], in_force: Mapping[str, Number], now: datetime) -> dict[str, Any]:
    """For each counter and window: where a use is entered, from where on uses count, and how much may be used."""
    columns: dict[str, list[int | None]] = {fact: [None] * len(names) for fact in _FACTS}
    for index, name in enumerate(names):
        for limit in COUNTERS[name].limits:
            number, window = in_force[limit.key], limit.window
            columns[f"{limit.span}_slot"][index] = placed(window, now)
            columns[f"{limit.span}_oldest"][index] = (window.slot_of(now) - window.slots) << COUNT_BITS
            columns[f"{limit.span}_allowed"][index] = None if number.is_lifted(now) else number.allowed
    return {"names": list(names)} | columns
