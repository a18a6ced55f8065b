"""Every SELECT of the audit trail for lists, by intention. The seal's own stand in `verify.py`."""

from __future__ import annotations

from sqlalchemy import Select, select

from models.audit import AuditEntry


def entries(*, object_kind: str | None, object_id: str | None, correlation_id: str | None) -> Select[AuditEntry]:
    """The trail for a list; the caller orders and pages."""
    statement = select(AuditEntry)
    wanted = {"object_kind": object_kind, "object_id": object_id, "correlation_id": correlation_id}
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(AuditEntry, name) == value)
    return statement
