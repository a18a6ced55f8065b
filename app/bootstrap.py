"""The composition root: settings in, everything with a lifetime out. Entry points and tests call `build`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import httpx
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.announcements import jobs as announcement_jobs
from app.approvals import jobs as approval_jobs
from app.approvals.kinds import Kinds
from app.audit import jobs as audit_jobs
from app.audit.actor import SYSTEM
from app.clock import Clock, SystemClock
from app.database import Sessions, async_url, create_engine, create_sessions, create_writer, transaction
from app.delivery import jobs as delivery_jobs
from app.delivery.service import CardAbsorb, CardAction, register_outcomes
from app.events import domain as events
from app.groups import jobs as group_jobs
from app.groups.kinds import KINDS
from app.inbox import jobs as inbox_jobs
from app.inbox.processor import InboxProcessor
from app.jobs.registry import JobContext, Registry, merge
from app.jobs.runner import JOBS_OF_THE_QUEUE, SCHEDULE_OF_THE_QUEUE, JobRunner
from app.manifest import collect
from app.observability import get_logger
from app.org import jobs as org_jobs
from app.policy import days as policy_days
from app.policy import jobs as policy_jobs
from app.policy import service as policies
from app.settings import Settings
from app.tasks import jobs as task_jobs
from app.web import jobs as web_jobs
from app.web.keys import install_bootstrap_key
from app.wecom.client import Platform, build_platform
from app.wecom.secrets import OtherSecretKey, SecretBox
from callbacks.handlers import build_handler
from callbacks.intake import Intake, build_intake
from models.ids import APP, CONTACTS
from models.installation import AccessToken, App, Installation

log = get_logger()

KNOWN_TEXT = "wecom-steward"
PREPARE_LOCK = 0x57A7
"""Advisory lock: one process at a time prepares a database."""


class WrongCorp(Exception):
    """The database belongs to another corp, or its secrets were encrypted under another key (D17)."""


class SecretKeyInUse(Exception):
    """Other processes are running: they would go on writing under the old key."""


@dataclass(frozen=True)
class Services:
    """Everything the entry points work with. `await aclose()` at the end."""

    settings: Settings
    database_url: str
    engine: AsyncEngine
    writer: AsyncEngine
    """The intake's own connection."""
    sessions: Sessions
    clock: Clock
    platform: Platform
    kinds: Kinds
    intake: Intake
    jobs: JobRunner
    inbox: InboxProcessor
    registry: Registry

    @property
    def job_context(self) -> JobContext:
        return JobContext(self.sessions, self.clock, self.platform, self.settings)

    async def aclose(self) -> None:
        await self.platform.aclose()
        await self.writer.dispose()
        await self.engine.dispose()


def build(
    settings: Settings,
    database_url: str,
    *,
    clock: Clock | None = None,
    platform_transport: httpx.AsyncBaseTransport | None = None,
) -> Services:
    """Construct the service on a database. Connects to nothing yet: `prepare` does, once.

    `platform_transport` replaces the network to the platform (tests: the sandbox over ASGI).
    """
    clock = clock or SystemClock()
    engine, writer = create_engine(async_url(database_url)), create_writer(async_url(database_url))
    sessions = create_sessions(engine, settings.zone, collect([events.DOMAIN]))
    platform = build_platform(settings, sessions, clock, transport=platform_transport)
    ctx = JobContext(sessions, clock, platform, settings)
    registry = build_registry()
    for outcomes in (group_jobs.OUTCOMES, announcement_jobs.OUTCOMES, task_jobs.OUTCOMES):
        register_outcomes(outcomes)
    handler = build_handler(build_card_actions(), build_card_absorbers())
    return Services(
        settings=settings,
        database_url=database_url,
        engine=engine,
        writer=writer,
        sessions=sessions,
        clock=clock,
        platform=platform,
        kinds=KINDS,
        intake=build_intake(settings, sessions, clock, writer=create_sessions(writer)),
        jobs=JobRunner(registry, ctx, database_url),
        inbox=InboxProcessor(sessions, clock, handler, database_url, absorber_for=handler.absorber_for),
        registry=registry,
    )


