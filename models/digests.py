"""The digests that people get in the morning."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field

from models.base import Table
from models.columns import moment, optional_moment


class MorningDigest(Table, table=True):
    """The digest of one day, and how far it has come (policy 3.6)."""

    __tablename__ = "morning_digests"

    day: date = Field(primary_key=True)
    """Where the company is."""
    began_at: datetime = moment()
    up_to: UUID | None = Field(default=None)
    """The person who was looked at last: people come in the order of their ids."""
    people: int = Field(default=0)
    """How many were written to."""
    ended_at: datetime | None = optional_moment()
