"""What differs between the rows a reading has staged and the organisation we have, in one statement per kind.

The differences go to temporary tables of the transaction; nothing else is written here. Rows that do not differ are
never touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.org import rules as org_rules
from app.policy.sections.org import LossBudget
from app.sync import rules
from app.sync.changes.loss_budget import BudgetDecision, LossCount, Losses, beyond_budget
from app.sync.changes.new_and_returned_people import NEW_PEOPLE
from app.sync.changes.report import Counts, NamedChange, NamedChanges, OwnerToFollow, ReleaseEffect
from models.org import PersonStatus

ORG_LOCK = 0x0126
"""Advisory lock: only one transaction at a time changes the organisation."""


@dataclass(frozen=True)
class Scope:
    """Which rows are compared, and what their absence means."""

    run_id: UUID
    as_of: datetime
    """When the reading began. What a hint has changed since then is newer than the reading, and is left alone."""
    ids_complete: bool = False
    """Every id in the corp was read: a person who is not among them is missing, which counts as a loss (P6)."""
    departments_complete: bool = False
    missing_limit: int = 2
    userids: list[str] | None = None
    """Only these people (folded), when one object was read because of a hint."""
    department_ids: list[int] | None = None
    unchanged: list[str] = field(default_factory=list)
    """People (folded) who were read as before and are not staged: there, and without a difference."""

    def parameters(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "as_of": self.as_of,
            "ids_complete": self.ids_complete,
            "departments_complete": self.departments_complete,
            "missing_limit": self.missing_limit,
            "userids": self.userids,
            "department_ids": self.department_ids,
            "is_hint": self.userids is not None,
            "unchanged": self.unchanged,
        }


@dataclass(frozen=True)
class Comparison:
    counts: Counts = field(default_factory=Counts)
    losses: Losses = field(default_factory=lambda: Losses(LossCount(0, 0), LossCount(0, 0), LossCount(0, 0)))
    decision: BudgetDecision = field(default_factory=lambda: BudgetDecision(False, False, False))

    @property
    def is_empty(self) -> bool:
        return not (self.counts.people or self.counts.departments or self.counts.memberships)


TABLES = (
    """
    CREATE TEMP TABLE IF NOT EXISTS sync_unchanged (userid text COLLATE "C" PRIMARY KEY) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS sync_people (
      person_id uuid PRIMARY KEY, userid text COLLATE "C", shown text, is_new boolean, old_status text, new_status text,
      word text, loss text, name text, alias text, position text, main_department_id bigint,
      direct_leader_userids text[], extra jsonb, details_known boolean, missing_runs integer, department_ids bigint[]
    ) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS sync_memberships (
      membership_id bigint, person_id uuid, department_id bigint, sort_order bigint, is_leader boolean, word text
    ) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS sync_departments (
      id bigint PRIMARY KEY, word text, is_loss boolean, parent_id bigint, name text, sort_order bigint,
      leader_userids text[], missing_runs integer
    ) ON COMMIT DELETE ROWS
    """,
)


SEEN_PEOPLE = """
INSERT INTO sync_people
SELECT p.id, u.userid, s.shown, false, p.status, tr.new, tr.word,
       CASE WHEN tr.new <> p.status AND tr.new = ANY(CAST(:losses AS text[])) THEN tr.new
            WHEN unplaced.yes THEN :unplaced END,
       CASE WHEN s.details_known THEN s.name ELSE p.name END,
       CASE WHEN s.details_known THEN s.alias ELSE p.alias END,
       CASE WHEN s.details_known THEN s.position ELSE p.position END,
       CASE WHEN s.details_known THEN s.main_department_id ELSE p.main_department_id END,
       CASE WHEN s.details_known THEN s.direct_leader_userids ELSE p.direct_leader_userids END,
       CASE WHEN s.details_known THEN s.extra ELSE p.extra END,
       CASE WHEN s.details_known THEN true WHEN s.visible THEN p.details_known ELSE false END,
       0, s.department_ids
