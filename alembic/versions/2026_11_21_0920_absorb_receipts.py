"""Delivery: receipts taken in sets. Audit: where the sealed chain ends.

Revision ID: 0006_delivery
Revises: 0005_limits
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_delivery"
down_revision = "0005_limits"
branch_labels = None
depends_on = None

# What is sealed already is where the chain ends now.
HEAD = """
INSERT INTO audit_heads (id, position, seal, sealed_at)
SELECT 1, position, seal, sealed_at FROM audit_entries WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("card_clicks", sa.Column("shown_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_card_clicks_shown_by_id"), "card_clicks", "outgoing_calls", ["shown_by_id"], ["id"])
    op.create_table(
        "audit_heads",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_heads_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_heads")),
    )
    op.execute(HEAD)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("audit_heads")
    op.drop_constraint(op.f("fk_card_clicks_shown_by_id"), "card_clicks", type_="foreignkey")
    op.drop_column("card_clicks", "shown_by_id")
