"""Remember what a run read, so that what has not changed since needs no staging.

Revision ID: 0012_read_people
Revises: 0011_wide_numbers
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_read_people"
down_revision = "0011_wide_numbers"
branch_labels = None
depends_on = None

KEYS = {"people": "id", "person_userids": "person_id", "memberships": "person_id"}
CHANGES = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}

FORGET = """
CREATE FUNCTION forget_read_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The first run of a company, and one that begins after a crash, have nothing to forget.
    IF EXISTS (SELECT FROM read_people) THEN
        DELETE FROM read_people WHERE person_id IN (SELECT {key} FROM changed);
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "read_people",
        sa.Column("userid", sa.String(collation="C"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("userid", name=op.f("pk_read_people")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_read_people_person_id"), "read_people", ["person_id"])
    op.create_table(
        "unchanged_people",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("userid", sa.String(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "userid", name=op.f("pk_unchanged_people")),
    )
    op.add_column(
        "staged_people", sa.Column("digest", sa.LargeBinary(), server_default=sa.text("''"), nullable=False)
    )
    for table, key in KEYS.items():
        op.execute(FORGET.format(table=table, key=key))
        for event, rows in CHANGES.items():
            op.execute(
                f"CREATE TRIGGER forget_read_on_{event.lower()} AFTER {event} ON {table} "
                f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION forget_read_{table}()"
            )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in KEYS:
        for event in CHANGES:
            op.execute(f"DROP TRIGGER forget_read_on_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION forget_read_{table}")
    op.drop_column("staged_people", "digest")
    op.drop_table("unchanged_people")
    op.drop_table("read_people")