FROM staged_people s
JOIN person_userids u ON u.userid = s.userid AND u.ended_at IS NULL
JOIN people p ON p.id = u.person_id
LEFT JOIN unnest(CAST(:told_numbers AS bigint[]), CAST(:told_statuses AS text[])) AS t(number, status)
  ON t.number = s.status AND s.details_known
JOIN unnest(CAST(:tr_old AS text[]), CAST(:tr_told AS text[]), CAST(:tr_visible AS boolean[]),
            CAST(:tr_known AS boolean[]), CAST(:tr_new AS text[]), CAST(:tr_word AS text[]))
     AS tr(old, told, visible, known, new, word)
  ON tr.old = p.status AND tr.told = coalesce(t.status, '') AND tr.visible = s.visible AND tr.known = p.details_known
CROSS JOIN LATERAL (
  SELECT :ids_complete AND cardinality(s.department_ids) = 0
     AND EXISTS (SELECT FROM memberships m WHERE m.person_id = p.id AND m.ended_at IS NULL) AS yes
) unplaced
WHERE s.run_id = :run_id AND p.updated_at <= :as_of
  AND (tr.new <> p.status OR p.missing_runs <> 0 OR u.shown <> s.shown OR unplaced.yes
       OR s.details_known AND (NOT p.details_known
          OR (p.name, p.alias, p.position, p.main_department_id, p.direct_leader_userids, p.extra) IS DISTINCT FROM
             (s.name, s.alias, s.position, s.main_department_id, s.direct_leader_userids, s.extra))
       OR NOT s.details_known AND NOT s.visible AND p.details_known)
"""

ABSENT_PEOPLE = """
INSERT INTO sync_people
SELECT p.id, u.userid, u.shown, false, p.status, after.status, after.status,
       CASE WHEN after.status <> p.status THEN after.status END,
       p.name, p.alias, p.position, p.main_department_id, p.direct_leader_userids, p.extra,
       p.details_known, p.missing_runs + 1, '{}'
FROM person_userids u
JOIN people p ON p.id = u.person_id
CROSS JOIN LATERAL (
  SELECT CASE WHEN p.missing_runs + 1 >= :missing_limit THEN 'left' ELSE 'missing' END AS status
) after
WHERE u.ended_at IS NULL AND p.updated_at <= :as_of
  AND (CAST(:userids AS text[]) IS NULL OR u.userid = ANY(CAST(:userids AS text[])))
  AND NOT EXISTS (SELECT FROM staged_people s WHERE s.run_id = :run_id AND s.userid = u.userid)
  AND NOT EXISTS (SELECT FROM sync_unchanged s WHERE s.userid = u.userid)
"""

UNCHANGED = "INSERT INTO sync_unchanged SELECT unnest(CAST(:unchanged AS text[]))"

MEMBERSHIPS = """
INSERT INTO sync_memberships
WITH scope AS (
  SELECT u.person_id, s.department_ids, s.sort_orders, s.leader_flags
  FROM staged_people s
  JOIN person_userids u ON u.userid = s.userid AND u.ended_at IS NULL
  JOIN people p ON p.id = u.person_id
  WHERE s.run_id = :run_id AND p.updated_at <= :as_of
    AND NOT EXISTS (SELECT FROM sync_people c WHERE c.person_id = p.id AND c.new_status = 'left')
  UNION ALL
  SELECT c.person_id, s.department_ids, s.sort_orders, s.leader_flags
  FROM sync_people c JOIN staged_people s ON s.run_id = :run_id AND s.userid = c.userid
  WHERE c.is_new
), wanted AS (
  SELECT scope.person_id, m.department_id, nullif(m.sort_order, -1) AS sort_order, nullif(m.flag, -1) = 1 AS is_leader
  FROM scope CROSS JOIN LATERAL unnest(scope.department_ids, scope.sort_orders, scope.leader_flags)
    AS m(department_id, sort_order, flag)
), standing AS (
  SELECT m.* FROM memberships m JOIN scope ON scope.person_id = m.person_id WHERE m.ended_at IS NULL
)
SELECT m.id, coalesce(w.person_id, m.person_id), coalesce(w.department_id, m.department_id),
       coalesce(w.sort_order, m.sort_order, 0), coalesce(w.is_leader, m.is_leader, false),
       CASE WHEN m.id IS NULL THEN 'joined' WHEN w.person_id IS NULL THEN 'ended' ELSE 'updated' END
