"""Keep who is signed in, on the way to WeCom, invited by a link, and what they were granted (D20, D21).

Revision ID: 0022_people_sign_in
Revises: 0021_class_of_rungs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_people_sign_in"
down_revision = "0021_class_of_rungs"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "person_sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_because", sa.String(), nullable=True),
    )
    op.create_index(
        "ix_person_sessions_person", "person_sessions", ["person_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("ix_person_sessions_ends_at", "person_sessions", ["ends_at"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("state_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("return_path", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("spent_at", MOMENT, nullable=True),
    )
    op.create_index("ix_sign_in_attempts_created_at", "sign_in_attempts", ["created_at"])
    op.create_table(
        "access_links",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("spent_at", MOMENT, nullable=True),
    )
    op.create_table(
        "access_grants",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("reach", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
    )
    op.create_index(
        "ix_access_grants_person", "access_grants", ["person_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "submitted_forms",
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("person_sessions.id"), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "form_id", name="pk_submitted_forms"),
    )
    op.create_index("ix_submitted_forms_created_at", "submitted_forms", ["created_at"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("submitted_forms", "access_grants", "access_links", "sign_in_attempts", "person_sessions"):
        op.drop_table(table)
