"""The platform's limits: what is used, leased and blocked.

Revision ID: 0005_limits
Revises: 0004_gaps
"""

from __future__ import annotations

from alembic import op

revision = "0005_limits"
down_revision = "0004_gaps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
