"""A large company in the database, by statements over series: people, groups, announcements, requests and tasks.

What has documents in it (a request, a task, an announcement) is made once by the service, and its rows are multiplied
under other ids: pages read what the service writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final
from uuid import UUID

import httpx

from app.access.service import new_token
from app.access.sign_in.tokens import hashed
from app.org.search.spelling import sorting_key, spellings
from bench.stage import API_KEY, Failed, Process, Stage, connection
from models.ids import APP, new_id

PEOPLE: Final = 100_000
DEPARTMENTS: Final = 2_000
GROUPS: Final = 10_000
REQUESTS: Final = 10_000
WAITING: Final = 2_000
"""Requests that wait for one head."""
TASKS: Final = 10_000
SMALL_ANNOUNCEMENTS: Final = 400

HEAD, ADMINISTRATOR, EMPLOYEE = 1, 2, 3
"""Numbers of people: who leads the root and so sees all departments, who sees everything, and one of many."""

SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN: Final = ("伟", "芳", "娜", "敏", "静", "建国", "秀英", "丽华", "志强", "晓东", "欣怡", "子涵", "宇轩", "海燕")

Sql = Any

_HELPERS: Final = """
CREATE FUNCTION pg_temp.id_of(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (substr(md5(kind), 1, 8) || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.spread(number bigint, among bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT 1 + (number * 7919) % among
$$;
"""

_DEPARTMENTS: Final = """
INSERT INTO departments (id, parent_id, name, sort_order, leader_userids, missing_runs, updated_at)
SELECT i, CASE WHEN i = 1 THEN NULL WHEN i <= 21 THEN 1 WHEN i <= 421 THEN 2 + i % 20 ELSE 22 + i % 400 END,
    '部门' || i, i, CASE WHEN i = 1 THEN ARRAY['p1'] ELSE ARRAY['p' || (i + 10)] END, 0, $2
FROM generate_series(1, $1::bigint) i
"""

_PEOPLE: Final = (
    """
INSERT INTO people (id, name, alias, position, status, main_department_id, direct_leader_userids, details_known,
    missing_runs, first_seen_at, updated_at)
SELECT pg_temp.id_of('person', i), ($4::text[])[1 + i % cardinality($4::text[])], '', '专员', 'active',
    CASE WHEN i = 1 THEN 1 ELSE 1 + i % $2 END, '{}', true, 0, $3, $3
FROM generate_series(1, $1::bigint) i
""",
    """
INSERT INTO person_userids (person_id, userid, shown, started_at)
SELECT pg_temp.id_of('person', i), 'p' || i, 'p' || i, $2 FROM generate_series(1, $1::bigint) i
""",
    """
INSERT INTO memberships (person_id, department_id, sort_order, is_leader, started_at)
SELECT id, main_department_id, 0, main_department_id = 1 AND id = pg_temp.id_of('person', 1), $1 FROM people
""",
)

_SPELLINGS: Final = """
INSERT INTO {table} ({owner}, number, place, name, pinyin, initials, source)
SELECT owned.id, given.number, given.place, given.name, given.pinyin, given.initials, given.source
FROM {owners} owned JOIN unnest($1::text[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS given (owner, number, place, name, pinyin, initials, source) ON given.owner = owned.name
"""

_KEYS: Final = """
UPDATE {owners} owned SET name_key = given.name_key FROM unnest($1::text[], $2::text[]) AS given (name, name_key)
WHERE given.name = owned.name
"""

_GROUPS: Final = """
INSERT INTO groups (id, app_id, chatid, group_type, purpose, confidentiality, department_id, desired_name,
    observed_name, desired_owner_id, observed_owner_userid, charter, charter_version, state, policy_version_id,
    rule_key, correlation_id, registered_at, created_at, observed_at, updated_at)
SELECT pg_temp.id_of('group', i), $2, 'bench' || i, 'project', '日常协作', 'open', 1 + i % $3::bigint, '项目群' || i,
    '项目群' || i, pg_temp.id_of('person', pg_temp.spread(i * 10, $4::bigint)),
    'p' || pg_temp.spread(i * 10, $4::bigint), '群规', 1, 'active', $5, 'group.create', 'bench', $6, $6, $6,
    $6::timestamptz - i * interval '1 minute'
FROM generate_series(1, $1::bigint) i
"""

_MEMBERS: Final = """
INSERT INTO group_members (group_id, person_id, desired, observed, reason, desired_since, first_seen_at)
SELECT DISTINCT pg_temp.id_of('group', i), pg_temp.id_of('person', pg_temp.spread(i * 10 + place, $2::bigint)), true,
    true, 'creation', $3::timestamptz, $3::timestamptz
FROM generate_series(1, $1::bigint) i, generate_series(0, 9) place
"""

_FINDINGS: Final = """
INSERT INTO group_findings (id, group_id, kind, subject_userid, person_id, state, details, policy_version_id, rule_key,
    correlation_id, actor, first_seen_at)
SELECT pg_temp.id_of('finding', i), pg_temp.id_of('group', i), 'unapproved_leave', 'p' || i,
    pg_temp.id_of('person', i), 'open', '{}', $2, 'member.unapproved_leave', 'bench', 'system:reconcile', $3
FROM generate_series(1, $1::bigint) i
"""

_TAG: Final = """
INSERT INTO tags (id, name, department_ids, userids, updated_at) VALUES (1, 'HR', '{}', ARRAY['p4', 'p5'], $1)
"""
"""Who decides for personnel."""

_GRANT: Final = """
INSERT INTO access_grants (id, person_id, bundle, reach, place, reason, granted_by, granted_at)
VALUES ($1, pg_temp.id_of('person', $2::bigint), 'administrator', 'company', '', '管理', 'operator:bench', $3)
"""

_SESSION: Final = """
INSERT INTO person_sessions (id, token_hash, person_id, way, browser, started_at, seen_at, ends_at)
VALUES ($1, $2, pg_temp.id_of('person', $3::bigint), 'desktop', 'Chrome', $4, $4, $5)
"""

_COPY: Final = """
INSERT INTO {table} SELECT made.* FROM generate_series(1, $1::bigint) i
CROSS JOIN {table} one
CROSS JOIN LATERAL jsonb_populate_record(one, jsonb_build_object({changes})) made WHERE one.id = $2
"""
"""One row under other ids, with other values."""

_REQUEST: Final = """
'id', pg_temp.id_of('request', i), 'number', 100000 + i, 'subject_key', 'bench ' || i,
'requester_id', pg_temp.id_of('person', pg_temp.spread(i, $3::bigint)),
'group_id', pg_temp.id_of('group', pg_temp.spread(i, $4::bigint)), 'correlation_id', 'request-' || i,
'state', CASE WHEN i <= $5::bigint THEN 'pending' WHEN i % 3 = 0 THEN 'rejected' ELSE 'approved' END,
'outcome', CASE WHEN i > $5::bigint AND i % 300 = 1 THEN 'failed' ELSE 'none' END,
'submitted_at', $6::timestamptz - i * interval '10 minutes', 'updated_at', $6::timestamptz - i * interval '5 minutes'
"""

_STEPS: Final = (
    """
INSERT INTO request_steps (id, request_id, position, name, approver, needed, state, rule_key, opened_at, due_at)
SELECT pg_temp.id_of('step', i), pg_temp.id_of('request', i), 1, '部门负责人', 'department_head', 1,
    CASE WHEN i <= $2::bigint THEN 'open' ELSE 'approved' END, 'approvals', $3::timestamptz - i * interval '10 minutes',
    $3::timestamptz + (500 - i) * interval '10 minutes'
FROM generate_series(1, $1::bigint) i
""",
    """
INSERT INTO step_approvers (step_id, person_id, added_at)
SELECT pg_temp.id_of('step', i), pg_temp.id_of('person', CASE WHEN i <= $2::bigint THEN 1
    ELSE pg_temp.spread(i + 1, $3::bigint) END), $4
FROM generate_series(1, $1::bigint) i
""",
    """
INSERT INTO decisions (id, request_id, step_id, person_id, verdict, comment, via, policy_version_id, rule_key,
    correlation_id, actor, decided_at)
SELECT pg_temp.id_of('decision', i), pg_temp.id_of('request', i), pg_temp.id_of('step', i), a.person_id,
    CASE WHEN i % 3 = 0 THEN 'reject' ELSE 'approve' END, '', 'card', $3, 'approvals', 'request-' || i,
    'person:' || a.person_id, $4::timestamptz - i * interval '5 minutes'
FROM generate_series($2::bigint + 1, $1::bigint) i JOIN step_approvers a ON a.step_id = pg_temp.id_of('step', i)
""",
)

_TASK: Final = """
'id', pg_temp.id_of('task', i), 'number', 100000 + i, 'title', '任务' || i, 'correlation_id', 'task-' || i,
'assigner_id', pg_temp.id_of('person', pg_temp.spread(i + 1, $3::bigint)),
'owner_id', pg_temp.id_of('person', CASE WHEN i <= 200 THEN 3 ELSE pg_temp.spread(i, $3::bigint) END),
'state', CASE WHEN i % 2 = 0 THEN 'done' WHEN i % 3 = 0 THEN 'accepted' ELSE 'assigned' END,
'due_at', $4::timestamptz + (i % 900 - 450) * interval '1 hour', 'updated_at', $4::timestamptz - i * interval '1 minute'
"""

_ANNOUNCEMENT: Final = """
'id', pg_temp.id_of('announcement', i), 'title', '通知' || i, 'correlation_id', 'announcement-' || i,
'author_id', pg_temp.id_of('person', pg_temp.spread(i, $3::bigint)), 'published_at', $4::timestamptz,
'updated_at', $4::timestamptz - i * interval '1 minute',
'state', CASE WHEN i % 2 = 0 THEN 'published' ELSE 'closed' END,
'closed_at', CASE WHEN i % 2 = 1 THEN $4::timestamptz END
"""

_RECEIPTS: Final = """
INSERT INTO receipts (announcement_id, person_id, source, late)
SELECT pg_temp.id_of('announcement', i), pg_temp.id_of('person', pg_temp.spread(i * 50 + place, $2::bigint)), 'person',
    false
FROM generate_series(1, $1::bigint) i, generate_series(1, least(50, $2::bigint)) place
"""

_ARRIVED: Final = """
UPDATE receipts SET due_at = $1::timestamptz + (id % 200 - 100) * interval '1 hour', chase_at = $1, escalate_at = $1,
    confirmed_at = CASE WHEN id % 3 = 0 THEN $1::timestamptz END,
    confirmed_via = CASE WHEN id % 3 = 0 THEN 'card' END WHERE id % 50 > 0
"""

_TRAIL: Final = """
INSERT INTO audit_entries (at, actor_kind, actor_id, action, object_kind, object_id, correlation_id)
SELECT updated_at, 'person', requester_id::text, 'request.submitted', 'request', id::text, correlation_id FROM requests
UNION ALL SELECT updated_at, 'person', assigner_id::text, 'task.assigned', 'task', id::text, correlation_id FROM tasks
UNION ALL SELECT updated_at, 'system', 'groups', 'group.created', 'group', id::text, correlation_id FROM groups
UNION ALL SELECT confirmed_at, 'person', person_id::text, 'announcement.confirmed', 'announcement',
    announcement_id::text, 'receipt-' || id FROM receipts WHERE confirmed_at IS NOT NULL
"""

_EVENTS: Final = """
INSERT INTO received_events (app_id, dedup_key, event_type, subject, actor_userid, occurred_at, received_at,
    body_digest, repeats, state, attempts, correlation_id)
SELECT $2, decode(md5('event' || i), 'hex'), 'template_card_event', 'card:' || i, 'p' || i, $3, $3,
    decode(md5('body' || i), 'hex'), 0, CASE WHEN i % 1000 = 0 THEN 'parked' ELSE 'done' END, 1, 'event-' || i
FROM generate_series(1, $1::bigint) i
"""

_SENT: Final = (
    """
UPDATE outgoing_calls SET state = 'done', sent_at = $1, finished_at = $1, hold_reason = NULL
WHERE state IN ('ready', 'held')
""",
    "UPDATE deliveries SET state = 'sent', reason = '', updated_at = $1",
)


@dataclass(frozen=True)
class Crowd:
    """How many there are, and how the three who look are signed in."""

    people: int
    departments: int
    groups: int
    requests: int
    waiting: int
    tasks: int
    announcements: int
    now: datetime
    tokens: dict[int, str]

    @classmethod
    def scaled(cls, stage: Stage) -> Crowd:
        now = datetime.now(UTC)
        return cls(
            people=stage.scaled(PEOPLE, least=200),
            departments=stage.scaled(DEPARTMENTS, least=30),
            groups=stage.scaled(GROUPS, least=20),
            requests=stage.scaled(REQUESTS, least=60),
            waiting=stage.scaled(WAITING, least=20),
            tasks=stage.scaled(TASKS, least=60),
            announcements=stage.scaled(SMALL_ANNOUNCEMENTS, least=10),
            now=now,
            tokens={number: new_token() for number in (HEAD, ADMINISTRATOR, EMPLOYEE)},
        )


async def settle(url: str, serve: Process, crowd: Crowd) -> None:
    """Fill the database of a service that is running."""
    async with connection(url) as sql:
        await sql.execute(_HELPERS)
        policy = await sql.fetchval("SELECT id FROM policy_versions LIMIT 1")
        await _found(sql, crowd, policy)
        await sql.execute("ANALYZE")
        made = await _made_by_the_service(sql, serve, crowd)
        await _multiply(sql, crowd, policy, made)
        await sql.execute("VACUUM ANALYZE")


async def _found(sql: Sql, crowd: Crowd, policy: UUID) -> None:
    before = crowd.now - timedelta(days=100)
    names = [surname + given for surname, given in product(SURNAMES, GIVEN)]
    await sql.execute(_DEPARTMENTS, crowd.departments, before)
    await sql.execute(_PEOPLE[0], crowd.people, crowd.departments, before, names)
    await sql.execute(_PEOPLE[1], crowd.people, before)
    await sql.execute(_PEOPLE[2], before)
    await _spell(sql, "person_spellings", "person_id", "people", names)
    units = [f"部门{number}" for number in range(1, crowd.departments + 1)]
    await _spell(sql, "department_spellings", "department_id", "departments", units)
    await sql.execute(_GROUPS, crowd.groups, APP, crowd.departments, crowd.people, policy, before)
    await sql.execute(_MEMBERS, crowd.groups, crowd.people, before)
    await sql.execute(_FINDINGS, max(crowd.groups // 50, 1), policy, before)
    await sql.execute(_TAG, before)
    await sql.execute(_GRANT, new_id(), ADMINISTRATOR, before)
    for number, token in crowd.tokens.items():
        ends = crowd.now + timedelta(days=1)
        await sql.execute(_SESSION, new_id(), hashed(token), number, crowd.now, ends)


async def _spell(sql: Sql, table: str, owner: str, owners: str, names: list[str]) -> None:
    """As the worker spells them, each name once."""
    rows = [
        (name, number, one.place, one.name, one.pinyin, one.initials, f"{name}\n" if owners == "people" else name)
        for name in names
        for number, one in enumerate(spellings([name], of_people=owners == "people"))
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[-1] = [source if number == 0 else None for source, number in zip(columns[-1], columns[1], strict=True)]
    await sql.execute(_SPELLINGS.format(table=table, owner=owner, owners=owners), *columns)
    keys = [sorting_key(name, of_people=owners == "people") for name in names]
    await sql.execute(_KEYS.format(owners=owners), names, keys)


async def _made_by_the_service(sql: Sql, serve: Process, crowd: Crowd) -> dict[str, UUID]:
    """One of each, and two announcements to the whole company. Calls wait: there is no worker."""
    group = await sql.fetchval("SELECT pg_temp.id_of('group', 1)")
    applicant = await sql.fetchval(
        "SELECT shown FROM person_userids u WHERE NOT EXISTS (SELECT FROM group_members m WHERE m.group_id = $1"
        " AND m.person_id = u.person_id) AND u.userid NOT IN ('p1', 'p2', 'p3', 'p4', 'p5') ORDER BY u.id LIMIT 1",
        group,
    )
    payload = {"group_id": str(group), "title": "工程师", "contact": "分机 8021"}
    task = {"title": "盘点", "acceptance": "清单交齐", "assigner": "p1", "owner": f"p{EMPLOYEE}"}
    task["due_at"] = (crowd.now + timedelta(days=3)).isoformat()
    notice = {"title": "关于值班安排的通知", "body": "请在节前完成安全检查。", "class": "work", "author": "p1"}
    notice["deadline"] = (crowd.now + timedelta(days=7)).isoformat()
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(base_url=f"{serve.base}/api/v1", headers=headers, timeout=300) as http:

        async def made(kind: str, wanted: dict[str, Any]) -> UUID:
            answer = await http.post(f"/{kind}", json=wanted)
            if answer.is_error:
                raise Failed(f"no {kind}: {answer.text}\n{serve.tail()}")
            return UUID(answer.json()["id"])

        return {
            "request": await made(
                "requests", {"kind": "join", "requester": applicant, "payload": payload, "reason": "联调"}
            ),
            "task": await made("tasks", task),
            "first": await made("announcements", notice | {"audience": {"departments": [1]}}),
            "announcement": await made("announcements", notice | {"audience": {"departments": [1]}}),
            "group": group,
        }


async def _multiply(sql: Sql, crowd: Crowd, policy: UUID, made: dict[str, UUID]) -> None:
    now = crowd.now
    pending = max(crowd.requests * 3 // 10, crowd.waiting)
    request = _COPY.format(table="requests", changes=_REQUEST)
    await sql.execute(request, crowd.requests, made["request"], crowd.people, crowd.groups, pending, now)
    await sql.execute(_STEPS[0], crowd.requests, pending, now)
    await sql.execute(_STEPS[1], crowd.requests, crowd.waiting, crowd.people, now)
    await sql.execute(_STEPS[2], crowd.requests, pending, policy, now)
    await sql.execute(_COPY.format(table="tasks", changes=_TASK), crowd.tasks, made["task"], crowd.people, now)
    announcement = _COPY.format(table="announcements", changes=_ANNOUNCEMENT)
    await sql.execute(announcement, crowd.announcements, made["announcement"], crowd.people, now)
    await sql.execute(_RECEIPTS, crowd.announcements, crowd.people)
    await sql.execute(_ARRIVED, now)
    for statement in _SENT:
        await sql.execute(statement, now)
    await sql.execute(_TRAIL)
    await sql.execute(_EVENTS, crowd.requests, APP, now)
