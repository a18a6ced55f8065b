"""Nearly more than fits: two thousand of everything, and the longest names that people have.

Rows are multiplied in the database: each copy of a thing gets an id made of the former one and its number, so that
what belongs to a thing is copied with it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.company import Company
from tests.pages.furnished import Furniture

MANY: Final = 2_000
DEPARTMENTS: Final = 300

LONG: Final = "阿卜杜热合曼古丽巴哈尔买买提江欧阳司马诸葛端木上官夏侯东方令狐慕容皇甫宇文长孙"[:40]
"""Forty signs, and nowhere a place to break."""
LATIN: Final = "Wolfeschlegelsteinhausenbergerdorffvoral"
"""Forty letters without a space."""
LONG_GROUP: Final = f"研发部-{LONG}"
LATIN_TITLE: Final = "https://intranet.example.com/projects/2026/acceptance-checklist-of-the-new-product-line"

Changes = dict[str, str]
"""Columns, and what they are in a copy; `r` is the row, `n` its number."""


async def make_much(session: AsyncSession, company: Company, things: Furniture) -> None:
    await _lengthen(session, company, things)
    await _people(session, company)
    await _groups(session, things)
    await _requests(session, things)
    await _tasks(session, things)
    await _announcements(session, things)
    await session.execute(text("ANALYZE"))


async def _copies(session: AsyncSession, table: str, where: str, changes: Changes, count: int = MANY) -> None:
    pairs = ", ".join(f"'{column}', {value}" for column, value in changes.items())
    await session.execute(
        text(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object({pairs}))).* "  # noqa: S608 -- ours
            f"FROM {table} r, generate_series(1, {count}) n WHERE {where}"
        )
    )


def _copied(column: str) -> str:
    return f"md5(r.{column}::text || n)::uuid"


def _serial(table: str) -> str:
    return f"nextval(pg_get_serial_sequence('{table}', 'id'))"


async def _lengthen(session: AsyncSession, company: Company, things: Furniture) -> None:
    for statement, named in (
        ("UPDATE people SET name = :new, position = :new WHERE id = :id", {"new": LONG, "id": company.li.id}),
        ("UPDATE people SET name = :new, position = :new WHERE id = :id", {"new": LATIN, "id": company.chen.id}),
        ("UPDATE departments SET name = :new WHERE id = 2", {"new": LONG}),
        ("UPDATE departments SET name = :new WHERE id = 3", {"new": LATIN}),
        (
            "UPDATE groups SET desired_name = :new, observed_name = :new, purpose = :why WHERE id = :id",
            {"new": LONG_GROUP, "why": LATIN_TITLE, "id": things.group},
        ),
        (
            "UPDATE requests SET title = :new, reason = :why WHERE id = :id",
            {"new": f"申请加入“{LONG_GROUP}”", "why": LATIN_TITLE, "id": things.join},
        ),
        (
            "UPDATE announcements SET title = :new, body = :why WHERE id = :id",
            {"new": LATIN_TITLE, "why": f"{LATIN_TITLE}\n{LONG * 3}", "id": things.to_research},
        ),
        (
            "UPDATE tasks SET title = :new, acceptance = :why WHERE id = :id",
            {"new": LONG * 2, "why": LATIN_TITLE, "id": things.task},
        ),
    ):
        await session.execute(text(statement), named)


async def _people(session: AsyncSession, company: Company) -> None:
    of = f"r.person_id = '{company.li.id}'"
    name = f"CASE n % 3 WHEN 0 THEN r.name WHEN 1 THEN '{LATIN}' ELSE '李' || n END"
    await _copies(session, "people", f"r.id = '{company.li.id}'", {"id": _copied("id"), "name": name})
    userid = {"person_id": _copied("person_id"), "id": _serial("person_userids")}
    await _copies(session, "person_userids", of, userid | {"userid": "'li' || n", "shown": "'li' || n"})
    member = {"person_id": _copied("person_id"), "id": _serial("memberships")}
    await _copies(session, "memberships", of, member)
    await _copies(session, "departments", "r.id = 2", {"id": "100 + n", "parent_id": "2"}, DEPARTMENTS)


async def _groups(session: AsyncSession, things: Furniture) -> None:
    name = f"CASE n % 2 WHEN 0 THEN r.observed_name ELSE '{LATIN}' END"
    group = {"id": _copied("id"), "chatid": "r.chatid || n", "observed_name": name, "desired_name": name}
    await _copies(session, "groups", f"r.id = '{things.group}'", group)
    member = {"id": _serial("group_members"), "group_id": _copied("group_id")}
    await _copies(session, "group_members", f"r.group_id = '{things.group}'", member)
    # And everybody is in the first one.
    await session.execute(
        text(
            "INSERT INTO group_members (group_id, person_id, desired, observed, reason, desired_since, first_seen_at)"
            " SELECT :group, u.person_id, true, u.id % 7 <> 0, 'creation', now(), now() FROM person_userids u"
            " WHERE u.userid ~ '^li[0-9]+$'"
        ),
        {"group": things.group},
    )


async def _requests(session: AsyncSession, things: Furniture) -> None:
    request = {"id": _copied("id"), "number": "r.number + 1000 + n", "subject_key": "r.subject_key || n"}
    await _copies(session, "requests", f"r.id = '{things.join}'", request)
    step = {"id": _copied("id"), "request_id": _copied("request_id")}
    await _copies(session, "request_steps", f"r.request_id = '{things.join}'", step)
    approver = {"id": _serial("step_approvers"), "step_id": _copied("step_id")}
    of = f"r.step_id IN (SELECT id FROM request_steps WHERE request_id = '{things.join}')"  # noqa: S608 -- ours
    await _copies(session, "step_approvers", of, approver)


async def _tasks(session: AsyncSession, things: Furniture) -> None:
    task = {"id": _copied("id"), "number": "r.number + 1000 + n"}
    await _copies(session, "tasks", f"r.id = '{things.task}'", task)


async def _announcements(session: AsyncSession, things: Furniture) -> None:
    await session.execute(
        text(
            "INSERT INTO receipts (announcement_id, person_id, source, due_at, confirmed_at, confirmed_via, late)"
            " SELECT r.announcement_id, u.person_id, r.source, r.due_at,"
            " CASE WHEN u.id % 3 = 0 THEN now() END, CASE WHEN u.id % 3 = 0 THEN 'card' END, u.id % 9 = 0"
            " FROM person_userids u, (SELECT * FROM receipts WHERE announcement_id = :id LIMIT 1) r"
            " WHERE u.userid ~ '^li[0-9]+$'"
        ),
        {"id": things.to_research},
    )
    announcement = {"id": _copied("id")}
    await _copies(session, "announcements", f"r.id = '{things.to_research}'", announcement)
    receipt = {"id": _serial("receipts"), "announcement_id": _copied("announcement_id")}
    wang = "SELECT person_id FROM person_userids WHERE userid = 'wang'"
    where = f"r.announcement_id = '{things.to_research}' AND r.person_id IN ({wang})"
    await _copies(session, "receipts", where, receipt)
