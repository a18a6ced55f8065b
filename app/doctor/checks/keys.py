"""API keys that may more than whoever made them has asked for: an upgrade gave them the acts in people's names."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import String, cast, select
from sqlmodel import col

from app.doctor.context import CheckContext
from app.doctor.findings import Finding, ok, warning
from app.events.service import catalogue
from models.access import ApiKey
from models.audit import AuditDetail, AuditEntry

ACTS: Final = {
    "requests:write": "requests:decide",
    "announcements:write": "announcements:confirm",
    "tasks:write": "tasks:act",
}
"""What migration 0013 added to each living key that might write there."""


async def widened(context: CheckContext) -> Finding:
    """The audit row of a key says with which scopes it was made. Where that is erased, whoever holds both is named."""
    made = (
        select(col(ApiKey.name), col(ApiKey.prefix), col(ApiKey.scopes), col(AuditDetail.details))
        .join(
            AuditEntry,
            (col(AuditEntry.object_id) == cast(col(ApiKey.id), String))
            & (col(AuditEntry.action) == catalogue.ApiKeyCreated.type),
        )
        .outerjoin(AuditDetail, col(AuditDetail.entry_id) == col(AuditEntry.id))
        .where(col(ApiKey.ended_at).is_(None))
        .order_by(col(ApiKey.created_at))
    )
    async with context.sessions() as session:
        rows = (await session.execute(made)).all()
    found = [(name, prefix, added) for name, prefix, scopes, details in rows if (added := _added(scopes, details))]
    if not found:
        return ok("没有权限被升级放宽的密钥")
    told = "；".join(f"{name}（{prefix}…）：{'、'.join(added)}" for name, prefix, added in found)
    return warning(
        f"升级给 {len(found)} 个密钥加了以个人名义办理的权限：{told}",
        "不需要这些权限的，用 steward api-key create 建权限较少的密钥，换上后 steward api-key end 停用旧的",
    )


def _added(scopes: list[str], details: dict[str, Any] | None) -> list[str]:
    asked = (details or {}).get("scopes")
    if asked is None:
        return [act for write, act in ACTS.items() if write in scopes and act in scopes]
    return [act for act in ACTS.values() if act in scopes and act not in asked]
