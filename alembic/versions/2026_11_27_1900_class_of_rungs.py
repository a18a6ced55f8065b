"""Keep with each rung the class of its message, which says when it may be told.

Revision ID: 0021_class_of_rungs
Revises: 0020_concerned_people
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_class_of_rungs"
down_revision = "0020_concerned_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Workers of the release before go on writing rungs while this one starts: they name no class.
    op.add_column("rungs", sa.Column("message_class", sa.String(), nullable=False, server_default="notice"))
    # What is found about groups waits for working time; everything else was a notice.
    op.execute("UPDATE rungs SET message_class = 'work' WHERE purpose = 'group.finding' AND message_id IS NULL")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The release before has no words for it: it would tell nobody anything.
    op.execute("DELETE FROM rungs WHERE purpose = 'task.handed_over' AND message_id IS NULL")
    op.drop_column("rungs", "message_class")
    # It could not close a finding about a call that is done.
    op.execute("UPDATE outgoing_calls SET hold_reason = NULL WHERE state = 'done' AND hold_reason = 'arrived_after_all'")
