"""Writes what `compare` found, as sets, in the same transaction: each difference and a row about it (F31)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.events.service import Happening, catalogue, publish, publish_many
from app.observability import current_correlation_id
from app.org.rules import GONE
from app.org.service import DEPARTMENTS_READ_AGAIN, PEOPLE_READ_AGAIN
from app.policy import service as policies
from app.sync.changes.new_and_returned_people import open_reviews

# Recorded before the rows change, because the old values are read from them.
RECORD_NEW_PEOPLE = """
INSERT INTO org_changes (run_id, object_kind, object_id, change, before, after, at, correlation_id)
SELECT :run_id, 'person', person_id::text, word, NULL,
       jsonb_build_object('userid', shown, 'name', name, 'status', new_status, 'position', position,
                          'main_department_id', main_department_id, 'department_ids', to_jsonb(department_ids)),
       :now, :correlation_id
FROM sync_people WHERE is_new
"""

RECORD_PEOPLE = """
INSERT INTO org_changes (run_id, object_kind, object_id, change, before, after, at, correlation_id)
SELECT :run_id, 'person', c.person_id::text, c.word,
       (SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(old.doc) o WHERE new.doc -> o.key <> o.value),
       (SELECT jsonb_object_agg(n.key, n.value) FROM jsonb_each(new.doc) n WHERE old.doc -> n.key <> n.value),
       :now, :correlation_id
FROM sync_people c
JOIN people p ON p.id = c.person_id
JOIN person_userids u ON u.person_id = p.id AND u.userid = c.userid AND u.ended_at IS NULL
CROSS JOIN LATERAL (SELECT jsonb_build_object(
  'userid', u.shown, 'name', p.name, 'alias', p.alias, 'status', p.status, 'position', p.position,
  'main_department_id', p.main_department_id, 'direct_leader_userids', to_jsonb(p.direct_leader_userids),
  'extra', p.extra, 'details_known', p.details_known, 'missing_runs', p.missing_runs) AS doc) old
CROSS JOIN LATERAL (SELECT jsonb_build_object(
  'userid', c.shown, 'name', c.name, 'alias', c.alias, 'status', c.new_status, 'position', c.position,
  'main_department_id', c.main_department_id, 'direct_leader_userids', to_jsonb(c.direct_leader_userids),
  'extra', c.extra, 'details_known', c.details_known, 'missing_runs', c.missing_runs) AS doc) new
WHERE NOT c.is_new
"""

# Behind the names that are spelled, until the worker spells this one too (`app.org.search`).
INSERT_PEOPLE = """
INSERT INTO people (id, name, name_key, alias, position, status, main_department_id, direct_leader_userids, extra,
                    details_known, missing_runs, first_seen_at, updated_at)
SELECT person_id, name, '~' || chr(10) || name, alias, position, new_status, main_department_id,
       direct_leader_userids, extra, details_known, 0, :now, :now
FROM sync_people WHERE is_new
"""

INSERT_USERIDS = """
INSERT INTO person_userids (person_id, userid, shown, started_at)
SELECT person_id, userid, shown, :now FROM sync_people WHERE is_new
"""


UPDATE_PEOPLE = """
UPDATE people p
SET name = c.name, alias = c.alias, position = c.position, status = c.new_status,
    main_department_id = c.main_department_id, direct_leader_userids = c.direct_leader_userids, extra = c.extra,
    details_known = c.details_known, missing_runs = c.missing_runs, updated_at = :now,
    ended_at = CASE WHEN c.new_status = 'left' THEN CAST(:now AS timestamptz) END
FROM sync_people c WHERE p.id = c.person_id AND NOT c.is_new
"""

UPDATE_SHOWN = """
UPDATE person_userids u SET shown = c.shown
FROM sync_people c
WHERE u.person_id = c.person_id AND u.userid = c.userid AND u.ended_at IS NULL AND NOT c.is_new AND u.shown <> c.shown
"""

END_USERIDS = """
UPDATE person_userids u SET ended_at = :now
FROM sync_people c WHERE u.person_id = c.person_id AND u.ended_at IS NULL AND c.new_status = 'left'
"""

END_MEMBERSHIPS_OF_LEAVERS = """
UPDATE memberships m SET ended_at = :now
FROM sync_people c WHERE m.person_id = c.person_id AND m.ended_at IS NULL AND c.new_status = 'left'
"""

RECORD_MEMBERSHIPS = """
INSERT INTO org_changes (run_id, object_kind, object_id, change, before, after, at, correlation_id)
SELECT :run_id, 'membership', d.person_id::text, d.word,
       CASE WHEN m.id IS NOT NULL THEN jsonb_build_object(
         'department_id', m.department_id, 'sort_order', m.sort_order, 'is_leader', m.is_leader) END,
       CASE WHEN d.word <> 'ended' THEN jsonb_build_object(
         'department_id', d.department_id, 'sort_order', d.sort_order, 'is_leader', d.is_leader) END,
       :now, :correlation_id
