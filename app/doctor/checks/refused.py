"""Callbacks of the platform that we have turned away: our own question at the address does not show them.

The doctor signs with our settings, and so agrees with a service that has the same ones, swapped or mistyped as they may
be. What the platform holds is told by what it sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from app.doctor.context import CHANNEL_NAMES, CheckContext
from app.doctor.findings import APP_PAGE, SYNC_PAGE, Finding, failed, warning
from models.ids import APP, CONTACTS, AppId
from models.installation import PlatformState
from models.intake import CallbackRefusal

LOOKED_BACK: Final = timedelta(days=1)
SIGNATURES: Final = "bad_signature"

_PAGES: Final = {APP: f"{APP_PAGE} → 接收消息 → 设置API接收", CONTACTS: f"{SYNC_PAGE} → 接收事件服务器"}
_COMPARE: Final = (
    "把这一页的 Token 和 EncodingAESKey 与配置逐个核对（两页不要填反），改后重启；详见 steward callbacks refusals"
)


async def since_last_verified(context: CheckContext, app_id: AppId) -> Finding | None:
    """What was refused after the last callback that was not. None where all is well or nothing is known."""
    if context.engine is None:
        return None
    try:
        async with context.sessions() as session:
            state = await session.get(PlatformState, f"callbacks:{app_id}")
            facts = dict((state.facts if state else None) or {})
            since = max(context.clock.now() - LOOKED_BACK, _moment(facts, "last_verified_at"))
            unsigned = (
                await session.scalars(
                    select(func.sum(col(CallbackRefusal.times))).where(
                        col(CallbackRefusal.channel) == app_id,
                        col(CallbackRefusal.reason) == SIGNATURES,
                        col(CallbackRefusal.last_at) > since,
                    )
                )
            ).one()
    except (OSError, SQLAlchemyError):
        return None
    name = CHANNEL_NAMES[app_id]
    if state is not None and not state.healthy and "last_refused_at" in facts:
        return failed(f"{name}：{state.detail}", _COMPARE, _PAGES[app_id])
    if unsigned:
        says = f"{name}：最近一天有 {unsigned} 次请求的签名不对，之后没有通过验证的"
        says += "；可能是陌生人，也可能是 Token 与管理后台不同"
        return warning(says, _COMPARE, _PAGES[app_id])
    return None


def _moment(facts: dict[str, Any], name: str) -> datetime:
    try:
        return datetime.fromisoformat(str(facts[name]))
    except (KeyError, ValueError):
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00")
