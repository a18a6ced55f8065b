"""The audit trail as REST shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.audit.schemas import AuditRow
from models.audit import AuditEntry

_SAME = frozenset({"id", "at", "action", "object_kind", "object_id", "rule_key", "policy_version_id", "correlation_id"})
"""Columns that are called alike on the wire."""


def entries(rows: Sequence[AuditEntry], recorded_by: Mapping[int, str]) -> list[AuditRow]:
    return [
        AuditRow(
            actor=f"{row.actor_kind}:{row.actor_id}",
            recorded_by=recorded_by.get(row.id or 0),
            sealed=row.seal is not None,
            **row.model_dump(include=set(_SAME)),
        )
        for row in rows
    ]
