"""What the ledger gives to the overview: calls that wait, calls that need a person, and how the platform is."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.overview.service import Asked, Figure, Level, Measure, Place, counted_together, found_in
from app.permissions import Permission, Words
from models.delivery import ARRIVED_CALLS, FAILED_CALLS, OPEN_CALLS, CallState, OutgoingCall
from models.installation import PlatformState

_WAITING = Measure(
    "calls.waiting",
    Level.WAITING,
    "等待发出的调用",
    "calls that wait to be made",
    Permission.DELIVERY_READ,
    found_in(Place.CALLS, among="waiting"),
)
_UNKNOWN = Measure(
    "calls.unknown",
    Level.WRONG,
    "结果不明、等待人工核对的调用",
    "calls of unknown outcome that wait for a person",
    Permission.DELIVERY_READ,
    found_in(Place.CALLS, state="unknown"),
)
_ARRIVED = Measure(
    "calls.arrived_after_all",
    Level.WRONG,
    "判为失败后又表明已生效、可能重复的调用",
    "calls that arrived after a person had called them failed",
    Permission.DELIVERY_READ,
    found_in(Place.CALLS, reason="arrived_after_all"),
)
_REFUSED = Measure(
    "calls.refused",
    Level.WRONG,
    "最近一天被企业微信拒绝的调用",
    "calls that WeCom has refused in the last day",
    Permission.DELIVERY_READ,
    found_in(Place.CALLS, among="refused_lately"),
)
_PLATFORM = Measure(
    "platform.unhealthy",
    Level.WRONG,
    "企业微信一侧不正常的项目",
    "what WeCom refuses us as a whole: token, address, rights, clock",
    Permission.SERVICE_READ,
    found_in(Place.PLATFORM),
)

LATELY: Final = timedelta(days=1)


class Among(StrEnum):
    """What the overview counts, and no one state says."""

    WAITING = "waiting"
    REFUSED_LATELY = "refused_lately"


def counted_among(among: Among, *, now: datetime) -> ColumnElement[bool]:
    """The calls that are counted so: the list behind the number."""
    state, reason = col(OutgoingCall.state), col(OutgoingCall.hold_reason)
    if among is Among.WAITING:
        return and_(text(f"outgoing_calls.{OPEN_CALLS}"), state != CallState.UNKNOWN)
    is_late = col(OutgoingCall.finished_at) >= now - LATELY
    return and_(text(f"outgoing_calls.{FAILED_CALLS}"), is_late, reason.like("refused:%"))


async def counted(session: AsyncSession, asked: Asked) -> list[Figure]:
    """Open calls, those that were refused lately, and the stored state of the platform: nobody is called for it."""
    state, began = col(OutgoingCall.state), col(OutgoingCall.created_at)
    is_unknown, is_waiting = state == CallState.UNKNOWN, state != CallState.UNKNOWN
    # Literals, for the partial indexes.
    open_calls = select(
        func.count().filter(is_waiting),
        func.min(began).filter(is_waiting),
        func.count().filter(is_unknown),
        func.min(began).filter(is_unknown),
    ).where(text(f"outgoing_calls.{OPEN_CALLS}"))
    ended = col(OutgoingCall.finished_at)
    arrived = select(func.count(), func.min(ended)).where(text(f"outgoing_calls.{ARRIVED_CALLS}"))
    refused = select(func.count(), func.min(ended)).where(counted_among(Among.REFUSED_LATELY, now=asked.now))
    ill = col(PlatformState.healthy).is_(False)
    told = func.array_agg(col(PlatformState.detail).distinct())
    platform = select(func.count(), func.min(col(PlatformState.since)), told).where(ill)
    row = await counted_together(session, open_calls, arrived, refused, platform)
    return [
        _WAITING.figure(*row[0:2]),
        _UNKNOWN.figure(*row[2:4]),
        _ARRIVED.figure(*row[4:6]),
        _REFUSED.figure(*row[6:8]),
        _PLATFORM.figure(*row[8:10], details=[Words(detail, detail) for detail in row[10] or () if detail]),
    ]
