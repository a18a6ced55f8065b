"""The chain: each audit row is sealed with the one before it. Pure."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Any

from models.audit import AuditEntry

GENESIS = hashlib.sha256(b"wecom-steward audit chain").digest()


def canonical(value: Any) -> bytes:
    """One spelling of a JSON document, whatever order its keys came in."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def details_digest(salt: bytes, details: dict[str, Any]) -> bytes:
    return hashlib.sha256(salt + canonical(details)).digest()


def seal(previous: bytes, position: int, entry: AuditEntry | Any) -> bytes:
    """The seal of `entry` at `position`, after the row sealed with `previous`. Any row with these columns will do."""
    row = [
        position,
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor_kind,
        entry.actor_id,
        entry.action,
        entry.object_kind,
        entry.object_id,
        str(entry.policy_version_id or ""),
        entry.rule_key or "",
        entry.correlation_id,
        (entry.details_digest or b"").hex(),
    ]
    return hashlib.sha256(previous + canonical(row)).digest()
