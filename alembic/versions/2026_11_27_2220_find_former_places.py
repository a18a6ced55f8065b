"""Find where people were until they left, and what was done to an object beside its confirmations.

Revision ID: 0028_former_places
Revises: 0027_spellings
"""

from __future__ import annotations

from alembic import op

revision = "0028_former_places"
down_revision = "0027_spellings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_memberships_former ON memberships (department_id) WHERE ended_at IS NOT NULL")
    op.execute(
        "CREATE INDEX ix_audit_entries_acts ON audit_entries (object_kind, object_id, id)"
        " WHERE action <> 'announcement.confirmed'"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_audit_entries_acts")
    op.execute("DROP INDEX ix_memberships_former")
