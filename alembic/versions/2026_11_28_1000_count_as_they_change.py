"""Count receipts and recipients as they change, so that a page of 100,000 of them reads a few rows.

Revision ID: 0036_counts
Revises: 0031_confirm_by_need

An index that knew the state would make every confirmation rewrite all indexes of its row. A table beside it costs one
row per statement. The statement that counts takes a row which nobody holds, or writes a new one: so no confirmation
waits for another, and there are never more rows than transactions at one time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036_counts"
down_revision = "0031_confirm_by_need"
branch_labels = None
depends_on = None

EVENTS = {
    "INSERT": ("NEW TABLE AS new_rows", "SELECT {columns}, 1 AS one FROM new_rows"),
    "UPDATE": (
        "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "SELECT {columns}, 1 AS one FROM new_rows UNION ALL SELECT {columns}, -1 FROM old_rows",
    ),
    "DELETE": ("OLD TABLE AS old_rows", "SELECT {columns}, -1 AS one FROM old_rows"),
}

COUNT = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    FOR change IN {changes} LOOP
        {add}
        IF NOT FOUND THEN
            {insert}
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""

RECEIPTS = {
    "columns": "announcement_id, due_at, confirmed_at, late, chased_at",
    "changes": """
        SELECT announcement_id, due_at, sum(one) AS people,
            coalesce(sum(one) FILTER (WHERE confirmed_at IS NOT NULL), 0) AS confirmed,
            coalesce(sum(one) FILTER (WHERE late), 0) AS late,
            coalesce(sum(one) FILTER (WHERE chased_at IS NOT NULL), 0) AS chased
        FROM ({rows}) changed GROUP BY announcement_id, due_at
        HAVING sum(one) <> 0 OR sum(one) FILTER (WHERE confirmed_at IS NOT NULL) <> 0
            OR sum(one) FILTER (WHERE late) <> 0 OR sum(one) FILTER (WHERE chased_at IS NOT NULL) <> 0
    """,
    "add": """
        UPDATE receipt_counts SET people = people + change.people, confirmed = confirmed + change.confirmed,
            late = late + change.late, chased = chased + change.chased
        WHERE id = (
            SELECT id FROM receipt_counts
            WHERE announcement_id = change.announcement_id AND due_at IS NOT DISTINCT FROM change.due_at
            LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        );
    """,
    "insert": """
        INSERT INTO receipt_counts (announcement_id, due_at, people, confirmed, late, chased)
        VALUES (change.announcement_id, change.due_at, change.people, change.confirmed, change.late, change.chased);
    """,
}

# What went to a few people is counted where it is read: most messages are to one.
DELIVERIES = {
    "columns": "message_id, state",
    "changes": """
        SELECT message_id, state, sum(one) AS recipients FROM ({rows}) changed GROUP BY message_id, state
        HAVING sum(one) <> 0 AND (SELECT audience FROM messages WHERE id = message_id) >= 1000
    """,
    "add": """
        UPDATE delivery_counts SET recipients = recipients + change.recipients
        WHERE id = (
            SELECT id FROM delivery_counts WHERE message_id = change.message_id AND state = change.state
            LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        );
    """,
    "insert": """
        INSERT INTO delivery_counts (message_id, state, recipients)
        VALUES (change.message_id, change.state, change.recipients);
    """,
}

SO_FAR = (
    """
    INSERT INTO receipt_counts (announcement_id, due_at, people, confirmed, late, chased)
    SELECT announcement_id, due_at, count(*), count(confirmed_at), count(*) FILTER (WHERE late), count(chased_at)
    FROM receipts GROUP BY announcement_id, due_at
    """,
    """
    INSERT INTO delivery_counts (message_id, state, recipients)
    SELECT message_id, state, count(*) FROM deliveries
    WHERE message_id IN (SELECT id FROM messages WHERE audience >= 1000) GROUP BY message_id, state
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "receipt_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("announcement_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("people", "confirmed", "late", "chased")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_counts")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(op.f("ix_receipt_counts_announcement_id"), "receipt_counts", ["announcement_id"])
    op.create_table(
        "delivery_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_counts")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(op.f("ix_delivery_counts_message_id"), "delivery_counts", ["message_id"])
    for table, parts in (("receipts", RECEIPTS), ("deliveries", DELIVERIES)):
        for event, (transition, rows) in EVENTS.items():
            name = f"count_{table}_on_{event.lower()}"
            changes = parts["changes"].format(rows=rows.format(columns=parts["columns"]))
            op.execute(COUNT.format(name=name, changes=changes, add=parts["add"], insert=parts["insert"]))
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {transition} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
    # The triggers are there, and nobody writes these tables until the commit: no change is missed or counted twice.
    for statement in SO_FAR:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("receipts", "deliveries"):
        for event in EVENTS:
            name = f"count_{table}_on_{event.lower()}"
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}")
    op.drop_table("delivery_counts")
    op.drop_table("receipt_counts")
