"""What only a person can decide: losses held back, calls nobody knows about, keys that an upgrade let do more or that
act for anybody.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, String, TextClause, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.confirmations import service as confirmations
from app.doctor.context import CheckContext
from app.doctor.findings import Finding, ok, warning
from app.events.service import catalogue
from models.access import ApiKey
from models.audit import AuditDetail, AuditEntry
from models.delivery import ARRIVED_CALLS, CallState, OutgoingCall
from models.org import SyncRun, SyncState

ACTS: Final = {
    "requests:write": "requests:decide",
    "announcements:write": "announcements:confirm",
    "tasks:write": "tasks:act",
}
"""What migration 0013 added to each living key that might write there."""


async def for_a_person(context: CheckContext) -> Finding:
    async with context.sessions() as session:
        held = (await session.scalars(select(col(SyncRun.id)).where(col(SyncRun.state) == SyncState.HELD))).first()
        unknown = await _count(session, col(OutgoingCall.state) == CallState.UNKNOWN)
        arrived = await _count(session, text(ARRIVED_CALLS))
    says, do = [], []
    if held is not None:
        says.append("一次通讯录同步发现减少的人或部门超出限额，没有应用")
        do.append(f"在企业微信后台核对；属实就 steward sync --release {held}，不属实就 steward sync --reject {held}")
    if unknown:
        says.append(f"{unknown} 个外发调用结果不明")
    if arrived:
        says.append(f"{arrived} 个外发调用在人工判为失败或要求重做之后表明已经生效")
    if unknown or arrived:
        do.append("steward deliveries list；在企业微信里看过之后 steward deliveries resolve")
    return warning("；".join(says), "；".join(do)) if says else ok("没有")


async def _count(session: AsyncSession, which: ColumnElement[bool] | TextClause) -> int:
    return (await session.scalars(select(func.count()).select_from(OutgoingCall).where(which))).one()


async def widened_keys(context: CheckContext) -> Finding:
    """API keys that may more than whoever made them has asked for: an upgrade gave them acts in people's names.

    The audit row of a key says with which scopes it was made. Where that is erased, whoever holds both is named.
    """
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


async def second_people(context: CheckContext) -> Finding:
    """Acts that need two people, and for which there are not two: the command line does them meanwhile."""
    async with context.sessions() as session:
        found = await confirmations.unconfirmable(session, now=context.clock.now())
    if not found:
        return ok("需要两人的操作都有人确认")
    told = "；".join(f"{one.title.chinese}（{one.act}，现有 {'、'.join(one.holders) or '无人'}）" for one in found)
    return warning(
        f"制度要求两人的操作，有权限的不足两人：{told}",
        "用 steward access grant 再授予一个人，或者从制度的 access.two_person 里去掉",
    )


KEYS_SHOWN: Final = 20


async def powers_of_keys(context: CheckContext) -> Finding:
    """What each living key may. The bootstrap key is no warning here: the check of the settings says to remove it."""
    async with context.sessions() as session:
        found = await access.powers_of_keys(session, now=context.clock.now())
    if not found:
        return ok("没有启用的密钥")
    told = "；".join(one.sentence for one in found[:KEYS_SHOWN])
    if len(found) > KEYS_SHOWN:
        told += f"；另有 {len(found) - KEYS_SHOWN} 个，见 steward api-key list"
    wide = [one.row for one in found if one.powers.is_wide and one.row.created_by != access.BOOTSTRAP]
    if not wide:
        return ok(told)
    names = "、".join(f"{row.name}（{row.prefix}…）" for row in wide[:KEYS_SHOWN])
    return warning(
        f"{len(wide)} 个密钥可以代任何人办理：{names}。全部密钥：{told}",
        "逐个核对，用 steward api-key act-as 限定：只代一部分人办理的写部门编号，不代人办理的写 nobody",
    )
