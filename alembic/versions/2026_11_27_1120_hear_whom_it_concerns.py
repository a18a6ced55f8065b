"""Keep whom a request of somebody else is about, when they were told, and what they have said against it.

Revision ID: 0020_concerned_people
Revises: 0019_same_texts
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_concerned_people"
down_revision = "0019_same_texts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "concerned_people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("request_id", sa.Uuid(), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("card_message_id", sa.Uuid(), sa.ForeignKey("messages.id"), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("objected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objection", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
    )
    op.create_index("ix_concerned_people_person_id", "concerned_people", ["person_id"])
    op.create_index("uq_concerned_people_person", "concerned_people", ["request_id", "person_id"], unique=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The release before has no words for them: it would tell nobody anything.
    op.execute(
        "DELETE FROM rungs WHERE purpose IN ('group.finding', 'announcement.final_list') AND message_id IS NULL"
    )
    op.drop_table("concerned_people")
