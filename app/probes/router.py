"""Probes. They read our own database and never call the platform.

`/healthz`: the process answers. `/readyz`: 200 exactly when a callback could be committed; what else is not well
stands under `degraded`, from stored state. `/metrics`: Prometheus.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import asyncpg
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.limits.breaker import TROUBLE, blocked_now
from app.observability import FAILED_NOW
from app.probes import queries
from app.probes.gauges import StoredGauges, show_pool, show_readiness
from app.web.deps import WebServices, services_of
from app.wecom.codes import CODES

router = APIRouter(tags=["operations"])

DATABASE_ERRORS = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
PROBE_LIMIT = timedelta(seconds=3)
LAG_IS_BAD = timedelta(minutes=1)

PARKED_EVENTS = "个回调多次处理失败，等待人工：steward callbacks list --state parked"
UNKNOWN_CALLS = "个外发调用结果不明，等待人工确认：steward deliveries list"
ARRIVED_CALLS = "个外发调用在人工判为失败或要求重做之后表明已经生效，等待核对是否重复：steward deliveries list"
FAILED_DELIVERIES = "条投递在最近一天内被企业微信拒绝：steward deliveries retry（先预览）"
FAILED_CALLS = "次群操作在最近一天内被企业微信拒绝：GET /api/v1/deliveries/calls?state=failed"
HELD_SYNC = "通讯录同步发现减少的人或部门超出限额，没有应用，等待人工放行或拒绝：steward sync"
RETURNED = "个账号在其人离职后又出现，等待确认是不是同一个人：steward people returned"
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
    found = await find_readiness(services_of(request))
    return JSONResponse(found.model_dump(mode="json"), 200 if found.ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus metrics of this process; what is stored is read from the database, at most every 15 s."""
    services = services_of(request)
    if STORED_GAUGES.is_due():
        await STORED_GAUGES.refresh(services)
        await find_readiness(services)
    show_pool(services.engine)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


STORED_GAUGES = StoredGauges()


async def find_readiness(services: WebServices) -> Readiness:
    """Whether a callback could be committed now, and what else is not well; the metrics show the same from then on."""
    try:
        async with asyncio.timeout(PROBE_LIMIT.total_seconds()):
            await probe_commit(services.intake_sessions)
        found = Readiness(ready=True, degraded=await _degraded(services))
    except DATABASE_ERRORS as error:
        reason = Degraded(what="database", detail=f"数据库不可写：{_name_of(error)}")
        found = Readiness(ready=False, degraded=[reason])
    show_readiness([each.what for each in found.degraded], ready=found.ready)
    return found


async def _degraded(services: WebServices) -> list[Degraded]:
    """Callbacks can be stored: that nobody gets another connection is one more thing that is not well."""
    try:
        async with asyncio.timeout(PROBE_LIMIT.total_seconds()), services.sessions() as session:
            return await find_degraded(session, now=services.clock.now())
    except DATABASE_ERRORS as error:
        return [Degraded(what="database.pool", detail=f"回调能保存，其他查询得不到数据库连接：{_name_of(error)}")]


def _name_of(error: Exception) -> str:
    """The driver's name of an error says more than that of the layer above it."""
    original = getattr(error, "orig", None) or error
    return type(original.__cause__ or original).__name__


async def probe_commit(sessions: Sessions) -> None:
    """Raise unless an event could be committed now, on the connection of those that store them. Leaves nothing behind.

    A connection that has died since it was last used is replaced once, as the intake does it.
    """
    try:
        await _store(sessions)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        await _store(sessions)


async def _store(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await queries.store_probe(session)


async def find_degraded(session: AsyncSession, *, now: datetime) -> list[Degraded]:
    """What is not well, from stored state."""
    rows = await queries.unhealthy(session)
    degraded = [Degraded(what=row.key, detail=row.detail, since=row.since) for row in rows]
    oldest = await queries.oldest_waiting(session)
    if oldest is not None and now - oldest > LAG_IS_BAD:
        degraded.append(Degraded(what="inbox.lag", detail="有回调等待处理超过一分钟", since=oldest))
    if (lost := await queries.open_gap_start(session)) is not None:
        detail = "这段时间可能丢失了回调，正在全量对账：steward callbacks gaps"
        degraded.append(Degraded(what="callbacks.gap", detail=detail, since=lost))
    if (unread := await queries.organisation_unread_since(session)) is not None:
        detail = "最近的通讯录同步没有成功，原因见 steward sync 或 GET /api/v1/sync-runs"
        degraded.append(Degraded(what="org.sync", detail=detail, since=unread))
    if (held := await queries.sync_held_since(session)) is not None:
        degraded.append(Degraded(what="org.sync_held", detail=HELD_SYNC, since=held))
    for block in await blocked_now(session, now=now):
        until = f"{block.blocked_until:%m-%d %H:%M:%S} UTC"
        detail = f"企业微信暂停了这个接口（{block.errcode}），{until} 后继续：steward quota"
        if block.window == TROUBLE:
            detail = f"{_trouble(block.errcode)}外发在排队，没有丢失，{until} 再试"
        degraded.append(Degraded(what=f"limit:{block.path}", detail=detail, since=block.first_refused_at))
    failed_people = await queries.failed_deliveries(session, now=now)
    failed_calls = await queries.failed_calls(session, now=now)
    FAILED_NOW.labels(what="deliveries").set(failed_people)
    FAILED_NOW.labels(what="calls").set(failed_calls)
    for what, detail, count in (
        ("inbox.parked", PARKED_EVENTS, await queries.parked_events(session)),
        ("delivery.unknown", UNKNOWN_CALLS, await queries.unknown_calls(session)),
        ("calls.arrived_after_all", ARRIVED_CALLS, await queries.arrived_calls(session)),
        ("delivery.failed", FAILED_DELIVERIES, failed_people),
        ("calls.failed", FAILED_CALLS, failed_calls),
        ("org.returned", RETURNED, await queries.returned_userids(session)),
        ("timers.parked", PARKED_TIMERS, await queries.parked_timers(session)),
        ("jobs.held", HELD_JOBS, await queries.held_jobs(session)),
    ):
        if count:
            degraded.append(Degraded(what=what, detail=f"{count} {detail}"))
    return degraded


def _trouble(errcode: int) -> str:
    entry = CODES.get(errcode)
    return f"{entry.meaning_zh}（{errcode}）。{entry.cure_zh}" if entry else "连不上企业微信，请检查网络和代理。"
