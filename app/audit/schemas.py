"""The audit trail on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from models.audit import AuditEntry


class AuditRow(BaseModel):
    id: int
    at: datetime
    actor: str = Field(description="`kind:id`", examples=["person:0199…"])
    action: str = Field(examples=["request.approved"])
    object_kind: str
    object_id: str
    rule_key: str | None
    policy_version_id: UUID | None
    correlation_id: str
    sealed: bool

    @classmethod
    def of(cls, row: AuditEntry) -> AuditRow:
        actor = f"{row.actor_kind}:{row.actor_id}"
        fields = row.model_dump(include={"id", "at", "action", "object_kind", "object_id", "rule_key"})
        return cls(
            actor=actor,
            policy_version_id=row.policy_version_id,
            correlation_id=row.correlation_id,
            sealed=row.seal is not None,
            **fields,
        )
