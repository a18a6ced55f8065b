"""The audit trail as REST shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.audit.queries import BothActors
from app.audit.schemas import AuditRow
from models.audit import AuditEntry

_SAME = frozenset({"id", "at", "action", "object_kind", "object_id", "rule_key", "policy_version_id", "correlation_id"})
"""Columns that are called alike on the wire."""


_ALONE = BothActors(None, None)


def entries(rows: Sequence[AuditEntry], both: Mapping[int, BothActors]) -> list[AuditRow]:
    return [
        AuditRow(
            actor=f"{row.actor_kind}:{row.actor_id}",
            **both.get(row.id or 0, _ALONE)._asdict(),
            sealed=row.seal is not None,
            **row.model_dump(include=set(_SAME)),
        )
        for row in rows
    ]
