"""Find what a person had before as quickly as what they have, and forget an index that nothing reads.

Revision ID: 0029_speed_of_pages
Revises: 0035_morning_digests
"""

from __future__ import annotations

from alembic import op

revision = "0029_speed_of_pages"
down_revision = "0035_morning_digests"
branch_labels = None
depends_on = None


PERSON = "CREATE INDEX {name} ON {table} (person_id)"
NOW = " WHERE ended_at IS NULL"
ALL = (("person_userids", "ix_person_userids_person"), ("memberships", "ix_memberships_person"))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, name in ALL:
        op.execute(PERSON.format(name=name, table=table))
    op.execute(PERSON.format(name="ix_group_members_person_ever", table="group_members"))
    # Last, and quick: from here on nobody reads these tables until the commit.
    op.execute("DROP INDEX ix_person_userids_current_person")
    op.execute("DROP INDEX ix_group_members_person")
    op.execute("ALTER INDEX ix_group_members_person_ever RENAME TO ix_group_members_person")
    op.execute("DROP INDEX ix_submitted_forms_created_at")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_submitted_forms_created_at ON submitted_forms (created_at)")
    op.execute("DROP INDEX ix_group_members_person")
    op.execute(PERSON.format(name="ix_group_members_person", table="group_members") + NOW)
    op.execute(PERSON.format(name="ix_person_userids_current_person", table="person_userids") + NOW)
    for _, name in ALL:
        op.execute(f"DROP INDEX {name}")
