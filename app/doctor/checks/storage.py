"""Our own side: the database, its schema, the queue, the policy, and what the ledger says about licences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from app.database import current_revision, expected_revision
from app.database_url import read_url
from app.doctor.context import CHANNEL_NAMES, CheckContext
from app.doctor.encryption import Line, described
from app.doctor.findings import CONSOLE, Finding, failed, ok, skipped, warning
from app.policy import service as policies
from app.policy.errors import FaultyPolicy
from app.pooler import TRANSACTION_POOLING, Pooling, find_pooling
from app.wecom.tokens.secrets import OtherSecretKey, SecretBox
from models.ids import AppId
from models.inbox import ReceivedEvent
from models.installation import Installation, PlatformState

OLDEST_VERSION: Final = 150_000
"""PostgreSQL 15 (D1)."""
TOLERATED_OFFSET: Final = timedelta(seconds=5)
WAITS_TOO_LONG: Final = timedelta(minutes=2)
LICENCES_OVER: Final = timedelta(days=30)

_SERVER: Final = text(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS shown,"
    " current_setting('server_encoding') AS encoding, clock_timestamp() AS time,"
    " current_setting('transaction_read_only') AS read_only"
)
# Workers are known by the connection on which each hears of new events.
_WORKERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '% inbox' AND datname = current_database()"
)
_QUEUE: Final = text(
    "SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= :now) AS waiting,"
    " min(execute_after) FILTER (WHERE status = 'queued' AND execute_after <= :now) AS oldest,"
    " count(*) FILTER (WHERE status = 'failed') AS held FROM pgqueuer"
)
_EVENTS: Final = text(
    "SELECT min(received_at) FILTER (WHERE state IN ('pending', 'running')) AS oldest,"
    " count(*) FILTER (WHERE state = 'parked') AS parked FROM received_events"
    " WHERE state IN ('pending', 'running', 'parked')"
)
_UNLICENSED: Final = text(
    "SELECT count(DISTINCT person_id) FROM deliveries WHERE state = 'failed' AND reason = 'unlicensed'"
    " AND updated_at > :since"
)


async def database(context: CheckContext) -> Finding:
    if context.engine is None:
        return failed(context.no_database) if context.is_database_needed else skipped(context.no_database)
    try:
        pooling = await find_pooling(context.database_url or "")
        if pooling is Pooling.TRANSACTION:
            return failed(*TRANSACTION_POOLING.removeprefix("STEWARD_DATABASE_URL: ").rsplit("。", 1))
        async with context.engine.connect() as connection:
            row = (await connection.execute(_SERVER)).one()
            line = described(await connection.get_raw_connection(), read_url(context.database_url or ""))
    except (OSError, SQLAlchemyError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        return failed(f"连不上数据库：{reason}", "检查 STEWARD_DATABASE_URL，以及数据库是否在运行、是否允许从这里连接")
    if pooling is Pooling.SESSION:
        line = Line(f"{line.says}；经过连接池（按会话分配）", line.do)
    return _judged(row, line, now=context.clock.now())


def _judged(server: Any, line: Line, *, now: datetime) -> Finding:
    if server.version < OLDEST_VERSION:
        return failed(f"PostgreSQL {server.shown} 太旧", "需要 15 或更高版本")
    if server.encoding != "UTF8":
        do = "新建一个 UTF8 编码的数据库：CREATE DATABASE … ENCODING 'UTF8'"
        return failed(f"数据库的编码是 {server.encoding}", do)
    if server.read_only == "on":
        return failed("数据库是只读的（备库？）", "STEWARD_DATABASE_URL 要指向主库")
    offset = abs(server.time - now)
    if offset > TOLERATED_OFFSET:
        return warning(f"数据库服务器的时钟与本机相差 {round(offset.total_seconds())} 秒", "两边都打开时间同步（NTP）")
    says = f"PostgreSQL {server.shown}，UTF8；{line.says}"
    return warning(says, line.do) if line.do else ok(says)


async def schema(context: CheckContext) -> Finding:
    assert context.engine is not None  # this check needs "database", which fails without it
    current, expected = await current_revision(context.engine), expected_revision()
    if current != expected:
        says = f"数据库结构是 {current or '空'}，程序需要 {expected}"
        if context.settings.database_url is None:
            return warning(f"{says}；内置数据库在服务启动时自动升级")
        return failed(says, "运行 steward migrate")
    async with context.sessions() as session:
        row = (await session.scalars(select(Installation))).one_or_none()
    if row is None:
        return ok(f"结构是最新的（{expected}），还没有启动过")
    if row.corp_id != context.settings.wecom.corp_id:
        return failed(
            f"这个数据库属于企业 {row.corp_id}，配置里是 {context.settings.wecom.corp_id}",
            "换一个数据库，或改正 STEWARD_WECOM_CORP_ID",
        )
    try:
        SecretBox(context.settings.secret_key).decrypt(row.secret_check)
    except OtherSecretKey:
        return failed("STEWARD_SECRET_KEY 与这个数据库的不同", "恢复原来的密钥；或用 steward secret-key rotate 更换")
    return ok(f"结构是最新的（{expected}）")


async def queue(context: CheckContext) -> Finding:
    now = context.clock.now()
    async with context.sessions() as session:
        workers = (await session.execute(_WORKERS)).scalar_one()
        jobs = (await session.execute(_QUEUE, {"now": now})).one()
        events = (await session.execute(_EVENTS)).one()
    waiting = now - min((moment for moment in (jobs.oldest, events.oldest) if moment), default=now)
    late = waiting > WAITS_TOO_LONG
    if late and not workers:
        return failed(f"没有后台处理在运行，最早的已等了 {_told(waiting)}", "启动 steward worker（或 run）")
    if late:
        return warning(
            f"{workers} 个后台处理在运行，但最早的已等了 {_told(waiting)}",
            "看日志，或多起几个 steward worker",
        )
    if jobs.held or events.parked:
        return warning(
            f"停下的后台作业 {jobs.held} 个，停下的回调 {events.parked} 个",
            "steward jobs list；steward callbacks list --state parked",
        )
    if not workers:
        return warning("没有后台处理在运行（还没有启动？）", "启动 steward run，或 steward worker")
    return ok(f"{workers} 个后台处理在运行，没有积压")


async def last_callback(context: CheckContext, app_id: AppId) -> str:
    """When the platform was last heard on this address, as half a sentence; empty when the database does not tell."""
    if context.engine is None:
        return ""
    try:
        async with context.sessions() as session:
            state = await session.get(PlatformState, f"callbacks:{app_id}")
            newest = (
                await session.scalars(
                    select(col(ReceivedEvent.received_at))
                    .where(col(ReceivedEvent.app_id) == app_id)
                    .order_by(col(ReceivedEvent.id).desc())
                    .limit(1)
                )
            ).first()
    except (OSError, SQLAlchemyError):
        return ""
    moments = [moment for moment in (newest, _moment((state.facts if state else None) or {})) if moment]
    if not moments:
        return f"；{CHANNEL_NAMES[app_id]}还没有收到过平台的回调"
    return f"；平台最近一次通过验证的请求在{_told(context.clock.now() - max(moments))}前"


def _moment(facts: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(facts["last_verified_at"]))
    except (KeyError, ValueError):
        return None


async def licences(context: CheckContext) -> Finding:
    async with context.sessions() as session:
        since = context.clock.now() - LICENCES_OVER
        people = (await session.execute(_UNLICENSED, {"since": since})).scalar_one()
    if not people:
        return ok("最近 30 天没有人因为缺少接口许可而收不到消息")
    return warning(
        f"最近 30 天有 {people} 人因为没有接口许可而收不到消息",
        "给他们分配“互通账号”接口许可；名单：steward deliveries list --state failed",
        f"{CONSOLE} → 我的企业 → 接口许可",
    )


async def policy(context: CheckContext) -> Finding:
    path = context.settings.policy_file
    try:
        source = policies.source_of(path)
        policies.parse(source)
    except FaultyPolicy as error:
        return failed(f"制度文件不能用：{error}", f"steward policy check {path}")
    async with context.sessions() as session:
        if (await session.scalars(select(Installation))).one_or_none() is None:
            return ok("制度文件没有问题，首次启动时载入")
        in_force = await policies.in_force(session, now=context.clock.now())
        differs = await policies.warning_about(session, source=source) if path else None
        cautions = await policies.cautions_about(session, in_force.document)
    if cautions:
        told = "；".join(str(caution) for caution in cautions[: policies.MOST_CAUTIONS])
        if len(cautions) > policies.MOST_CAUTIONS:
            told += f"；另有 {len(cautions) - policies.MOST_CAUTIONS} 处"
        return warning(
            f"制度与通讯录不符：{told}",
            "在通讯录中安排人员（标签、职务、部门负责人），或改正制度后 steward policy apply",
        )
    if differs:
        return warning(differs)
    return ok(f"第 {in_force.number} 版生效")


def _told(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    for unit, name in ((86_400, "天"), (3_600, "小时"), (60, "分钟")):
        if seconds >= unit:
            return f" {seconds // unit} {name}"
    return f" {seconds} 秒"
