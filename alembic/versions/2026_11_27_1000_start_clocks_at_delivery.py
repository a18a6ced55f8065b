"""Give each receipt a deadline of its own, which begins when the card has reached the person.

Revision ID: 0014_receipt_clocks
Revises: 0013_people_scopes
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_receipt_clocks"
down_revision = "0013_people_scopes"
branch_labels = None
depends_on = None

# Announcements under way keep the deadline that their cards name. Whom the card has not reached yet gets a term when it
# does. The chase keeps its moment too: its timer knows it.
KEEP = """
UPDATE receipts SET due_at = announcements.deadline, chase_at = coalesce(
    (SELECT timers.due_at FROM timers
     WHERE timers.kind = 'announcement.chase' AND timers.subject = announcements.id::text),
    announcements.deadline)
FROM announcements
WHERE announcements.id = receipts.announcement_id AND announcements.receipt_required
  AND NOT EXISTS (
    SELECT FROM deliveries
    WHERE deliveries.message_id = announcements.card_message_id AND deliveries.person_id = receipts.person_id
      AND deliveries.state <> 'sent')
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("receipts", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("receipts", sa.Column("chase_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("announcements", sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(KEEP)
    op.execute("UPDATE announcements SET listed_at = closed_at WHERE closed_at IS NOT NULL")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("announcements", "listed_at")
    op.drop_column("receipts", "chase_at")
    op.drop_column("receipts", "due_at")