FROM wanted w FULL JOIN standing m ON m.person_id = w.person_id AND m.department_id = w.department_id
WHERE m.id IS NULL
   OR w.person_id IS NULL AND (
        :ids_complete
        OR EXISTS (SELECT FROM staged_departments d WHERE d.run_id = :run_id AND d.id = m.department_id)
        -- One person was read through the app, which tells only the departments it sees: those have a name.
        OR :is_hint AND EXISTS (SELECT FROM departments d WHERE d.id = m.department_id AND d.name <> ''))
   OR w.person_id IS NOT NULL AND (m.sort_order <> coalesce(w.sort_order, m.sort_order)
                                   OR m.is_leader <> coalesce(w.is_leader, m.is_leader))
"""

SEEN_DEPARTMENTS = """
INSERT INTO sync_departments
SELECT s.id,
       CASE WHEN d.id IS NULL THEN 'created' WHEN d.ended_at IS NOT NULL THEN 'restored'
            WHEN d.missing_runs > 0 THEN 'returned' WHEN d.parent_id IS DISTINCT FROM s.parent_id THEN 'moved'
            WHEN d.name <> coalesce(s.name, d.name) THEN 'renamed' ELSE 'updated' END,
       false, s.parent_id, coalesce(s.name, d.name, ''), s.sort_order,
       coalesce(s.leader_userids, d.leader_userids, '{}'), 0
FROM staged_departments s LEFT JOIN departments d ON d.id = s.id
WHERE s.run_id = :run_id
  AND (d.id IS NULL OR d.updated_at <= :as_of AND (
        d.ended_at IS NOT NULL OR d.missing_runs <> 0
        OR (d.parent_id, d.name, d.sort_order, d.leader_userids) IS DISTINCT FROM
           (s.parent_id, coalesce(s.name, d.name), s.sort_order, coalesce(s.leader_userids, d.leader_userids))))
"""

ABSENT_DEPARTMENTS = """
INSERT INTO sync_departments
SELECT d.id, CASE WHEN d.missing_runs + 1 >= :missing_limit THEN 'ended' ELSE 'missing' END,
       d.missing_runs + 1 >= :missing_limit, d.parent_id, d.name, d.sort_order, d.leader_userids, d.missing_runs + 1
FROM departments d
WHERE d.ended_at IS NULL AND d.updated_at <= :as_of
  AND (CAST(:department_ids AS bigint[]) IS NULL OR d.id = ANY(CAST(:department_ids AS bigint[])))
  AND NOT EXISTS (SELECT FROM staged_departments s WHERE s.run_id = :run_id AND s.id = d.id)
"""

COUNTS = """
SELECT 'people' AS kind, word, count(*) FROM sync_people GROUP BY word
UNION ALL SELECT 'departments', word, count(*) FROM sync_departments GROUP BY word
UNION ALL SELECT 'memberships', word, count(*) FROM sync_memberships GROUP BY word
"""

LOSSES = """
SELECT (SELECT count(*) FROM sync_people WHERE loss IS NOT NULL),
       (SELECT count(*) FROM people WHERE status = ANY(CAST(:employed AS text[]))),
       (SELECT count(*) FROM sync_departments WHERE is_loss),
       (SELECT count(*) FROM departments WHERE ended_at IS NULL),
       (SELECT count(*) FROM group_members g JOIN sync_people c ON c.person_id = g.person_id
         WHERE c.loss IS NOT NULL AND g.desired AND g.ended_at IS NULL),
       (SELECT count(*) FROM group_members g WHERE g.desired AND g.ended_at IS NULL),
       (SELECT count(*) FROM sync_people WHERE loss = :invisible AND old_status = ANY(CAST(:in_sight AS text[]))),
       (SELECT count(*) FROM people WHERE status = ANY(CAST(:in_sight AS text[])))
