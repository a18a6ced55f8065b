"""Find the calls that arrived after a person had called them failed: the probes count them until somebody has looked.

Revision ID: 0015_arrived_calls
Revises: 0014_receipt_clocks
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_arrived_calls"
down_revision = "0014_receipt_clocks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_outgoing_calls_arrived",
        "outgoing_calls",
        ["id"],
        postgresql_where=sa.text("hold_reason = 'arrived_after_all'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_outgoing_calls_arrived", table_name="outgoing_calls")