FROM sync_memberships d
LEFT JOIN memberships m ON m.id = d.membership_id
-- The first departments of a new person stand in the row about the person.
WHERE NOT EXISTS (SELECT FROM sync_people c WHERE c.person_id = d.person_id AND c.is_new)
"""

END_MEMBERSHIPS = """
UPDATE memberships m SET ended_at = :now FROM sync_memberships d WHERE m.id = d.membership_id AND d.word = 'ended'
"""

UPDATE_MEMBERSHIPS = """
UPDATE memberships m SET sort_order = d.sort_order, is_leader = d.is_leader
FROM sync_memberships d WHERE m.id = d.membership_id AND d.word = 'updated'
"""

INSERT_MEMBERSHIPS = """
INSERT INTO memberships (person_id, department_id, sort_order, is_leader, started_at)
SELECT person_id, department_id, sort_order, is_leader, :now FROM sync_memberships WHERE word = 'joined'
"""

RECORD_DEPARTMENTS = """
INSERT INTO org_changes (run_id, object_kind, object_id, change, before, after, at, correlation_id)
SELECT :run_id, 'department', c.id::text, c.word,
       CASE WHEN d.id IS NOT NULL THEN jsonb_build_object(
         'name', d.name, 'parent_id', d.parent_id, 'sort_order', d.sort_order,
         'leader_userids', to_jsonb(d.leader_userids)) END,
       jsonb_build_object('name', c.name, 'parent_id', c.parent_id, 'sort_order', c.sort_order,
                          'leader_userids', to_jsonb(c.leader_userids)),
       :now, :correlation_id
FROM sync_departments c LEFT JOIN departments d ON d.id = c.id
"""

WRITE_DEPARTMENTS = """
INSERT INTO departments AS d (id, parent_id, name, name_key, sort_order, leader_userids, missing_runs, updated_at,
                              ended_at)
SELECT id, parent_id, name, '~' || chr(10) || name, sort_order, leader_userids, missing_runs, :now,
       CASE WHEN is_loss THEN CAST(:now AS timestamptz) END
FROM sync_departments
ON CONFLICT (id) DO UPDATE
SET parent_id = excluded.parent_id, name = excluded.name, sort_order = excluded.sort_order,
    leader_userids = excluded.leader_userids, missing_runs = excluded.missing_runs, updated_at = excluded.updated_at,
    ended_at = excluded.ended_at
"""

DEPARTED = """
SELECT person_id, new_status FROM sync_people
WHERE NOT is_new AND new_status <> old_status AND new_status = ANY(CAST(:departures AS text[]))
ORDER BY person_id
"""

READ_AGAIN = """
SELECT (SELECT count(*) FROM sync_people WHERE word = ANY(CAST(:people AS text[]))),
       (SELECT count(*) FROM sync_departments WHERE word = ANY(CAST(:departments AS text[])))
"""

STATEMENTS_BEFORE_REVIEW = (RECORD_NEW_PEOPLE, RECORD_PEOPLE, RECORD_MEMBERSHIPS, INSERT_PEOPLE)
STATEMENTS_AFTER_REVIEW = (
    INSERT_USERIDS,
    UPDATE_PEOPLE,
    UPDATE_SHOWN,
    END_USERIDS,
    END_MEMBERSHIPS_OF_LEAVERS,
    END_MEMBERSHIPS,
    UPDATE_MEMBERSHIPS,
    INSERT_MEMBERSHIPS,
    RECORD_DEPARTMENTS,
    WRITE_DEPARTMENTS,
)


MANY = 1_000
"""Changed people after which the statistics are out of date; autovacuum comes a minute later, the next run sooner."""


async def apply(session: AsyncSession, *, run_id: UUID, now: datetime) -> None:
    """Write the differences that stand in the temporary tables, and publish who has departed and who was read again."""
    parameters = {"run_id": run_id, "now": now, "correlation_id": current_correlation_id()}
    for statement in STATEMENTS_BEFORE_REVIEW:
        await _run(session, statement, parameters)
    await open_reviews(session, now=now)
    for statement in STATEMENTS_AFTER_REVIEW:
        await _run(session, statement, parameters)
    await _publish_departures(session, now=now)
    await _publish_read_again(session, run_id=run_id, now=now)
    if (await session.scalars(text("SELECT count(*) FROM sync_people"))).one() > MANY:
        await session.execute(text("ANALYZE people, person_userids, memberships, departments"))


async def _run(session: AsyncSession, statement: str, parameters: dict[str, Any]) -> None:
    clause = text(statement)
    await session.execute(clause, {name: parameters[name] for name in clause.compile().params})


async def _publish_departures(session: AsyncSession, *, now: datetime) -> None:
    departures = [status.value for status in GONE]
    rows = (await session.execute(text(DEPARTED), {"departures": departures})).all()
    if not rows:
        return
    why = Why(SYSTEM, "member.departure", (await policies.in_force(session, now=now)).id)
    departed = [Happening(catalogue.PersonDeparted(person_id=person_id, why=how), why) for person_id, how in rows]
    await publish_many(session, departed, now=now)


async def _publish_read_again(session: AsyncSession, *, run_id: UUID, now: datetime) -> None:
    """What failed because a reading had left them out is tried again at once: one event for all of them."""
    words = {"people": list(PEOPLE_READ_AGAIN), "departments": list(DEPARTMENTS_READ_AGAIN)}
    people, departments = (await session.execute(text(READ_AGAIN), words)).one()
    if people or departments:
        happened = catalogue.PeopleReadAgain(sync_run_id=run_id, people=people, departments=departments)
        await publish(session, happened, Why(SYSTEM), now=now)
