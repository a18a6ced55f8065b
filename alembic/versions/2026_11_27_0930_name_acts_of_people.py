"""Give keys that may write the scopes for acts in people's names, which writing included until now.

Revision ID: 0013_people_scopes
Revises: 0012_read_people
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_people_scopes"
down_revision = "0012_read_people"
branch_labels = None
depends_on = None

ACTS = {
    "requests:write": "requests:decide",
    "announcements:write": "announcements:confirm",
    "tasks:write": "tasks:act",
}

GRANT = sa.text(
    "UPDATE api_keys SET scopes = array_append(scopes, :act)"
    " WHERE ended_at IS NULL AND :write = ANY (scopes) AND NOT :act = ANY (scopes)"
)
WITHDRAW = sa.text("UPDATE api_keys SET scopes = array_remove(scopes, :act)")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for write, act in ACTS.items():
        op.execute(GRANT.bindparams(sa.bindparam("act", act, sa.String), sa.bindparam("write", write, sa.String)))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for act in ACTS.values():
        op.execute(WITHDRAW.bindparams(sa.bindparam("act", act, sa.String)))