"""


def _rule_parameters() -> dict[str, Any]:
    """The rules as arrays that the statements join."""
    cases = rules.transitions()
    return {
        "told_numbers": list(org_rules.STATUS_BY_NUMBER),
        "told_statuses": [status.value for status in org_rules.STATUS_BY_NUMBER.values()],
        "losses": [status.value for status in rules.LOSSES],
        "unplaced": rules.UNPLACED,
        "tr_old": [case[0].value for case in cases],
        "tr_told": [case[1].value if case[1] else "" for case in cases],
        "tr_visible": [case[2] for case in cases],
        "tr_known": [case[3] for case in cases],
        "tr_new": [case[4].value for case in cases],
        "tr_word": [case[5] for case in cases],
    }


async def compare(
    session: AsyncSession, scope: Scope, budget: LossBudget, *, earlier: Losses | None = None
) -> Comparison:
    """Fill the temporary tables and decide about the losses. The lock is kept to the end of the transaction.

    `earlier` are losses already taken in the same window, so that many small ones cannot evade the budget.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ORG_LOCK})
    for table in TABLES:
        await session.execute(text(table))
    await session.execute(text("TRUNCATE sync_people, sync_memberships, sync_departments, sync_unchanged"))
    await _fill(session, scope)
    losses = await count_losses(session, earlier=earlier)
    return Comparison(counts=await count_changes(session), losses=losses, decision=beyond_budget(losses, budget))


async def _fill(session: AsyncSession, scope: Scope) -> None:
    if scope.userids is None:
        # Freshly copied rows have no statistics; without them the planner joins in nested loops, for minutes.
        await session.execute(text("ANALYZE staged_people, staged_departments"))
    statements = [NEW_PEOPLE, SEEN_PEOPLE, SEEN_DEPARTMENTS]
    if scope.ids_complete:
        statements.append(ABSENT_PEOPLE)
    if scope.departments_complete:
        statements.append(ABSENT_DEPARTMENTS)
    parameters = scope.parameters() | _rule_parameters()
    if scope.unchanged:
        await _run(session, UNCHANGED, parameters)
        await session.execute(text("ANALYZE sync_unchanged"))
    for statement in statements:
        await _run(session, statement, parameters)
    await session.execute(text("ANALYZE sync_people"))
    await _run(session, MEMBERSHIPS, parameters)


async def _run(session: AsyncSession, statement: str, parameters: dict[str, Any]) -> None:
    clause = text(statement)
    names = clause.compile().params.keys()
    await session.execute(clause, {name: parameters[name] for name in names})


async def count_changes(session: AsyncSession) -> Counts:
    counts: dict[str, dict[str, int]] = {"people": {}, "departments": {}, "memberships": {}}
    for kind, word, number in await session.execute(text(COUNTS)):
        counts[kind][word] = number
    return Counts(people=counts["people"], departments=counts["departments"], memberships=counts["memberships"])


async def count_losses(session: AsyncSession, *, earlier: Losses | None = None) -> Losses:
    parameters = {
        "employed": [status.value for status in org_rules.EMPLOYED],
        "in_sight": [status.value for status in rules.IN_SIGHT],
        "invisible": org_rules.OUT_OF_SIGHT.value,
    }
    row = (await session.execute(text(LOSSES), parameters)).one()
    before = earlier or Losses(LossCount(0, 0), LossCount(0, 0), LossCount(0, 0))
    return Losses(
        people=_sum(before.people, row[0], row[1]),
        departments=_sum(before.departments, row[2], row[3]),
        group_places=_sum(before.group_places, row[4], row[5]),
        sight=_sum(before.sight, row[6], row[7]),
    )


