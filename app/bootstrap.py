"""The composition root: settings in, everything with a lifetime out. Entry points and tests call `build`."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access.domain import DOMAIN as access
from app.access.keys.find_caller import find_caller
from app.access.keys.request_log import RequestLog
from app.account.domain import DOMAIN as account
from app.announcements.domain import DOMAIN as announcements
from app.approvals.domain import DOMAIN as approvals
from app.audit.domain import DOMAIN as audit
from app.calendar.domain import DOMAIN as calendar
from app.cards.domain import DOMAIN as cards
from app.clock import Clock, SystemClock
from app.confirmations.domain import DOMAIN as confirmations
from app.conversation.domain import DOMAIN as conversation
from app.database import Patience, Sessions, async_url, create_engine, create_sessions, create_writer
from app.delivery.domain import DOMAIN as delivery
from app.departures.domain import DOMAIN as departures
from app.digest.domain import DOMAIN as digest
from app.events.domain import DOMAIN as events
from app.findings.domain import DOMAIN as findings
from app.groups.domain import DOMAIN as groups
from app.inbox.domain import DOMAIN as inbox
from app.inbox.processor import InboxProcessor
from app.jobs.domain import DOMAIN as jobs
from app.jobs.job import JobContext
from app.jobs.runner import JobRunner
from app.ladders.domain import DOMAIN as ladders
from app.ledger.domain import DOMAIN as ledger
from app.manifest import Registry, collect
from app.menu.domain import DOMAIN as menu
from app.org.domain import DOMAIN as org
from app.overview.domain import DOMAIN as overview
from app.pages.domain import DOMAIN as pages
from app.policy.domain import DOMAIN as policy
from app.quota.domain import DOMAIN as quota
from app.reconciliation.domain import DOMAIN as reconciliation
from app.roles.domain import DOMAIN as roles
from app.settings import Settings
from app.sync.domain import DOMAIN as sync
from app.tasks.domain import DOMAIN as tasks
from app.timeline.domain import DOMAIN as timeline
from app.today.domain import DOMAIN as today
from app.trace.domain import DOMAIN as trace
from app.web.deps import FindCaller
from app.web.domain import DOMAIN as web
from app.wecom.client import Platform, build_platform
from callbacks.handlers import build_handler
from callbacks.intake import Intake, build_intake

REGISTRY = collect(
    (
        jobs,
        audit,
        web,
        overview,
        trace,
        events,
        inbox,
        quota,
        policy,
        calendar,
        org,
        roles,
        access,
        sync,
        today,
        timeline,
        departures,
        ledger,
        menu,
        delivery,
        cards,
        confirmations,
        ladders,
        account,
        conversation,
        digest,
        approvals,
        findings,
        groups,
        reconciliation,
        tasks,
        announcements,
        pages,
    )
)
"""Every domain, the lower ones first. A new domain is a package and one line here."""


@dataclass(frozen=True)
class Services:
    """Everything the entry points work with. `await aclose()` at the end."""

    settings: Settings
    database_url: str
    engine: AsyncEngine
    writer: AsyncEngine
    """The intake's own connection."""
    sessions: Sessions
    intake_sessions: Sessions
    """On `writer`: what `/readyz` probes."""
    clock: Clock
    platform: Platform
    intake: Intake
    jobs: JobRunner
    inbox: InboxProcessor
    registry: Registry
    request_log: RequestLog
    """What API keys are used for."""

    find_caller: FindCaller = find_caller
    """Who calls the REST API."""

    @property
    def job_context(self) -> JobContext:
        return JobContext(self.sessions, self.clock, self.platform, self.settings)

    async def aclose(self) -> None:
        await self.platform.aclose()
        await self.writer.dispose()
        await self.engine.dispose()


def patience_of(settings: Settings) -> Patience:
    return Patience(
        statement=settings.database_statement_timeout,
        lock=settings.database_lock_timeout,
        idle=settings.database_idle_timeout,
        keepalive=settings.database_keepalive,
    )


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
    patience = patience_of(settings)
    engine = create_engine(async_url(database_url), patience=patience)
    writer = create_writer(async_url(database_url), patience=patience)
    sessions = create_sessions(engine, settings.zone, REGISTRY, settings.public_url)
    intake_sessions = create_sessions(writer)
    platform = build_platform(settings, sessions, clock, transport=platform_transport)
    ctx = JobContext(sessions, clock, platform, settings)
    handler = build_handler(REGISTRY.card_actions, REGISTRY.card_absorbers)
    return Services(
        settings=settings,
        database_url=database_url,
        engine=engine,
        writer=writer,
        sessions=sessions,
        intake_sessions=intake_sessions,
        clock=clock,
        platform=platform,
        intake=build_intake(settings, sessions, clock, writer=intake_sessions),
        jobs=JobRunner(REGISTRY, ctx, database_url, patience=patience),
        inbox=InboxProcessor(sessions, clock, handler, database_url, absorber_for=handler.absorber_for),
        registry=REGISTRY,
        request_log=RequestLog(sessions, clock),
    )
