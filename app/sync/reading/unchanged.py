"""Who was read before exactly as now, and has not changed here since: staging and comparing would find nothing (F33).

A digest of the whole row is kept by the transaction that applies a completed run, and removed with any change of the
person (`models.org.ReadPerson`). What else decides about a row is the key of the digest: other departments, another
credential or other rules, and everybody is staged.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.sync import rules
from app.sync.reading.staging import PersonRow

SIZE = 16
SAME_BYTES = 2
"""The version of `marshal` whose bytes depend on the value alone."""

KNOWN = """
SELECT r.userid, r.digest FROM read_people r
JOIN person_userids u ON u.userid = r.userid AND u.person_id = r.person_id AND u.ended_at IS NULL
"""

# Whoever changed after the reading began was not compared.
REMEMBER = """
INSERT INTO read_people (userid, person_id, digest)
SELECT s.userid, p.id, s.digest
FROM staged_people s
JOIN person_userids u ON u.userid = s.userid AND u.ended_at IS NULL
JOIN people p ON p.id = u.person_id
WHERE s.run_id = :run_id AND s.digest <> '' AND (p.updated_at <= :as_of OR p.updated_at = :now)
ON CONFLICT (userid) DO UPDATE SET person_id = excluded.person_id, digest = excluded.digest
"""


def key_of(department_ids: Iterable[int], *, ids_complete: bool) -> bytes:
    """Of the run: what decides about every row beside the row itself."""
    decides = (sorted(department_ids), ids_complete, rules.transitions())
    return blake2b(repr(decides).encode(), digest_size=SIZE).digest()


def digest_of(row: PersonRow, key: bytes) -> bytes:
    """Of everything but the run and the id that a new person would get."""
    content = marshal.dumps((row[1:12], row[13:16]), SAME_BYTES)
    return blake2b(content, digest_size=SIZE, key=key).digest()


async def known_digests(session: AsyncSession) -> dict[str, bytes]:
    """By folded userid, in one fetch of the driver: there may be a hundred thousand."""
    connection = await session.connection()
    await connection.execute(text("SELECT 1"))
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    return dict(await driver.fetch(KNOWN))


async def remember(session: AsyncSession, *, run_id: UUID, as_of: datetime, now: datetime) -> None:
    """Keep what a completed run has read, in the transaction that has applied it."""
    await session.execute(text(REMEMBER), {"run_id": run_id, "as_of": as_of, "now": now})
