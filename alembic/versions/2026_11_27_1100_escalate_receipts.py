"""Tell the superior of whoever has not confirmed: when that is due, and when it was said.

Announcements under way keep the version of the policy under which they were published: their receipts are not escalated.

Revision ID: 0018_escalated_receipts
Revises: 0017_light_receipts
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_escalated_receipts"
down_revision = "0017_light_receipts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("receipts", sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("receipts", sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM timers WHERE kind = 'announcement.escalate'")
    op.execute("DELETE FROM rungs WHERE purpose = 'announcement.escalation'")
    op.drop_column("receipts", "escalated_at")
    op.drop_column("receipts", "escalate_at")
