"""What people are told about their account."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.quotes import quoted

OPERATOR = "服务的运维人员"


def key_named(name: str) -> str:
    return f"接口密钥{quoted(name)}"


def signed_out(by: str, *, at: datetime, places: int, zone: ZoneInfo) -> str:
    """To whom somebody else has signed out everywhere (policy 6.16)."""
    moment = at.astimezone(zone)
    return (
        f"您在企微管家各处的登录（{places} 处）已于 {moment:%m-%d %H:%M} 由{by}结束。"
        "要继续使用，请重新登录。如果这不是您要求的，请告知信息部门。"
    )
