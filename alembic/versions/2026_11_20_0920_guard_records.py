"""Guard what may never change: audit rows and policy versions (P5, D11).

Revision ID: 0003_guards
Revises: 0002_tables
"""

from __future__ import annotations

from alembic import op

revision = "0003_guards"
down_revision = "0002_tables"
branch_labels = None
depends_on = None

AUDIT = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The sealer fills position, seal and sealed_at once; nothing else of a row ever changes.
    IF TG_OP = 'UPDATE' AND OLD.seal IS NULL
        AND to_jsonb(NEW) - '{position,seal,sealed_at}'::text[] = to_jsonb(OLD) - '{position,seal,sealed_at}'::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_entries is append-only';
END
$$
"""

POLICY = """
CREATE FUNCTION refuse_policy_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a policy version is immutable; apply a new one';
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(AUDIT)
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
    )
    op.execute(POLICY)
    op.execute(
        "CREATE TRIGGER policy_immutable BEFORE UPDATE OR DELETE ON policy_versions "
        "FOR EACH ROW EXECUTE FUNCTION refuse_policy_change()"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER policy_immutable ON policy_versions")
    op.execute("DROP FUNCTION refuse_policy_change")
    op.execute("DROP TRIGGER audit_append_only ON audit_entries")
    op.execute("DROP FUNCTION refuse_audit_change")
