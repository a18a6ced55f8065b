"""Sort long lists by what people sort them by.

Revision ID: 0033_sorted_lists
Revises: 0028_former_places
"""

from __future__ import annotations

from alembic import op

revision = "0033_sorted_lists"
down_revision = "0028_former_places"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_people_name ON people (name, id)")
    op.execute("CREATE INDEX ix_groups_name ON groups (desired_name, id)")
    op.execute("CREATE INDEX ix_tasks_due ON tasks (due_at, id)")
    op.execute("CREATE INDEX ix_announcements_published ON announcements (published_at, id)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_announcements_published")
    op.execute("DROP INDEX ix_tasks_due")
    op.execute("DROP INDEX ix_groups_name")
    op.execute("DROP INDEX ix_people_name")
