"""Store whom and what each request is about.

Revision ID: 0010_subjects
Revises: 0009_group_changes
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_subjects"
down_revision = "0009_group_changes"
branch_labels = None
depends_on = None

# Whom a userid of the application named when it was sent in. Each was known then, and rows of this table stay.
PERSON_NAMED = """(
    SELECT named.person_id FROM person_userids named
    WHERE named.userid = lower(btrim({userid}) COLLATE "C")
    ORDER BY (named.started_at <= requests.submitted_at
              AND (named.ended_at IS NULL OR named.ended_at > requests.submitted_at)) DESC,
             named.started_at DESC
    LIMIT 1
)"""

MEMBERSHIPS = f"""
    UPDATE requests SET subject = jsonb_build_object(
        'group_id', payload ->> 'group_id',
        'person_id', coalesce(payload ->> 'person_id', {PERSON_NAMED.format(userid="payload ->> 'person'")}::text,
                              requester_id::text),
        'group_type', coalesce(payload ->> 'group_type',
                               (SELECT group_type FROM groups WHERE groups.id::text = payload ->> 'group_id'), '')
    )
    WHERE kind IN ('join', 'exit')
"""

CREATIONS = f"""
    UPDATE requests SET subject = jsonb_build_object(
        'name', payload ->> 'name',
        'group_type', payload ->> 'type',
        'purpose', payload ->> 'purpose',
        'department_id', payload -> 'department_id',
        'owner_id', {PERSON_NAMED.format(userid="payload ->> 'owner'")},
        'deputy_id', {PERSON_NAMED.format(userid="payload ->> 'deputy'")},
        'member_ids', coalesce(
            (SELECT jsonb_agg({PERSON_NAMED.format(userid="member.userid")} ORDER BY member.position)
             FROM jsonb_array_elements_text(payload -> 'members') WITH ORDINALITY AS member (userid, position)
             WHERE member.userid <> ''),
            '[]'),
        'departments', coalesce(payload -> 'departments', '[]'),
        'confidentiality', coalesce(payload ->> 'confidentiality', 'open')
    )
    WHERE kind = 'create_group'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("requests", sa.Column("subject", postgresql.JSONB(), nullable=True))
    op.execute(MEMBERSHIPS)
    op.execute(CREATIONS)
    op.execute("UPDATE requests SET subject = '{}' WHERE subject IS NULL")
    op.alter_column("requests", "subject", nullable=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The version before read these from the payload.
    op.execute(
        "UPDATE requests SET payload = payload || (subject - 'group_id') WHERE kind IN ('join', 'exit')",
    )
    op.drop_column("requests", "subject")