def _sum(earlier: LossCount, lost: int, total: int) -> LossCount:
    """Count earlier losses on both sides, as if they had not been applied yet. Without a new loss none counts."""
    if lost == 0:
        return LossCount(0, total)
    return LossCount(earlier.lost + lost, earlier.lost + total)


async def list_changes(session: AsyncSession, *, limit: int, losses_only: bool = False) -> NamedChanges:
    """The changed people and departments, with names (F27)."""
    people = text(
        "SELECT shown, name, CASE WHEN loss = :unplaced THEN loss ELSE word END FROM sync_people "
        "WHERE loss IS NOT NULL OR NOT :losses_only ORDER BY loss IS NULL, word, userid LIMIT :limit"
    )
    departments = text(
        "SELECT id::text, name, word FROM sync_departments WHERE is_loss OR NOT :losses_only "
        "ORDER BY word, id LIMIT :limit"
    )
    parameters = {"losses_only": losses_only, "limit": limit}
    people_rows = await session.execute(people, parameters | {"unplaced": rules.UNPLACED})
    department_rows = await session.execute(departments, parameters)
    return NamedChanges(
        people=[NamedChange(id=row[0], name=row[1], change=row[2]) for row in people_rows],
        departments=[NamedChange(id=row[0], name=row[1], change=row[2]) for row in department_rows],
    )


async def drop_losses(session: AsyncSession, decision: BudgetDecision) -> None:
    """Remove the losses beyond the budget from what will be applied. Those rows stay exactly as they are."""
    if decision.holds_people:
        await session.execute(
            text(
                "DELETE FROM sync_memberships m USING sync_people c "
                "WHERE c.person_id = m.person_id AND c.loss IS NOT NULL"
            )
        )
        await session.execute(text("DELETE FROM sync_people WHERE loss IS NOT NULL"))
    if decision.departments:
        await session.execute(text("DELETE FROM sync_departments WHERE is_loss"))


_GONE_ON_RELEASE = [status.value for status in (*org_rules.GONE, PersonStatus.MISSING)]

DEPARTURES_ON_RELEASE = """
SELECT shown, name, new_status FROM sync_people WHERE loss = ANY(CAST(:gone AS text[])) ORDER BY new_status, userid
"""

PLACES_ON_RELEASE = """
SELECT count(*) FROM group_members g JOIN sync_people c ON c.person_id = g.person_id
WHERE c.loss = ANY(CAST(:gone AS text[])) AND g.desired AND g.ended_at IS NULL
"""

OWNERS_ON_RELEASE = """
SELECT g.id::text, g.desired_name, c.name FROM groups g JOIN sync_people c ON c.person_id = g.desired_owner_id
WHERE c.loss = ANY(CAST(:gone AS text[])) AND g.state = 'active' ORDER BY g.desired_name, g.id LIMIT :limit
"""


async def release_effect(session: AsyncSession, *, limit: int) -> ReleaseEffect:
    """Of at most `limit` names each. Whoever is missing counts as gone: a person's word needs no second reading."""
    gone = {"gone": _GONE_ON_RELEASE}
    departures = (await session.execute(text(DEPARTURES_ON_RELEASE), gone)).all()
    owners = await session.execute(text(OWNERS_ON_RELEASE), gone | {"limit": limit})
    return ReleaseEffect(
        departures=[NamedChange(id=row[0], name=row[1], change=row[2]) for row in departures[:limit]],
        missing=sum(row[2] == PersonStatus.MISSING for row in departures),
        group_places=(await session.execute(text(PLACES_ON_RELEASE), gone)).scalar_one(),
        owners=[OwnerToFollow(group_id=row[0], group=row[1], owner=row[2]) for row in owners],
    )
