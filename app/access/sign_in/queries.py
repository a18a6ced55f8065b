"""Which sessions of people let them in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import col

from app.access.sign_in.lifetime import Lifetime
from models.access import PersonSession


def living(person_id: UUID, *, lifetime: Lifetime, now: datetime) -> Select[PersonSession]:
    """Of one person: neither ended nor too old by the settings of today."""
    return select(PersonSession).where(
        col(PersonSession.person_id) == person_id,
        col(PersonSession.ended_at).is_(None),
        col(PersonSession.ends_at) > now,
        col(PersonSession.started_at) > now - lifetime.longest,
        col(PersonSession.seen_at) > now - lifetime.idle,
    )
