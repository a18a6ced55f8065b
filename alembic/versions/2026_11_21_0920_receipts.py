"""Delivery: receipts taken in sets.

Revision ID: 0006_delivery
Revises: 0005_limits
"""

from __future__ import annotations

from alembic import op

revision = "0006_delivery"
down_revision = "0005_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
