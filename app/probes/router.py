"""Probes. They read our own database and never call the platform.

`/healthz`: the process answers. `/readyz`: 200 exactly when a callback could be committed; what else is not well
stands under `degraded`, from stored state. `/metrics`: Prometheus.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.database import Sessions
from app.limits.breaker import blocked_now
from app.limits.report import refresh_gauges
from app.observability import INBOX_LAG, get_logger
from app.web.deps import WebServices, services_of
from models.delivery import CallState, OutgoingCall
from models.inbox import EventState, ReceivedEvent
from models.installation import PlatformState
from models.intake import CallbackGap
from models.policy import Timer

log = get_logger()

router = APIRouter(tags=["operations"])

PROBE_LIMIT = timedelta(seconds=3)
LAG_IS_BAD = timedelta(minutes=1)
GAUGES_LAST_SECONDS = 15.0

# Writes what an intake would write, and takes it back: a full disk or a read-only server is found here.
_PROBE = text(
    "INSERT INTO received_events (app_id, dedup_key, event_type, subject, actor_userid, occurred_at, received_at,"
    " body_digest, repeats, state, attempts, correlation_id)"
    " VALUES ('probe', decode(md5(random()::text), 'hex'), 'probe', 'probe', '', now(), now(), '', 0, 'done', 0, '')"
)


class Degraded(BaseModel):
    what: str = Field(examples=["token:app"])
    detail: str
    since: datetime | None = None


class Readiness(BaseModel):
    ready: bool
    degraded: list[Degraded]


@router.get("/healthz", response_class=Response)
async def healthz() -> Response:
    """The process is alive."""
    return Response("ok", media_type="text/plain")


@router.get("/readyz", responses={503: {"model": Readiness, "description": "A callback could not be committed now"}})
async def readyz(request: Request) -> JSONResponse:
    """200 exactly when a callback could be committed now; `degraded` lists what else is not well."""
    services = services_of(request)
    try:
        async with asyncio.timeout(PROBE_LIMIT.total_seconds()):
            await probe_commit(services.sessions)
            async with services.sessions() as session:
                degraded = await find_degraded(session, now=services.clock.now())
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        reason = Degraded(what="database", detail=f"数据库不可写: {type(error).__name__}")
        return _answer(503, Readiness(ready=False, degraded=[reason]))
    return _answer(200, Readiness(ready=True, degraded=degraded))


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus metrics of this process; those about limits are read from the database, at most every 15 s."""
    await LIMIT_GAUGES.refresh(services_of(request))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class LimitGauges:
    """The database is asked in passing: a scrape neither fails nor waits for it."""

    def __init__(self) -> None:
        self._read_at: float | None = None

    async def refresh(self, services: WebServices) -> None:
        if self._read_at is not None and monotonic() - self._read_at < GAUGES_LAST_SECONDS:
            return
        self._read_at = monotonic()
        try:
            async with asyncio.timeout(PROBE_LIMIT.total_seconds()), services.sessions() as session:
                await refresh_gauges(session, now=services.clock.now())
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("metrics.limits_not_read", error=type(error).__name__)


LIMIT_GAUGES = LimitGauges()


async def probe_commit(sessions: Sessions) -> None:
    """Raise unless an event could be written now. Leaves nothing behind."""
    async with sessions() as session:
        await session.execute(_PROBE)
        await session.rollback()


async def find_degraded(session: AsyncSession, *, now: datetime) -> list[Degraded]:
    """What is not well, from stored state."""
    rows = await session.scalars(select(PlatformState).where(col(PlatformState.healthy).is_(False)))
    degraded = [Degraded(what=row.key, detail=row.detail, since=row.since) for row in rows]
    oldest = await _oldest_waiting(session)
    INBOX_LAG.set((now - oldest).total_seconds() if oldest else 0)
    if oldest is not None and now - oldest > LAG_IS_BAD:
        degraded.append(Degraded(what="inbox.lag", detail="有回调等待处理超过一分钟", since=oldest))
    if (lost := await _open_gap(session)) is not None:
        detail = "这段时间可能丢失了回调，正在全量对账：steward callbacks gaps"
        degraded.append(Degraded(what="callbacks.gap", detail=detail, since=lost))
    for block in await blocked_now(session, now=now):
        until = f"{block.blocked_until:%m-%d %H:%M:%S} UTC"
        detail = f"企业微信暂停了这个接口（{block.errcode}），{until} 后继续：steward quota"
        degraded.append(Degraded(what=f"limit:{block.path}", detail=detail, since=block.first_refused_at))
    counts: list[tuple[str, str, Any]] = [
        ("inbox.parked", "个回调多次处理失败，等待人工：steward callbacks list --state parked", _parked()),
        (
            "delivery.unknown",
            "个外发调用结果不明，等待人工确认：GET /api/v1/deliveries/calls?state=unknown",
            _unknown(),
        ),
        ("timers.parked", "个到期事项多次处理失败后停下：steward jobs list", _parked_timers()),
        ("jobs.held", "个后台作业多次失败后停下：steward jobs list", _held()),
    ]
    for what, detail, statement in counts:
        count = (await session.execute(statement)).scalar_one()
        if count:
            degraded.append(Degraded(what=what, detail=f"{count} {detail}"))
    return degraded


async def _open_gap(session: AsyncSession) -> datetime | None:
    statement = select(func.min(col(CallbackGap.started_at))).where(col(CallbackGap.closed_at).is_(None))
    return (await session.scalars(statement)).one()


async def _oldest_waiting(session: AsyncSession) -> datetime | None:
    waiting = col(ReceivedEvent.state).in_([EventState.PENDING, EventState.RUNNING])
    statement = select(func.min(col(ReceivedEvent.received_at))).where(waiting)
    return (await session.scalars(statement)).one()


def _parked() -> Any:
    return select(func.count()).select_from(ReceivedEvent).where(col(ReceivedEvent.state) == EventState.PARKED)


def _parked_timers() -> Any:
    return select(func.count()).select_from(Timer).where(col(Timer.parked_at).is_not(None))


def _unknown() -> Any:
    return select(func.count()).select_from(OutgoingCall).where(col(OutgoingCall.state) == CallState.UNKNOWN)


def _held() -> Any:
    return text("SELECT count(*) FROM pgqueuer WHERE status = 'failed'")


def _answer(status: int, readiness: Readiness) -> JSONResponse:
    return JSONResponse(readiness.model_dump(mode="json"), status)
