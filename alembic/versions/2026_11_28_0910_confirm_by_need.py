"""Who may answer an act of two people is asked by what it needs, and no more by who once got a card.

Revision ID: 0031_confirm_by_need
Revises: 0029_speed_of_pages
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031_confirm_by_need"
down_revision = "0029_speed_of_pages"
branch_labels = None
depends_on = None

_PERMISSIONS = {
    "policy.activate": "policy.change",
    "announcement.everyone": "announcement.publish",
    "key.create": "key.change",
    "key.change": "key.change",
    "key.end": "key.change",
    "sync.release": "sync.release",
}
"""Of the acts that may be stored."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, kind in (("needed", sa.String()), ("not_by", sa.Uuid())):
        column = sa.Column(name, postgresql.ARRAY(kind), nullable=False, server_default="{}")
        op.add_column("confirmations", column)
    for act, permission in _PERMISSIONS.items():
        statement = sa.text("UPDATE confirmations SET needed = ARRAY[:permission] WHERE act = :act")
        op.execute(statement.bindparams(permission=permission, act=act))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("confirmations", "not_by")
    op.drop_column("confirmations", "needed")