def build_registry() -> Registry:
    """Every job, timer and recurring job of every domain. A name registered twice fails here."""
    registry = Registry()
    registry.add(jobs=JOBS_OF_THE_QUEUE, schedule=SCHEDULE_OF_THE_QUEUE)
    registry.add(jobs=audit_jobs.JOBS, schedule=audit_jobs.SCHEDULE)
    registry.add(jobs=web_jobs.JOBS, schedule=web_jobs.SCHEDULE)
    registry.add(jobs=events.DOMAIN.jobs, schedule=events.DOMAIN.schedule)
    registry.add(jobs=inbox_jobs.JOBS, schedule=inbox_jobs.SCHEDULE)
    registry.add(jobs=policy_jobs.JOBS, schedule=policy_jobs.SCHEDULE)
    registry.add(jobs=org_jobs.JOBS, timers=org_jobs.TIMERS)
    registry.add(jobs=delivery_jobs.JOBS, timers=delivery_jobs.TIMERS, schedule=delivery_jobs.SCHEDULE)
    registry.add(timers=approval_jobs.timers(KINDS))
    registry.add(jobs=group_jobs.JOBS, timers=group_jobs.TIMERS)
    registry.add(jobs=announcement_jobs.JOBS, timers=announcement_jobs.TIMERS)
    registry.add(jobs=task_jobs.JOBS, timers=task_jobs.TIMERS)
    return registry


def build_card_actions() -> dict[str, CardAction]:
    """What a button does: the part of its key before the colon → the domain's function."""
    actions: dict[str, CardAction] = {}
    merge(actions, approval_jobs.card_actions(KINDS))
    merge(actions, announcement_jobs.CARD_ACTIONS)
    merge(actions, task_jobs.CARD_ACTIONS)
    return actions


def build_card_absorbers() -> dict[str, CardAbsorb]:
    """Buttons that thousands press in the same minutes: the set-based form of their action."""
    return dict(announcement_jobs.CARD_ABSORBERS)


async def prepare(services: Services) -> None:
    """What must be true before the first request: this corp's database, a policy, the schedule. Safe to repeat.

    Raises `WrongCorp` when the database belongs to another corp or another SECRET_KEY.
    """
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        # `serve` and `worker` start together on an empty database: the second finds what the first has made.
        await session.execute(select(func.pg_advisory_xact_lock(PREPARE_LOCK)))
        await _claim_installation(session, services.settings, now)
        await _register_apps(session, services.settings, now)
        key = services.settings.bootstrap_api_key
        await install_bootstrap_key(session, key=key.get_secret_value() if key else None, now=now)
    source = policies.source_of(services.settings.policy_file)
    async with transaction(services.sessions) as session:
        await policies.ensure_first_version(session, source=source, now=now, actor=SYSTEM)
        warning = await policies.warning_about(session, source=source)
        await policy_days.fill_calendar(session, now=now)
    if warning and services.settings.policy_file is not None:
        log.warning("policy.file_differs", detail=warning)


async def _claim_installation(session: AsyncSession, settings: Settings, now: datetime) -> None:
    box = SecretBox(settings.secret_key)
    row = (await session.scalars(select(Installation).with_for_update(key_share=True))).one_or_none()
    if row is None:
        check = box.encrypt(KNOWN_TEXT)
        session.add(Installation(corp_id=settings.wecom.corp_id, secret_check=check, created_at=now))
        return
    if row.corp_id != settings.wecom.corp_id:
        raise WrongCorp(
            f"这个数据库属于企业 {row.corp_id}，配置里的企业是 {settings.wecom.corp_id}:"
            "请换一个数据库，或改正 STEWARD_WECOM_CORP_ID (the database belongs to another corp)"
        )
    try:
        box.decrypt(row.secret_check)
    except OtherSecretKey as error:
        raise WrongCorp(str(error)) from None


async def _register_apps(session: AsyncSession, settings: Settings, now: datetime) -> None:
    for app_id, name, agent in ((APP, "自建应用", settings.wecom.agent_id), (CONTACTS, "通讯录同步", None)):
        row = await session.get(App, app_id)
        if row is None:
            session.add(App(id=app_id, name=name, agent_id=agent, created_at=now))
        else:
            row.agent_id = agent


async def adopt_secret_key(session: AsyncSession, settings: Settings) -> None:
    """Go on under the configured SECRET_KEY. What the old one sealed are access tokens: they are fetched anew.

    Raises `WrongCorp` on another corp's database, `SecretKeyInUse` while workers run.
    """
    row = (await session.scalars(select(Installation).with_for_update(key_share=True))).one_or_none()
    if row is None:
        return
    if row.corp_id != settings.wecom.corp_id:
        raise WrongCorp(f"这个数据库属于企业 {row.corp_id} (the database belongs to another corp)")
    if (await session.execute(_WORKERS)).scalar_one():
        raise SecretKeyInUse("还有进程在运行：先停下所有 run、serve 和 worker (stop every process first)")
    row.secret_check = SecretBox(settings.secret_key).encrypt(KNOWN_TEXT)
    await session.execute(update(AccessToken).values(token=None, expires_at=None))


# Each worker hears of new events on a connection of this name.
_WORKERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'steward inbox' AND datname = current_database()"
)
