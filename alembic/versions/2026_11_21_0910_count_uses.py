"""The platform's limits: what is used, leased and blocked.

Revision ID: 0005_limits
Revises: 0004_gaps
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_limits"
down_revision = "0004_gaps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    slots = [
        sa.Column(window, postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False)
        for window in ("minute", "hour", "day", "month")
    ]
    op.create_table(
        "limit_counters",
        sa.Column("counter", sa.String(collation="C"), nullable=False),
        sa.Column("subject", sa.String(collation="C"), nullable=False),
        *slots,
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("counter", "subject", name="pk_limit_counters"),
        postgresql_with={"fillfactor": "60"},
    )
    op.create_table(
        "limit_settings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=True),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("lifted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accounts", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_limit_settings"),
    )
    op.create_table(
        "limit_blocks",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("errcode", sa.Integer(), nullable=False),
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("first_refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("probing_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("scope", "path", name="pk_limit_blocks"),
    )
    op.add_column("outgoing_calls", sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outgoing_calls", sa.Column("limit_key", sa.String(), nullable=True))
    op.add_column(
        "outgoing_calls", sa.Column("limit_amount", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index(
        "ix_outgoing_calls_limited",
        "outgoing_calls",
        ["limit_key", "id"],
        postgresql_where=sa.text("limit_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_outgoing_calls_limited", table_name="outgoing_calls")
    op.drop_column("outgoing_calls", "limit_amount")
    op.drop_column("outgoing_calls", "limit_key")
    op.drop_column("outgoing_calls", "reserved_at")
    op.drop_table("limit_blocks")
    op.drop_table("limit_settings")
    op.drop_table("limit_counters")
