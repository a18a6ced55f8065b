"""Find at once what could not be done: failed requests and refused calls, which the overview counts.

Revision ID: 0024_count_what_failed
Revises: 0023_keys_act_as
"""

from __future__ import annotations

from alembic import op

revision = "0024_count_what_failed"
down_revision = "0023_keys_act_as"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_requests_failed ON requests (updated_at) WHERE outcome = 'failed'")
    op.execute("CREATE INDEX ix_outgoing_calls_failed ON outgoing_calls (finished_at) WHERE state = 'failed'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_outgoing_calls_failed")
    op.execute("DROP INDEX ix_requests_failed")
