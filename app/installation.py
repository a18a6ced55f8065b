"""The installation: one corp per database, its apps, its first policy version, the key of its secrets (D17)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service as access
from app.audit.actor import SYSTEM
from app.bootstrap import Services
from app.calendar import service as calendars
from app.database import transaction
from app.observability import CLOCK_OFFSET, get_logger
from app.policy import service as policies
from app.settings import Settings
from app.wecom.tokens.secrets import OtherSecretKey, SecretBox
from models.ids import APP, CONTACTS
from models.installation import AccessToken, App, Installation

log = get_logger()

KNOWN_TEXT = "wecom-steward"

APP_NAME = "企微管家"
"""What the app is called until the first sync has read its name."""
_FORMER_APP_NAME = "自建应用"

CLOCK_MAY_DIFFER = timedelta(minutes=1)

PREPARE_LOCK = 0x57A7
"""Advisory lock: one process at a time prepares a database."""


class WrongCorp(Exception):
    """The database belongs to another corp, or its secrets were encrypted under another key (D17)."""


class SecretKeyInUse(Exception):
    """Other processes are running: they would go on writing under the old key."""


async def prepare(services: Services) -> None:
    """What must be true before the first request: this corp's database, a policy, the schedule. Safe to repeat.

    Raises `WrongCorp` when the database belongs to another corp or another SECRET_KEY.
    """
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        # `serve` and `worker` start together on an empty database: the second finds what the first has made.
        await session.execute(select(func.pg_advisory_xact_lock(PREPARE_LOCK)))
        await _compare_clocks(session, now)
        await _claim_installation(session, services.settings, now)
        await _register_apps(session, services.settings, now)
        key = services.settings.bootstrap_api_key
        await access.install_bootstrap_key(session, key=key.get_secret_value() if key else None, now=now)
    source = policies.source_of(services.settings.policy_file)
    async with transaction(services.sessions) as session:
        await policies.ensure_first_version(session, source=source, now=now, actor=SYSTEM)
        warning = await policies.warning_about(session, source=source)
        await calendars.fill_calendar(session, now=now)
    if warning and services.settings.policy_file is not None:
        log.warning("policy.file_differs", detail=warning)


async def _compare_clocks(session: AsyncSession, now: datetime) -> None:
    """Deadlines, leases and the window for callbacks rest on our clock: say at start that it is off."""
    theirs: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    CLOCK_OFFSET.labels(against="database").set((theirs - now).total_seconds())
    if abs(theirs - now) > CLOCK_MAY_DIFFER:
        detail = "本机时间与数据库相差超过一分钟，请校准时间（NTP）(our clock and the database's differ: set the time)"
        log.warning("clock.differs", detail=detail, ours=now.isoformat(), database=theirs.isoformat())


async def _claim_installation(session: AsyncSession, settings: Settings, now: datetime) -> None:
    box = SecretBox(settings.secret_key)
    row = (await session.scalars(select(Installation).with_for_update(key_share=True))).one_or_none()
    if row is None:
        check = box.encrypt(KNOWN_TEXT)
        session.add(Installation(corp_id=settings.wecom.corp_id, secret_check=check, created_at=now))
        return
    if row.corp_id != settings.wecom.corp_id:
        raise WrongCorp(
            f"这个数据库属于企业 {row.corp_id}，配置里的企业是 {settings.wecom.corp_id}："
            "请换一个数据库，或改正 STEWARD_WECOM_CORP_ID (the database belongs to another corp)"
        )
    try:
        box.decrypt(row.secret_check)
    except OtherSecretKey as error:
        raise WrongCorp(str(error)) from None


async def _register_apps(session: AsyncSession, settings: Settings, now: datetime) -> None:
    for app_id, name, agent in ((APP, APP_NAME, settings.wecom.agent_id), (CONTACTS, "通讯录同步", None)):
        row = await session.get(App, app_id)
        if row is None:
            session.add(App(id=app_id, name=name, agent_id=agent, created_at=now))
        else:
            row.agent_id = agent
            if row.name == _FORMER_APP_NAME:  # written before the name was shown to anybody
                row.name = APP_NAME


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
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '% inbox' AND datname = current_database()"
)
