"""Find a text that says the same as an earlier one, so that only such a text carries a mark.

Revision ID: 0019_same_texts
Revises: 0018_escalated_receipts
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_same_texts"
down_revision = "0018_escalated_receipts"
branch_labels = None
depends_on = None

SENT_TEXTS = "kind = 'message/send' AND task_id IS NULL AND sent_at IS NOT NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_outgoing_calls_texts", "outgoing_calls", ["request_sha256"], postgresql_where=sa.text(SENT_TEXTS)
    )
    op.alter_column("messages", "number", server_default=sa.text("nextval('message_numbers')"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("messages", "number", server_default=None)
    op.drop_index("ix_outgoing_calls_texts", table_name="outgoing_calls")
