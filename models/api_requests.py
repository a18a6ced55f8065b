"""What API keys were used for (F193): kept for some days, without bodies and queries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table
from models.columns import moment, optional_ref, ref, serial_key


class ApiRequest(Table, table=True):
    """One request of a key, as it was answered."""

    __tablename__ = "api_requests"
    __table_args__ = (
        Index("ix_api_requests_key", "api_key_id", "id"),
        Index("ix_api_requests_at", "at", postgresql_using="brin"),
    )

    id: int | None = serial_key()
    api_key_id: UUID = ref("api_keys.id", index=False)
    at: datetime = moment()
    method: str
    route: str
    """The template, `/api/v1/groups/{group_id}`: never the address, which may name people."""
    status: int
    person_id: UUID | None = optional_ref("people.id", index=False)
    """In whose name."""
    correlation_id: str
    milliseconds: int = Field(default=0)
