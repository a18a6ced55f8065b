"""Gaps in the intake and the last refused attempts.

Revision ID: 0004_gaps
Revises: 0003_guards
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_gaps"
down_revision = "0003_guards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('callback_refusals',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('disagrees', sa.String(), nullable=False),
    sa.Column('caller', sa.String(), nullable=False),
    sa.Column('times', sa.BigInteger(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_callback_refusals'))
    )
    op.create_index('ix_callback_refusals_last_at', 'callback_refusals', ['last_at'], unique=False)
    op.create_index('uq_callback_refusals_attempt', 'callback_refusals', ['channel', 'reason', 'disagrees', 'caller'], unique=True)
    op.create_table('intake_servers',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intake_servers'))
    )
    op.create_index(op.f('ix_intake_servers_seen_at'), 'intake_servers', ['seen_at'], unique=False)
    op.create_table('callback_gaps',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('server', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('not_stored', sa.Integer(), nullable=False),
    sa.Column('stored_late', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint("reason IN ('database', 'not_served')", name=op.f('ck_callback_gaps_reason')),
    sa.ForeignKeyConstraint(['closed_by'], ['sync_runs.id'], name=op.f('fk_callback_gaps_closed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_callback_gaps'))
    )
    op.create_index('ix_callback_gaps_open', 'callback_gaps', ['ended_at'], unique=False, postgresql_where=sa.text('closed_at IS NULL'))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table('callback_gaps')
    op.drop_table('intake_servers')
    op.drop_table('callback_refusals')
