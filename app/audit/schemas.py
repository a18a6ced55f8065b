"""The audit trail on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class AuditRow(BaseModel):
    id: int
    at: datetime
    actor: str = Field(description="`kind:id`", examples=["person:0199…"])
    recorded_by: str | None = Field(
        description="The API key that acted in the person's name; null when the person acted or details are erased."
    )
    on_behalf_of: str | None = Field(
        description="The person in whose name the API key acted; null when it acted for itself or details are erased."
    )
    action: str = Field(examples=["request.approved"])
    object_kind: str
    object_id: str
    rule_key: str | None
    policy_version_id: UUID | None
    correlation_id: str
    sealed: bool
