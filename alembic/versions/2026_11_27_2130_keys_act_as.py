"""Say of each key in whose name it may act. Keys that exist may go on acting for anybody.

Revision ID: 0023_keys_act_as
Revises: 0022_people_sign_in
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023_keys_act_as"
down_revision = "0022_people_sign_in"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The release before names neither: what it adds meanwhile acts for nobody, as new keys do.
    op.add_column("api_keys", sa.Column("act_as", sa.String(), nullable=False, server_default="nobody"))
    op.add_column(
        "api_keys",
        sa.Column(
            "act_as_departments", postgresql.ARRAY(sa.BigInteger()), nullable=False, server_default=sa.text("'{}'")
        ),
    )
    op.execute("UPDATE api_keys SET act_as = 'anybody'")
    op.create_check_constraint(op.f("ck_api_keys_act_as"), "api_keys", "act_as IN ('nobody', 'departments', 'anybody')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The release before knows no such limit: there each key acts for anybody again.
    op.drop_constraint(op.f("ck_api_keys_act_as"), "api_keys")
    op.drop_column("api_keys", "act_as_departments")
    op.drop_column("api_keys", "act_as")
