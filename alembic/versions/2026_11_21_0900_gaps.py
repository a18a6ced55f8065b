"""Gaps in the intake and the last refused attempts.

Revision ID: 0004_gaps
Revises: 0003_guards
"""

from __future__ import annotations

from alembic import op

revision = "0004_gaps"
down_revision = "0003_guards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
