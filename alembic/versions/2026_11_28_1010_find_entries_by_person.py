"""Find what a person has said of tasks without reading what everybody has.

Revision ID: 0038_entries_by_person
Revises: 0036_counts
"""

from __future__ import annotations

from alembic import op

revision = "0038_entries_by_person"
down_revision = "0036_counts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(op.f("ix_task_entries_person_id"), "task_entries", ["person_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_task_entries_person_id"), table_name="task_entries")
