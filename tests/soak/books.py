"""Looking into the database from outside: what is under way, and whether the books agree."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg

from app.jobs.retry import MAX_ATTEMPTS
from tests.databases import dsn

Row = dict[str, Any]

# A held job with tries left is still under way: the database was away when its retry was due, and it is rescued.
_UNDER_WAY = """
SELECT (SELECT count(*) FROM pgqueuer
            WHERE status = 'picked' OR (status = 'queued' AND execute_after <= now())
               OR (status = 'failed' AND attempts + 1 < $1)) AS jobs,
       (SELECT count(*) FROM events WHERE position IS NULL) AS unplaced,
       (SELECT count(*) FROM received_events WHERE state IN ('pending', 'running')) AS events,
       (SELECT count(*) FROM timers WHERE parked_at IS NULL AND due_at <= now()) AS timers,
       (SELECT count(*) FROM outgoing_calls WHERE state IN ('ready', 'held', 'sending')) AS calls,
       (SELECT count(*) FROM deliveries WHERE state = 'held') AS held
"""

_WRONG = {
    "parked callbacks": "SELECT event_type || ': ' || last_error AS what FROM received_events WHERE state = 'parked'",
    "held jobs": "SELECT entrypoint || ' after ' || attempts || ' tries' AS what FROM pgqueuer WHERE status = 'failed'",
    "parked deadlines": "SELECT kind || ': ' || last_error AS what FROM timers WHERE parked_at IS NOT NULL",
    "calls that nobody makes": "SELECT purpose || ': ' || state AS what FROM outgoing_calls"
    " WHERE state IN ('ready', 'held', 'sending', 'unknown')",
    "messages whose recipients do not add up": "SELECT m.purpose AS what FROM messages m WHERE m.audience <>"
    " (SELECT count(*) FROM deliveries d WHERE d.message_id = m.id)",
    "recipients whose outcome is unknown": "SELECT reason AS what FROM deliveries WHERE state = 'unknown'",
    # Only a person's word, or that the recipient has left, ends something without its effect.
    "recipients written off": "SELECT reason AS what FROM deliveries WHERE state = 'failed'"
    " AND reason NOT IN ('left', 'superseded', 'resolved_failed')",
    "calls written off": "SELECT purpose || ': ' || hold_reason || ' ' || coalesce(error, '') AS what"
    " FROM outgoing_calls WHERE state = 'failed'"
    " AND hold_reason NOT IN ('left', 'superseded', 'resolved_failed', 'arrived_after_all', 'arrived_and_seen')"
    # A card may be put right in the moment in which its only holder leaves: the platform knows it before we do.
    " AND NOT (purpose = 'card.update' AND hold_reason = 'invalid_user' AND NOT EXISTS ("
    "  SELECT FROM json_array_elements_text(convert_from(request_body, 'UTF8')::json -> 'userids') AS named"
    "  JOIN person_userids u ON u.userid = lower(named) AND u.ended_at IS NULL"
    "  JOIN people p ON p.id = u.person_id AND p.status NOT IN ('left', 'disabled')))",
    "requests that were approved and failed": "SELECT kind || ': ' || coalesce(outcome_detail, '') AS what"
    " FROM requests WHERE outcome = 'failed'",
    "decisions taken twice": "SELECT step_id || ' by ' || person_id AS what FROM decisions"
    " GROUP BY step_id, person_id HAVING count(*) > 1",
}


class Books:
    """One short connection for each look: the server may have been killed since the last."""

    def __init__(self, url: str) -> None:
        self._dsn = dsn(url)

    async def rows(self, statement: str, *values: object) -> list[Row]:
        """Asks until the server answers."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return await self._ask(statement, values)
            await asyncio.sleep(0.5)

    async def _ask(self, statement: str, values: tuple[object, ...]) -> list[Row]:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            return [dict(row) for row in await connection.fetch(statement, *values)]
        finally:
            connection.terminate()

    async def body_of(self, call_id: str) -> str:
        rows = await self.rows("SELECT request_body FROM outgoing_calls WHERE id = $1::uuid", call_id)
        return bytes(rows[0]["request_body"]).decode()

    async def under_way(self) -> Row:
        (row,) = await self.rows(_UNDER_WAY, MAX_ATTEMPTS)
        return {name: count for name, count in row.items() if count}

    async def wrongs(self) -> list[str]:
        """What must not be there when all is quiet."""
        found = []
        for title, statement in _WRONG.items():
            if rows := await self.rows(statement):
                found.append(f"{title}: " + "; ".join(sorted({str(row["what"]) for row in rows})))
        return found

    async def stored_events(self) -> set[bytes]:
        return {bytes(row["body"]) for row in await self.rows("SELECT body FROM received_events")}
