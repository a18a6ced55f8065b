"""Store the platform's numbers with 64 bits.

Departments such as 2315041299 and 4294967295 exist. Each table is rewritten once, behind a lock that waits five
seconds at most: a few seconds for a hundred thousand people, and about as long for a hundred thousand calls.

The way back refuses while a number is stored that 32 bits do not hold: nothing is lost for it.

Revision ID: 0011_wide_numbers
Revises: 0010_subjects
"""

from __future__ import annotations

from alembic import op

revision = "0011_wide_numbers"
down_revision = "0010_subjects"
branch_labels = None
depends_on = None

NUMBERS = {
    "apps": ["agent_id"],
    "departments": ["id", "parent_id"],
    "groups": ["department_id"],
    "limit_blocks": ["errcode"],
    "memberships": ["department_id"],
    "outgoing_calls": ["errcode"],
    "people": ["main_department_id"],
    "staged_departments": ["id", "parent_id"],
    "staged_people": ["status", "main_department_id"],
    "tags": ["id"],
}
LISTS = {"staged_people": ["department_ids"], "tags": ["department_ids"]}


def upgrade() -> None:
    _alter("bigint")


def downgrade() -> None:
    _alter("integer")


def _alter(kind: str) -> None:
    """One statement for each table: each rewrites it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in NUMBERS.items():
        changes = [f"ALTER COLUMN {column} TYPE {kind}" for column in columns]
        changes += [f"ALTER COLUMN {column} TYPE {kind}[]" for column in LISTS.get(table, [])]
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
