"""What stands still until a person decides: the service asks for it nowhere else than here and at `/readyz`."""

from __future__ import annotations

from sqlalchemy import ColumnElement, TextClause, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.doctor.context import CheckContext
from app.doctor.findings import Finding, ok, warning
from models.delivery import ARRIVED_CALLS, CallState, OutgoingCall
from models.org import SyncRun, SyncState


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
        says.append(f"{arrived} 个外发调用在人工确认失败之后表明已经生效")
    if unknown or arrived:
        do.append("steward deliveries list；在企业微信里看过之后 steward deliveries resolve")
    return warning("；".join(says), "；".join(do)) if says else ok("没有")


async def _count(session: AsyncSession, which: ColumnElement[bool] | TextClause) -> int:
    return (await session.scalars(select(func.count()).select_from(OutgoingCall).where(which))).one()
