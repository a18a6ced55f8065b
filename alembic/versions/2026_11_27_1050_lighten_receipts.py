"""Let a confirmation write less: no foreign key is checked whose row the same transaction has read, no index is kept
that nothing asks.

Revision ID: 0017_light_receipts
Revises: 0016_rungs
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_light_receipts"
down_revision = "0016_rungs"
branch_labels = None
depends_on = None

# Table, column, the table that it names.
CHECKED = (
    ("card_clicks", "call_id", "outgoing_calls"),
    ("card_clicks", "person_id", "people"),
    ("card_clicks", "shown_by_id", "outgoing_calls"),
    ("receipts", "event_id", "received_events"),
    ("audit_entries", "policy_version_id", "policy_versions"),
    ("audit_details", "entry_id", "audit_entries"),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, column, _ in CHECKED:
        op.drop_constraint(op.f(f"fk_{table}_{column}"), table, type_="foreignkey")
    op.drop_index("ix_card_clicks_person_id", table_name="card_clicks")
    # Without the rows that have none: an entry that is being written concerns it not yet.
    op.drop_constraint("uq_audit_entries_position", "audit_entries", type_="unique")
    op.create_index(
        "uq_audit_entries_position",
        "audit_entries",
        ["position"],
        unique=True,
        postgresql_where=sa.text("position IS NOT NULL"),
    )
    # Rows come in the order of this column, and its one reader takes all that is old.
    op.drop_index("ix_received_events_received_at", table_name="received_events")
    op.create_index(
        "ix_received_events_received_at",
        "received_events",
        ["received_at"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": True},
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_received_events_received_at", table_name="received_events")
    op.create_index("ix_received_events_received_at", "received_events", ["received_at"])
    op.drop_index("uq_audit_entries_position", table_name="audit_entries")
    op.create_unique_constraint("uq_audit_entries_position", "audit_entries", ["position"])
    op.create_index("ix_card_clicks_person_id", "card_clicks", ["person_id"])
    for table, column, target in CHECKED:
        op.create_foreign_key(op.f(f"fk_{table}_{column}"), table, target, [column], ["id"])
