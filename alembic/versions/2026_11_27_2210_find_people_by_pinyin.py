"""Find people and departments by their pinyin and its initials: spellings, which a worker derives from the names.

Revision ID: 0027_spellings
Revises: 0026_confirmations
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027_spellings"
down_revision = "0026_confirmations"
branch_labels = None
depends_on = None

FOLDED = sa.String(collation="C")
TYPED = ("name", "pinyin", "initials")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, owner, owners, kind in (
        ("person_spellings", "person_id", "people", sa.Uuid()),
        ("department_spellings", "department_id", "departments", sa.BigInteger()),
    ):
        op.create_table(
            table,
            sa.Column(owner, kind, sa.ForeignKey(f"{owners}.id"), primary_key=True, autoincrement=False),
            sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
            sa.Column("place", sa.Integer(), nullable=False),
            *(sa.Column(name, FOLDED, nullable=False) for name in TYPED),
            sa.Column("source", sa.String(), nullable=True),
        )
        for name in TYPED:
            op.create_index(f"ix_{table}_{name}", table, [name])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("department_spellings")
    op.drop_table("person_spellings")
