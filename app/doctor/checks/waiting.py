"""What stands still until a person decides: the service asks for it nowhere else than here and at `/readyz`."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from app.doctor.context import CheckContext
from app.doctor.findings import Finding, ok, warning
from models.org import SyncRun, SyncState


async def for_a_person(context: CheckContext) -> Finding:
    async with context.sessions() as session:
        held = (await session.scalars(select(col(SyncRun.id)).where(col(SyncRun.state) == SyncState.HELD))).first()
    if held is None:
        return ok("没有")
    return warning(
        "一次通讯录同步发现减少的人或部门超出限额，没有应用",
        f"在企业微信后台核对；属实就 steward sync --release {held}，不属实就 steward sync --reject {held}",
    )
