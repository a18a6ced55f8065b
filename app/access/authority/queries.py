"""Which grants hold."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlmodel import col

from models.access import AccessGrant
from models.ids import PersonId


def living(*, now: datetime, person_id: PersonId | None = None) -> Select[AccessGrant]:
    """Neither taken back nor past their end; everybody's without a person."""
    statement = (
        select(AccessGrant)
        .where(col(AccessGrant.ended_at).is_(None))
        .where(or_(col(AccessGrant.ends_at).is_(None), col(AccessGrant.ends_at) > now))
    )
    return statement if person_id is None else statement.where(col(AccessGrant.person_id) == person_id)
