"""Groups: what each change asks for, and what became of it for each person.

Revision ID: 0009_group_changes
Revises: 0008_events
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_group_changes"
down_revision = "0008_events"
branch_labels = None
depends_on = None

# One change for each first call; the calls that replaced it carry the same change. The last of them says how it ended.
CHANGES = """
INSERT INTO group_changes (id, group_id, call_id, kind, name, owner_userid, created_at, settled_at)
WITH RECURSIVE chain (first_id, id, state, finished_at) AS (
    SELECT id, id, state, finished_at FROM outgoing_calls
    WHERE kind IN ('appchat/create', 'appchat/update') AND subject_kind = 'group' AND previous_id IS NULL
    UNION ALL
    SELECT chain.first_id, next.id, next.state, next.finished_at
    FROM outgoing_calls AS next JOIN chain ON next.previous_id = chain.id
)
SELECT
    gen_random_uuid(), groups.id, first.id, CASE first.kind WHEN 'appchat/create' THEN 'create' ELSE 'update' END,
    body.fields ->> 'name', body.fields ->> 'owner', first.created_at,
    CASE WHEN last.state IN ('done', 'failed') THEN coalesce(last.finished_at, first.created_at) END
FROM chain AS last
JOIN outgoing_calls AS first ON first.id = last.first_id
JOIN groups ON groups.id::text = first.subject_id
CROSS JOIN LATERAL (SELECT convert_from(first.request_body, 'UTF8')::jsonb AS fields) AS body
WHERE NOT EXISTS (SELECT 1 FROM outgoing_calls AS later WHERE later.previous_id = last.id)
"""

# A userid names whoever had it when the call was written; if it had changed hands, the person whose stay it carries.
PEOPLE = """
INSERT INTO group_change_people (change_id, person_id, userid, shown, direction, state, error, settled_at)
WITH RECURSIVE chain (first_id, id, state, error) AS (
    SELECT calls.id, calls.id, calls.state, calls.error
    FROM outgoing_calls AS calls JOIN group_changes ON group_changes.call_id = calls.id
    UNION ALL
    SELECT chain.first_id, next.id, next.state, next.error
    FROM outgoing_calls AS next JOIN chain ON next.previous_id = chain.id
),
named AS (
    SELECT DISTINCT ON (changes.id, userid.folded)
        changes.id AS change_id, changes.call_id, changes.created_at, changes.settled_at,
        userid.folded, entry.shown, field.direction, last.state, last.error
    FROM group_changes AS changes
    JOIN outgoing_calls AS first ON first.id = changes.call_id
    JOIN chain AS last ON last.first_id = first.id
    CROSS JOIN LATERAL (SELECT convert_from(first.request_body, 'UTF8')::jsonb AS fields) AS body
    CROSS JOIN (VALUES ('userlist', 'add'), ('add_user_list', 'add'), ('del_user_list', 'remove'))
        AS field (name, direction)
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(body.fields -> field.name, '[]'::jsonb))
        WITH ORDINALITY AS entry (shown, place)
    CROSS JOIN LATERAL (SELECT lower(trim(entry.shown) COLLATE "C") AS folded) AS userid
    WHERE NOT EXISTS (SELECT 1 FROM outgoing_calls AS later WHERE later.previous_id = last.id)
    ORDER BY changes.id, userid.folded, entry.place
)
SELECT
    named.change_id, person.id, named.folded, named.shown, named.direction,
    CASE WHEN named.state IN ('done', 'failed', 'unknown') THEN named.state ELSE 'pending' END,
    CASE WHEN named.state IN ('failed', 'unknown') THEN named.error END,
    named.settled_at
FROM named
LEFT JOIN LATERAL (
    SELECT names.person_id AS id
    FROM person_userids AS names
    WHERE names.userid = named.folded AND names.started_at <= named.created_at
    ORDER BY
        EXISTS (
            SELECT 1 FROM group_members AS stays
            WHERE stays.call_id = named.call_id AND stays.person_id = names.person_id
        ) DESC,
        names.started_at DESC, names.id DESC
    LIMIT 1
) AS person ON true
ORDER BY named.created_at, named.change_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "group_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("owner_userid", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('create', 'update')", name=op.f("ck_group_changes_kind")),
        sa.ForeignKeyConstraint(["call_id"], ["outgoing_calls.id"], name=op.f("fk_group_changes_call_id")),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_group_changes_group_id")),
        sa.ForeignKeyConstraint(["previous_id"], ["group_changes.id"], name=op.f("fk_group_changes_previous_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_changes")),
        sa.UniqueConstraint("call_id", name=op.f("uq_group_changes_call_id")),
    )
    op.create_index(op.f("ix_group_changes_group_id"), "group_changes", ["group_id"])
    op.create_index(op.f("ix_group_changes_previous_id"), "group_changes", ["previous_id"])
    op.create_table(
        "group_change_people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("userid", sa.String(collation="C"), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("direction IN ('add', 'remove')", name=op.f("ck_group_change_people_direction")),
        sa.CheckConstraint(
            "state IN ('pending', 'done', 'failed', 'unknown')", name=op.f("ck_group_change_people_state")
        ),
        sa.ForeignKeyConstraint(["change_id"], ["group_changes.id"], name=op.f("fk_group_change_people_change_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_group_change_people_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_change_people")),
        sa.UniqueConstraint("change_id", "userid", name=op.f("uq_group_change_people_change_id_userid")),
    )
    op.execute(CHANGES)
    op.execute(PEOPLE)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("group_change_people")
    op.drop_table("group_changes")
