"""Probes. They read our own database and never call the platform.

`/healthz`: the process answers. `/readyz`: 200 exactly when a callback could be committed; what else is not well
stands under `degraded`, from stored state. `/metrics`: Prometheus.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from time import monotonic

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions
from app.limits.breaker import blocked_now
from app.limits.report import refresh_gauges
from app.observability import INBOX_LAG, get_logger
from app.probes import queries
from app.web.deps import WebServices, services_of

log = get_logger()

router = APIRouter(tags=["operations"])

PROBE_LIMIT = timedelta(seconds=3)
LAG_IS_BAD = timedelta(minutes=1)
GAUGES_LAST_SECONDS = 15.0

PARKED_EVENTS = "个回调多次处理失败，等待人工：steward callbacks list --state parked"
UNKNOWN_CALLS = "个外发调用结果不明，等待人工确认：GET /api/v1/deliveries/calls?state=unknown"
PARKED_TIMERS = "个到期事项多次处理失败后停下：steward jobs list"
HELD_JOBS = "个后台作业多次失败后停下：steward jobs list"


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
        reason = Degraded(what="database", detail=f"数据库不可写：{type(error).__name__}")
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
        await queries.store_probe(session)
        await session.rollback()


async def find_degraded(session: AsyncSession, *, now: datetime) -> list[Degraded]:
    """What is not well, from stored state."""
    rows = await queries.unhealthy(session)
    degraded = [Degraded(what=row.key, detail=row.detail, since=row.since) for row in rows]
    oldest = await queries.oldest_waiting(session)
    INBOX_LAG.set((now - oldest).total_seconds() if oldest else 0)
    if oldest is not None and now - oldest > LAG_IS_BAD:
        degraded.append(Degraded(what="inbox.lag", detail="有回调等待处理超过一分钟", since=oldest))
    if (lost := await queries.open_gap_start(session)) is not None:
        detail = "这段时间可能丢失了回调，正在全量对账：steward callbacks gaps"
        degraded.append(Degraded(what="callbacks.gap", detail=detail, since=lost))
    if (unread := await queries.organisation_unread_since(session)) is not None:
        detail = "最近的通讯录同步没有成功，原因见 steward sync 或 GET /api/v1/sync-runs"
        degraded.append(Degraded(what="org.sync", detail=detail, since=unread))
    for block in await blocked_now(session, now=now):
        until = f"{block.blocked_until:%m-%d %H:%M:%S} UTC"
        detail = f"企业微信暂停了这个接口（{block.errcode}），{until} 后继续：steward quota"
        degraded.append(Degraded(what=f"limit:{block.path}", detail=detail, since=block.first_refused_at))
    for what, detail, count in (
        ("inbox.parked", PARKED_EVENTS, await queries.parked_events(session)),
        ("delivery.unknown", UNKNOWN_CALLS, await queries.unknown_calls(session)),
        ("timers.parked", PARKED_TIMERS, await queries.parked_timers(session)),
        ("jobs.held", HELD_JOBS, await queries.held_jobs(session)),
    ):
        if count:
            degraded.append(Degraded(what=what, detail=f"{count} {detail}"))
    return degraded


def _answer(status: int, readiness: Readiness) -> JSONResponse:
    return JSONResponse(readiness.model_dump(mode="json"), status)
