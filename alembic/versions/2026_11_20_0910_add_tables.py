"""Add every table of the service, and the sequences people's numbers are drawn from.

Revision ID: 0002_tables
Revises: 0001_queue
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002_tables'
down_revision = '0001_queue'
branch_labels = None
depends_on = None

SEQUENCES = ("message_numbers", "request_numbers", "task_numbers")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for sequence in SEQUENCES:
        op.execute(sa.schema.CreateSequence(sa.Sequence(sequence)))
    op.create_table('access_tokens',
    sa.Column('corp_id', sa.String(), nullable=False),
    sa.Column('app_id', sa.String(), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=True),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('fetched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refreshing_by', sa.String(), nullable=True),
    sa.Column('refreshing_until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('corp_id', 'app_id', name=op.f('pk_access_tokens'))
    )
    op.create_table('api_keys',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('prefix', sa.String(), nullable=False),
    sa.Column('key_hash', sa.LargeBinary(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.String()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_api_keys_key_hash'))
    )
    op.create_table('apps',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_apps'))
    )
    op.create_table('calendar_days',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('is_working', sa.Boolean(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_calendar_days'))
    )
    op.create_table('departments',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sort_order', sa.BigInteger(), nullable=False),
    sa.Column('leader_userids', postgresql.ARRAY(sa.String(collation='C')), nullable=False),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_departments'))
    )
    op.create_index(op.f('ix_departments_parent_id'), 'departments', ['parent_id'], unique=False)
    op.create_index(op.f('ix_departments_updated_at'), 'departments', ['updated_at'], unique=False)
    op.create_table('installation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('corp_id', sa.String(), nullable=False),
    sa.Column('secret_check', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_installation_single_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_installation'))
    )
    op.create_table('people',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('alias', sa.String(), nullable=False),
    sa.Column('position', sa.String(), nullable=False),
    sa.Column('status', sa.String(), nullable=False),
    sa.Column('main_department_id', sa.Integer(), nullable=True),
    sa.Column('direct_leader_userids', postgresql.ARRAY(sa.String(collation='C')), nullable=False),
    sa.Column('extra', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('details_known', sa.Boolean(), nullable=False),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('active', 'disabled', 'not_activated', 'invisible', 'missing', 'left')", name=op.f('ck_people_status')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_people'))
    )
    op.create_index(op.f('ix_people_status'), 'people', ['status'], unique=False)
    op.create_index(op.f('ix_people_updated_at'), 'people', ['updated_at'], unique=False)
    op.create_table('platform_state',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('healthy', sa.Boolean(), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('facts', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_platform_state'))
    )
    op.create_table('policy_versions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('document', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('effective_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_versions')),
    sa.UniqueConstraint('number', name=op.f('uq_policy_versions_number'))
    )
    op.create_index(op.f('ix_policy_versions_effective_at'), 'policy_versions', ['effective_at'], unique=False)
    op.create_table('received_events',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('app_id', sa.String(), nullable=False),
    sa.Column('dedup_key', sa.LargeBinary(), nullable=False),
    sa.Column('event_type', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('actor_userid', sa.String(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('body_digest', sa.LargeBinary(), nullable=False),
    sa.Column('repeats', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=True),
    sa.Column('batch', sa.BigInteger(), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('replayed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.CheckConstraint("state IN ('pending', 'running', 'done', 'parked', 'unknown', 'ignored')", name=op.f('ck_received_events_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_received_events')),
    sa.UniqueConstraint('dedup_key', name=op.f('uq_received_events_dedup_key'))
    )
    op.create_index('ix_received_events_claim', 'received_events', ['id'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index(op.f('ix_received_events_event_type'), 'received_events', ['event_type'], unique=False)
    op.create_index('ix_received_events_parked', 'received_events', ['id'], unique=False, postgresql_where=sa.text("state = 'parked'"))
    op.create_index(op.f('ix_received_events_received_at'), 'received_events', ['received_at'], unique=False)
    op.create_index('ix_received_events_subject', 'received_events', ['subject'], unique=False, postgresql_where=sa.text("state IN ('pending', 'running')"))
    op.create_table('staged_departments',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('parent_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(), nullable=True),
    sa.Column('sort_order', sa.BigInteger(), nullable=False),
    sa.Column('leader_userids', postgresql.ARRAY(sa.String(collation='C')), nullable=True),
    sa.PrimaryKeyConstraint('run_id', 'id', name=op.f('pk_staged_departments'))
    )
    op.create_table('staged_people',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('userid', sa.String(collation='C'), nullable=False),
    sa.Column('shown', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('alias', sa.String(), nullable=False),
    sa.Column('position', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('main_department_id', sa.Integer(), nullable=True),
    sa.Column('direct_leader_userids', postgresql.ARRAY(sa.String(collation='C')), nullable=False),
    sa.Column('extra', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('details_known', sa.Boolean(), nullable=False),
    sa.Column('visible', sa.Boolean(), nullable=False),
    sa.Column('fresh_id', sa.Uuid(), nullable=False),
    sa.Column('department_ids', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.Column('sort_orders', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('leader_flags', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.PrimaryKeyConstraint('run_id', 'userid', name=op.f('pk_staged_people'))
    )
    op.create_table('subject_claims',
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('batch', sa.BigInteger(), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_subject_claims'))
    )
    op.create_index(op.f('ix_subject_claims_batch'), 'subject_claims', ['batch'], unique=False)
    op.create_table('sync_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('phase', sa.String(), nullable=False),
    sa.Column('fetched', sa.Integer(), nullable=False),
    sa.Column('expected', sa.Integer(), nullable=False),
    sa.Column('counts', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('report', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('full', 'hint')", name=op.f('ck_sync_runs_kind')),
    sa.CheckConstraint("state IN ('running', 'done', 'held', 'released', 'rejected', 'failed')", name=op.f('ck_sync_runs_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sync_runs'))
    )
    op.create_index(op.f('ix_sync_runs_started_at'), 'sync_runs', ['started_at'], unique=False)
    op.create_index('uq_sync_runs_one_running', 'sync_runs', ['kind'], unique=True, postgresql_where=sa.text("state = 'running' AND kind = 'full'"))
    op.create_table('tags',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('department_ids', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.Column('userids', postgresql.ARRAY(sa.String(collation='C')), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tags'))
    )
    op.create_table('timers',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('basis', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('parked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('kind', 'subject', name=op.f('pk_timers'))
    )
    op.create_index('ix_timers_due', 'timers', ['due_at'], unique=False)
    op.create_table('audit_entries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_kind', sa.String(), nullable=False),
    sa.Column('actor_id', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('object_kind', sa.String(), nullable=False),
    sa.Column('object_id', sa.String(), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=True),
    sa.Column('rule_key', sa.String(), nullable=True),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('details_digest', sa.LargeBinary(), nullable=True),
    sa.Column('position', sa.BigInteger(), nullable=True),
    sa.Column('seal', sa.LargeBinary(), nullable=True),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_audit_entries_policy_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries')),
    sa.UniqueConstraint('position', name=op.f('uq_audit_entries_position'))
    )
    op.create_index(op.f('ix_audit_entries_at'), 'audit_entries', ['at'], unique=False)
    op.create_index(op.f('ix_audit_entries_correlation_id'), 'audit_entries', ['correlation_id'], unique=False)
    op.create_index('ix_audit_entries_object', 'audit_entries', ['object_kind', 'object_id'], unique=False)
    op.create_index('ix_audit_entries_unsealed', 'audit_entries', ['id'], unique=False, postgresql_where=sa.text('seal IS NULL'))
    op.create_table('idempotency_records',
    sa.Column('api_key_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('request_hash', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('headers', sa.String(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['api_key_id'], ['api_keys.id'], name=op.f('fk_idempotency_records_api_key_id')),
    sa.PrimaryKeyConstraint('api_key_id', 'key', name=op.f('pk_idempotency_records'))
    )
    op.create_index(op.f('ix_idempotency_records_created_at'), 'idempotency_records', ['created_at'], unique=False)
    op.create_table('memberships',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('department_id', sa.Integer(), nullable=False),
    sa.Column('sort_order', sa.BigInteger(), nullable=False),
    sa.Column('is_leader', sa.Boolean(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_memberships_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_memberships'))
    )
    op.create_index('ix_memberships_department', 'memberships', ['department_id'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('uq_memberships_current', 'memberships', ['person_id', 'department_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('messages',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('origin_kind', sa.String(), nullable=False),
    sa.Column('origin_id', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('content', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('message_class', sa.String(), nullable=False),
    sa.Column('audience', sa.Integer(), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_messages_policy_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages'))
    )
    op.create_index('ix_messages_origin', 'messages', ['origin_kind', 'origin_id'], unique=False)
    op.create_table('org_changes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=True),
    sa.Column('object_kind', sa.String(), nullable=False),
    sa.Column('object_id', sa.String(), nullable=False),
    sa.Column('change', sa.String(), nullable=False),
    sa.Column('before', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('after', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['sync_runs.id'], name=op.f('fk_org_changes_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_org_changes'))
    )
    op.create_index(op.f('ix_org_changes_at'), 'org_changes', ['at'], unique=False)
    op.create_index('ix_org_changes_object', 'org_changes', ['object_kind', 'object_id'], unique=False)
    op.create_index(op.f('ix_org_changes_run_id'), 'org_changes', ['run_id'], unique=False)
    op.create_table('person_userids',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('userid', sa.String(collation='C'), nullable=False),
    sa.Column('shown', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_person_userids_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person_userids'))
    )
    op.create_index('ix_person_userids_current_person', 'person_userids', ['person_id'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('uq_person_userids_current', 'person_userids', ['userid'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('requests',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject_key', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('payload', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('shown', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('requester_id', sa.Uuid(), nullable=False),
    sa.Column('submitted_by', sa.String(), nullable=False),
    sa.Column('group_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('current_step', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('outcome_detail', sa.String(), nullable=True),
    sa.Column('chain', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("outcome IN ('none', 'pending', 'done', 'failed')", name=op.f('ck_requests_outcome')),
    sa.CheckConstraint("state IN ('pending', 'approved', 'rejected', 'withdrawn')", name=op.f('ck_requests_state')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_requests_policy_version_id')),
    sa.ForeignKeyConstraint(['requester_id'], ['people.id'], name=op.f('fk_requests_requester_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_requests')),
    sa.UniqueConstraint('number', name=op.f('uq_requests_number'))
    )
    op.create_index(op.f('ix_requests_group_id'), 'requests', ['group_id'], unique=False)
    op.create_index('ix_requests_open', 'requests', ['kind', 'subject_key'], unique=True, postgresql_where=sa.text("state = 'pending'"))
    op.create_index(op.f('ix_requests_requester_id'), 'requests', ['requester_id'], unique=False)
    op.create_index(op.f('ix_requests_state'), 'requests', ['state'], unique=False)
    op.create_index('ix_requests_updated', 'requests', ['updated_at', 'id'], unique=False)
    op.create_table('userid_reviews',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('userid', sa.String(collation='C'), nullable=False),
    sa.Column('new_person_id', sa.Uuid(), nullable=False),
    sa.Column('former_person_id', sa.Uuid(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decision', sa.String(), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['former_person_id'], ['people.id'], name=op.f('fk_userid_reviews_former_person_id')),
    sa.ForeignKeyConstraint(['new_person_id'], ['people.id'], name=op.f('fk_userid_reviews_new_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_userid_reviews'))
    )
    op.create_index(op.f('ix_userid_reviews_former_person_id'), 'userid_reviews', ['former_person_id'], unique=False)
    op.create_index(op.f('ix_userid_reviews_new_person_id'), 'userid_reviews', ['new_person_id'], unique=False)
    op.create_table('announcements',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('message_class', sa.String(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('audience', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('receipt_required', sa.Boolean(), nullable=False),
    sa.Column('deadline', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('card_message_id', sa.Uuid(), nullable=True),
    sa.Column('chase_message_id', sa.Uuid(), nullable=True),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('published', 'closed')", name=op.f('ck_announcements_state')),
    sa.ForeignKeyConstraint(['author_id'], ['people.id'], name=op.f('fk_announcements_author_id')),
    sa.ForeignKeyConstraint(['card_message_id'], ['messages.id'], name=op.f('fk_announcements_card_message_id')),
    sa.ForeignKeyConstraint(['chase_message_id'], ['messages.id'], name=op.f('fk_announcements_chase_message_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_announcements_policy_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_announcements'))
    )
    op.create_index(op.f('ix_announcements_author_id'), 'announcements', ['author_id'], unique=False)
    op.create_index('ix_announcements_updated', 'announcements', ['updated_at', 'id'], unique=False)
    op.create_table('audit_details',
    sa.Column('entry_id', sa.BigInteger(), nullable=False),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('details', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['audit_entries.id'], name=op.f('fk_audit_details_entry_id')),
    sa.PrimaryKeyConstraint('entry_id', name=op.f('pk_audit_details'))
    )
    op.create_table('groups',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('app_id', sa.String(), nullable=False),
    sa.Column('chatid', sa.String(), nullable=False),
    sa.Column('group_type', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('confidentiality', sa.String(), nullable=False),
    sa.Column('department_id', sa.Integer(), nullable=True),
    sa.Column('desired_name', sa.String(), nullable=False),
    sa.Column('observed_name', sa.String(), nullable=True),
    sa.Column('desired_owner_id', sa.Uuid(), nullable=False),
    sa.Column('observed_owner_userid', sa.String(), nullable=True),
    sa.Column('deputy_id', sa.Uuid(), nullable=True),
    sa.Column('roster_rule', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('charter', sa.String(), nullable=False),
    sa.Column('charter_version', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('state_detail', sa.String(), nullable=True),
    sa.Column('request_id', sa.Uuid(), nullable=True),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('observed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('creating', 'active', 'failed', 'closing', 'closed', 'lost')", name=op.f('ck_groups_state')),
    sa.ForeignKeyConstraint(['app_id'], ['apps.id'], name=op.f('fk_groups_app_id')),
    sa.ForeignKeyConstraint(['deputy_id'], ['people.id'], name=op.f('fk_groups_deputy_id')),
    sa.ForeignKeyConstraint(['desired_owner_id'], ['people.id'], name=op.f('fk_groups_desired_owner_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_groups_policy_version_id')),
    sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_groups_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_groups')),
    sa.UniqueConstraint('chatid', name=op.f('uq_groups_chatid'))
    )
    op.create_index(op.f('ix_groups_deputy_id'), 'groups', ['deputy_id'], unique=False)
    op.create_index(op.f('ix_groups_desired_owner_id'), 'groups', ['desired_owner_id'], unique=False)
    op.create_index(op.f('ix_groups_request_id'), 'groups', ['request_id'], unique=False)
    op.create_index(op.f('ix_groups_state'), 'groups', ['state'], unique=False)
    op.create_index('ix_groups_updated', 'groups', ['updated_at', 'id'], unique=False)
    op.create_table('outgoing_calls',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('app_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('subject_kind', sa.String(), nullable=False),
    sa.Column('subject_id', sa.String(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=True),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('request_body', sa.LargeBinary(), nullable=False),
    sa.Column('request_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('task_id', sa.String(), nullable=True),
    sa.Column('ordering_key', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('hold_reason', sa.String(), nullable=True),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('errcode', sa.Integer(), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.Column('answer', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('msgid', sa.String(), nullable=True),
    sa.Column('response_code', sa.String(), nullable=True),
    sa.Column('response_code_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('response_code_spent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('previous_id', sa.Uuid(), nullable=True),
    sa.Column('policy_version_id', sa.Uuid(), nullable=True),
    sa.Column('rule_key', sa.String(), nullable=True),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('message/send', 'message/update_template_card', 'appchat/create', 'appchat/update', 'appchat/send', 'menu/create', 'media/upload')", name=op.f('ck_outgoing_calls_kind')),
    sa.CheckConstraint("state IN ('ready', 'held', 'sending', 'done', 'failed', 'unknown', 'replaced')", name=op.f('ck_outgoing_calls_state')),
    sa.ForeignKeyConstraint(['app_id'], ['apps.id'], name=op.f('fk_outgoing_calls_app_id')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_outgoing_calls_message_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_outgoing_calls_policy_version_id')),
    sa.ForeignKeyConstraint(['previous_id'], ['outgoing_calls.id'], name=op.f('fk_outgoing_calls_previous_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outgoing_calls'))
    )
    op.create_index(op.f('ix_outgoing_calls_correlation_id'), 'outgoing_calls', ['correlation_id'], unique=False)
    op.create_index(op.f('ix_outgoing_calls_message_id'), 'outgoing_calls', ['message_id'], unique=False)
    op.create_index('ix_outgoing_calls_open', 'outgoing_calls', ['state', 'not_before'], unique=False, postgresql_where=sa.text("state IN ('ready', 'held', 'sending', 'unknown')"))
    op.create_index('ix_outgoing_calls_ordering', 'outgoing_calls', ['ordering_key', 'id'], unique=False)
    op.create_index(op.f('ix_outgoing_calls_previous_id'), 'outgoing_calls', ['previous_id'], unique=False)
    op.create_index('ix_outgoing_calls_sent', 'outgoing_calls', ['app_id', 'kind', 'sent_at'], unique=False, postgresql_where=sa.text('sent_at IS NOT NULL'))
    op.create_index('ix_outgoing_calls_subject', 'outgoing_calls', ['subject_kind', 'subject_id'], unique=False)
    op.create_index('uq_outgoing_calls_task_id', 'outgoing_calls', ['app_id', 'task_id'], unique=True, postgresql_where=sa.text('task_id IS NOT NULL'))
    op.create_table('request_steps',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('approver', sa.String(), nullable=False),
    sa.Column('needed', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'open', 'approved', 'rejected', 'skipped', 'cancelled')", name=op.f('ck_request_steps_state')),
    sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_request_steps_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_request_steps'))
    )
    op.create_index('uq_request_steps_position', 'request_steps', ['request_id', 'position'], unique=True)
    op.create_table('announcement_groups',
    sa.Column('announcement_id', sa.Uuid(), nullable=False),
    sa.Column('group_id', sa.Uuid(), nullable=False),
    sa.Column('call_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['announcement_id'], ['announcements.id'], name=op.f('fk_announcement_groups_announcement_id')),
    sa.ForeignKeyConstraint(['call_id'], ['outgoing_calls.id'], name=op.f('fk_announcement_groups_call_id')),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_announcement_groups_group_id')),
    sa.PrimaryKeyConstraint('announcement_id', 'group_id', name=op.f('pk_announcement_groups'))
    )
    op.create_index(op.f('ix_announcement_groups_group_id'), 'announcement_groups', ['group_id'], unique=False)
    op.create_table('card_clicks',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=False),
    sa.Column('call_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('event_key', sa.String(), nullable=False),
    sa.Column('response_code', sa.String(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('spent_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['outgoing_calls.id'], name=op.f('fk_card_clicks_call_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_card_clicks_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_clicks')),
    sa.UniqueConstraint('event_id', name=op.f('uq_card_clicks_event_id'))
    )
    op.create_index('ix_card_clicks_call', 'card_clicks', ['call_id', 'received_at'], unique=False)
    op.create_index(op.f('ix_card_clicks_person_id'), 'card_clicks', ['person_id'], unique=False)
    op.create_table('decisions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('step_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('comment', sa.String(), nullable=False),
    sa.Column('via', sa.String(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=True),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("verdict IN ('approve', 'reject')", name=op.f('ck_decisions_verdict')),
    sa.ForeignKeyConstraint(['event_id'], ['received_events.id'], name=op.f('fk_decisions_event_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_decisions_person_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_decisions_policy_version_id')),
    sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_decisions_request_id')),
    sa.ForeignKeyConstraint(['step_id'], ['request_steps.id'], name=op.f('fk_decisions_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decisions'))
    )
    op.create_index(op.f('ix_decisions_person_id'), 'decisions', ['person_id'], unique=False)
    op.create_index(op.f('ix_decisions_request_id'), 'decisions', ['request_id'], unique=False)
    op.create_index('uq_decisions_step_person', 'decisions', ['step_id', 'person_id'], unique=True)
    op.create_table('deliveries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('call_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('held', 'sent', 'failed', 'unknown')", name=op.f('ck_deliveries_state')),
    sa.ForeignKeyConstraint(['call_id'], ['outgoing_calls.id'], name=op.f('fk_deliveries_call_id')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_deliveries_message_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_deliveries_person_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_deliveries_policy_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries'))
    )
    op.create_index(op.f('ix_deliveries_call_id'), 'deliveries', ['call_id'], unique=False)
    op.create_index(op.f('ix_deliveries_person_id'), 'deliveries', ['person_id'], unique=False)
    op.create_index('ix_deliveries_unfinished', 'deliveries', ['state'], unique=False, postgresql_where=sa.text("state IN ('held', 'unknown', 'failed')"))
    op.create_index('uq_deliveries_recipient', 'deliveries', ['message_id', 'part', 'person_id'], unique=True)
    op.create_table('group_findings',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('group_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject_userid', sa.String(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('details', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('resolution', sa.String(), nullable=True),
    sa.CheckConstraint("kind IN ('unapproved_leave', 'unapproved_join', 'renamed', 'owner_changed', 'dissolved', 'owner_left', 'roster_loss', 'too_few')", name=op.f('ck_group_findings_kind')),
    sa.CheckConstraint("state IN ('open', 'resolved')", name=op.f('ck_group_findings_state')),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_group_findings_group_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_group_findings_person_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_group_findings_policy_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_findings'))
    )
    op.create_index(op.f('ix_group_findings_group_id'), 'group_findings', ['group_id'], unique=False)
    op.create_index(op.f('ix_group_findings_person_id'), 'group_findings', ['person_id'], unique=False)
    op.create_index('uq_group_findings_open', 'group_findings', ['group_id', 'kind', 'subject_userid'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('group_members',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('group_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('desired', sa.Boolean(), nullable=False),
    sa.Column('observed', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=True),
    sa.Column('call_id', sa.Uuid(), nullable=True),
    sa.Column('charter_promised_version', sa.Integer(), nullable=True),
    sa.Column('desired_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['outgoing_calls.id'], name=op.f('fk_group_members_call_id')),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_group_members_group_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_group_members_person_id')),
    sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_group_members_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_members'))
    )
    op.create_index(op.f('ix_group_members_call_id'), 'group_members', ['call_id'], unique=False)
    op.create_index('ix_group_members_person', 'group_members', ['person_id'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('uq_group_members_current', 'group_members', ['group_id', 'person_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('receipts',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('announcement_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirmed_via', sa.String(), nullable=True),
    sa.Column('event_id', sa.BigInteger(), nullable=True),
    sa.Column('chased_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['announcement_id'], ['announcements.id'], name=op.f('fk_receipts_announcement_id')),
    sa.ForeignKeyConstraint(['event_id'], ['received_events.id'], name=op.f('fk_receipts_event_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_receipts_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipts'))
    )
    op.create_index('ix_receipts_open', 'receipts', ['announcement_id'], unique=False, postgresql_where=sa.text('confirmed_at IS NULL'))
    op.create_index(op.f('ix_receipts_person_id'), 'receipts', ['person_id'], unique=False)
    op.create_index('uq_receipts_person', 'receipts', ['announcement_id', 'person_id'], unique=True)
    op.create_table('step_approvers',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('step_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('card_message_id', sa.Uuid(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['card_message_id'], ['messages.id'], name=op.f('fk_step_approvers_card_message_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_step_approvers_person_id')),
    sa.ForeignKeyConstraint(['step_id'], ['request_steps.id'], name=op.f('fk_step_approvers_step_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_step_approvers'))
    )
    op.create_index(op.f('ix_step_approvers_person_id'), 'step_approvers', ['person_id'], unique=False)
    op.create_index('uq_step_approvers_person', 'step_approvers', ['step_id', 'person_id'], unique=True)
    op.create_table('tasks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('acceptance', sa.String(), nullable=False),
    sa.Column('assigner_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('group_id', sa.Uuid(), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('progress', sa.Integer(), nullable=False),
    sa.Column('card_message_id', sa.Uuid(), nullable=True),
    sa.Column('policy_version_id', sa.Uuid(), nullable=False),
    sa.Column('rule_key', sa.String(), nullable=False),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('assigned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('assigned', 'accepted', 'blocked', 'done', 'cancelled')", name=op.f('ck_tasks_state')),
    sa.ForeignKeyConstraint(['assigner_id'], ['people.id'], name=op.f('fk_tasks_assigner_id')),
    sa.ForeignKeyConstraint(['card_message_id'], ['messages.id'], name=op.f('fk_tasks_card_message_id')),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_tasks_group_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['people.id'], name=op.f('fk_tasks_owner_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_versions.id'], name=op.f('fk_tasks_policy_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks'))
    )
    op.create_index(op.f('ix_tasks_assigner_id'), 'tasks', ['assigner_id'], unique=False)
    op.create_index(op.f('ix_tasks_group_id'), 'tasks', ['group_id'], unique=False)
    op.create_index(op.f('ix_tasks_owner_id'), 'tasks', ['owner_id'], unique=False)
    op.create_index(op.f('ix_tasks_state'), 'tasks', ['state'], unique=False)
    op.create_index('ix_tasks_updated', 'tasks', ['updated_at', 'id'], unique=False)
    op.create_table('task_collaborators',
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_task_collaborators_person_id')),
    sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_collaborators_task_id')),
    sa.PrimaryKeyConstraint('task_id', 'person_id', name=op.f('pk_task_collaborators'))
    )
    op.create_index(op.f('ix_task_collaborators_person_id'), 'task_collaborators', ['person_id'], unique=False)
    op.create_table('task_entries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('progress', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('via', sa.String(), nullable=False),
    sa.Column('event_id', sa.BigInteger(), nullable=True),
    sa.Column('details', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('correlation_id', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['received_events.id'], name=op.f('fk_task_entries_event_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_task_entries_person_id')),
    sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_entries_task_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task_entries'))
    )
    op.create_index(op.f('ix_task_entries_task_id'), 'task_entries', ['task_id'], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f('ix_task_entries_task_id'), table_name='task_entries')
    op.drop_table('task_entries')
    op.drop_index(op.f('ix_task_collaborators_person_id'), table_name='task_collaborators')
    op.drop_table('task_collaborators')
    op.drop_index('ix_tasks_updated', table_name='tasks')
    op.drop_index(op.f('ix_tasks_state'), table_name='tasks')
    op.drop_index(op.f('ix_tasks_owner_id'), table_name='tasks')
    op.drop_index(op.f('ix_tasks_group_id'), table_name='tasks')
    op.drop_index(op.f('ix_tasks_assigner_id'), table_name='tasks')
    op.drop_table('tasks')
    op.drop_index('uq_step_approvers_person', table_name='step_approvers')
    op.drop_index(op.f('ix_step_approvers_person_id'), table_name='step_approvers')
    op.drop_table('step_approvers')
    op.drop_index('uq_receipts_person', table_name='receipts')
    op.drop_index(op.f('ix_receipts_person_id'), table_name='receipts')
    op.drop_index('ix_receipts_open', table_name='receipts', postgresql_where=sa.text('confirmed_at IS NULL'))
    op.drop_table('receipts')
    op.drop_index('uq_group_members_current', table_name='group_members', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index('ix_group_members_person', table_name='group_members', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index(op.f('ix_group_members_call_id'), table_name='group_members')
    op.drop_table('group_members')
    op.drop_index('uq_group_findings_open', table_name='group_findings', postgresql_where=sa.text("state = 'open'"))
    op.drop_index(op.f('ix_group_findings_person_id'), table_name='group_findings')
    op.drop_index(op.f('ix_group_findings_group_id'), table_name='group_findings')
    op.drop_table('group_findings')
    op.drop_index('uq_deliveries_recipient', table_name='deliveries')
    op.drop_index('ix_deliveries_unfinished', table_name='deliveries', postgresql_where=sa.text("state IN ('held', 'unknown', 'failed')"))
    op.drop_index(op.f('ix_deliveries_person_id'), table_name='deliveries')
    op.drop_index(op.f('ix_deliveries_call_id'), table_name='deliveries')
    op.drop_table('deliveries')
    op.drop_index('uq_decisions_step_person', table_name='decisions')
    op.drop_index(op.f('ix_decisions_request_id'), table_name='decisions')
    op.drop_index(op.f('ix_decisions_person_id'), table_name='decisions')
    op.drop_table('decisions')
    op.drop_index(op.f('ix_card_clicks_person_id'), table_name='card_clicks')
    op.drop_index('ix_card_clicks_call', table_name='card_clicks')
    op.drop_table('card_clicks')
    op.drop_index(op.f('ix_announcement_groups_group_id'), table_name='announcement_groups')
    op.drop_table('announcement_groups')
    op.drop_index('uq_request_steps_position', table_name='request_steps')
    op.drop_table('request_steps')
    op.drop_index('uq_outgoing_calls_task_id', table_name='outgoing_calls', postgresql_where=sa.text('task_id IS NOT NULL'))
    op.drop_index('ix_outgoing_calls_subject', table_name='outgoing_calls')
    op.drop_index('ix_outgoing_calls_sent', table_name='outgoing_calls', postgresql_where=sa.text('sent_at IS NOT NULL'))
    op.drop_index(op.f('ix_outgoing_calls_previous_id'), table_name='outgoing_calls')
    op.drop_index('ix_outgoing_calls_ordering', table_name='outgoing_calls')
    op.drop_index('ix_outgoing_calls_open', table_name='outgoing_calls', postgresql_where=sa.text("state IN ('ready', 'held', 'sending', 'unknown')"))
    op.drop_index(op.f('ix_outgoing_calls_message_id'), table_name='outgoing_calls')
    op.drop_index(op.f('ix_outgoing_calls_correlation_id'), table_name='outgoing_calls')
    op.drop_table('outgoing_calls')
    op.drop_index('ix_groups_updated', table_name='groups')
    op.drop_index(op.f('ix_groups_state'), table_name='groups')
    op.drop_index(op.f('ix_groups_request_id'), table_name='groups')
    op.drop_index(op.f('ix_groups_desired_owner_id'), table_name='groups')
    op.drop_index(op.f('ix_groups_deputy_id'), table_name='groups')
    op.drop_table('groups')
    op.drop_table('audit_details')
    op.drop_index('ix_announcements_updated', table_name='announcements')
    op.drop_index(op.f('ix_announcements_author_id'), table_name='announcements')
    op.drop_table('announcements')
    op.drop_index(op.f('ix_userid_reviews_new_person_id'), table_name='userid_reviews')
    op.drop_index(op.f('ix_userid_reviews_former_person_id'), table_name='userid_reviews')
    op.drop_table('userid_reviews')
    op.drop_index('ix_requests_updated', table_name='requests')
    op.drop_index(op.f('ix_requests_state'), table_name='requests')
    op.drop_index(op.f('ix_requests_requester_id'), table_name='requests')
    op.drop_index('ix_requests_open', table_name='requests', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index(op.f('ix_requests_group_id'), table_name='requests')
    op.drop_table('requests')
    op.drop_index('uq_person_userids_current', table_name='person_userids', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index('ix_person_userids_current_person', table_name='person_userids', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_table('person_userids')
    op.drop_index(op.f('ix_org_changes_run_id'), table_name='org_changes')
    op.drop_index('ix_org_changes_object', table_name='org_changes')
    op.drop_index(op.f('ix_org_changes_at'), table_name='org_changes')
    op.drop_table('org_changes')
    op.drop_index('ix_messages_origin', table_name='messages')
    op.drop_table('messages')
    op.drop_index('uq_memberships_current', table_name='memberships', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index('ix_memberships_department', table_name='memberships', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_table('memberships')
    op.drop_index(op.f('ix_idempotency_records_created_at'), table_name='idempotency_records')
    op.drop_table('idempotency_records')
    op.drop_index('ix_audit_entries_unsealed', table_name='audit_entries', postgresql_where=sa.text('seal IS NULL'))
    op.drop_index('ix_audit_entries_object', table_name='audit_entries')
    op.drop_index(op.f('ix_audit_entries_correlation_id'), table_name='audit_entries')
    op.drop_index(op.f('ix_audit_entries_at'), table_name='audit_entries')
    op.drop_table('audit_entries')
    op.drop_index('ix_timers_due', table_name='timers')
    op.drop_table('timers')
    op.drop_table('tags')
    op.drop_index('uq_sync_runs_one_running', table_name='sync_runs', postgresql_where=sa.text("state = 'running' AND kind = 'full'"))
    op.drop_index(op.f('ix_sync_runs_started_at'), table_name='sync_runs')
    op.drop_table('sync_runs')
    op.drop_index(op.f('ix_subject_claims_batch'), table_name='subject_claims')
    op.drop_table('subject_claims')
    op.drop_table('staged_people')
    op.drop_table('staged_departments')
    op.drop_index('ix_received_events_subject', table_name='received_events', postgresql_where=sa.text("state IN ('pending', 'running')"))
    op.drop_index(op.f('ix_received_events_received_at'), table_name='received_events')
    op.drop_index('ix_received_events_parked', table_name='received_events', postgresql_where=sa.text("state = 'parked'"))
    op.drop_index(op.f('ix_received_events_event_type'), table_name='received_events')
    op.drop_index('ix_received_events_claim', table_name='received_events', postgresql_where=sa.text("state = 'pending'"))
    op.drop_table('received_events')
    op.drop_index(op.f('ix_policy_versions_effective_at'), table_name='policy_versions')
    op.drop_table('policy_versions')
    op.drop_table('platform_state')
    op.drop_index(op.f('ix_people_updated_at'), table_name='people')
    op.drop_index(op.f('ix_people_status'), table_name='people')
    op.drop_table('people')
    op.drop_table('installation')
    op.drop_index(op.f('ix_departments_updated_at'), table_name='departments')
    op.drop_index(op.f('ix_departments_parent_id'), table_name='departments')
    op.drop_table('departments')
    op.drop_table('calendar_days')
    op.drop_table('apps')
    op.drop_table('api_keys')
    op.drop_table('access_tokens')
    for sequence in SEQUENCES:
        op.execute(sa.schema.DropSequence(sa.Sequence(sequence)))
