"""Keep for some days what API keys were used for (F193).

Revision ID: 0025_api_requests
Revises: 0024_count_what_failed
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025_api_requests"
down_revision = "0024_count_what_failed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "api_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("api_key_id", sa.Uuid(), sa.ForeignKey("api_keys.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("people.id"), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
    )
    op.create_index("ix_api_requests_key", "api_requests", ["api_key_id", "id"])
    op.create_index("ix_api_requests_at", "api_requests", ["at"], postgresql_using="brin")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("api_requests")
