"""Engine, sessions and the only commit of the application.

A request or one step of a job is one transaction (`transaction()`); domain code may `flush`, never commit.
"""

from __future__ import annotations

import sysconfig
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Select, event, text
from sqlalchemy.engine import URL, AdaptedConnection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app import addresses
from app.database_url import DatabaseUrl, read_url
from app.manifest import SESSION_KEY, Registry

Sessions = async_sessionmaker[AsyncSession]

_NOT_NOW: Final = {
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now
    "25006",  # read_only_sql_transaction: a standby, or a server that an operator has closed for writing
    "25P03",  # idle_in_transaction_session_timeout: we stood still
    "55P03",  # lock_not_available: who holds the lock is frozen, or very slow
}
_COLLIDED: Final = ("40001", "40P01")  # serialization_failure, deadlock_detected
_NO_ROOM: Final = ("08", "53")  # connection_exception; insufficient_resources: disk, memory, connections


@dataclass(frozen=True)
class Patience:
    """How long the server lets a connection of ours do what holds up others (settings `DATABASE_…`).

    A process that is frozen inside a transaction (SIGSTOP, a paused container, a machine that swaps) keeps its row
    locks: the server ends its session after `idle`, and whoever waits for the lock goes on. Where the machine
    itself is gone, TCP keep-alive finds it out.
    """

    statement: timedelta = timedelta(minutes=5)
    """The longest statement of a sync of 100,000 people takes seconds."""
    lock: timedelta = timedelta(minutes=2)
    """Longer than `idle`: who waits for a frozen process gets the lock, not an error."""
    idle: timedelta = timedelta(minutes=1)
    """Inside a transaction. We call nobody while one is open (D5): what happens there takes milliseconds. To the server
    a process that was frozen between the parts of a statement is not idle: `end_stopped` finds it.
    """
    keepalive: timedelta = timedelta(minutes=1)
    """Of silence, before the server asks whether the line still stands: three times, ten seconds apart."""

    @property
    def statements(self) -> str:
        """What a new connection says first. No start-up parameters: PgBouncer refuses those that it does not know."""
        settings = {
            "statement_timeout": _milliseconds(self.statement),
            "lock_timeout": _milliseconds(self.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle),
            # Of no effect on the embedded server's socket.
            "tcp_keepalives_idle": max(round(self.keepalive.total_seconds()), 1),
            "tcp_keepalives_interval": 10,
            "tcp_keepalives_count": 3,
        }
        return "".join(f"SET {name} = {value};" for name, value in settings.items())

    def connect_args(self, address: DatabaseUrl) -> dict[str, Any]:
        """For asyncpg. The client gives up a little later than the server: then it is the line that is dead."""
        return {
            "command_timeout": self.statement.total_seconds() + 10,
            **address.connect_args(timezone="UTC"),
        }

    def teach(self, engine: AsyncEngine) -> AsyncEngine:
        """Every connection that the engine makes says the statements first."""

        def say(connection: AdaptedConnection, _record: object) -> None:
            connection.run_async(lambda driver: driver.execute(self.statements))

        event.listen(engine.sync_engine, "connect", say)
        return engine


USUAL: Final = Patience()


def _milliseconds(duration: timedelta) -> int:
    return max(round(duration.total_seconds() * 1000), 1)


def create_engine(
    url: str | URL, *, pool_size: int = 10, max_overflow: int = 10, patience: Patience = USUAL
) -> AsyncEngine:
    """An engine on asyncpg. Statements run in UTC. A connection attempt gives up after 5 s.

    Errors carry no parameters: those are message texts, names and response codes, and errors end in the log (F112).
    """
    address = read_url(url)
    engine = create_async_engine(
        address.place,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=patience.connect_args(address),
    )
    return patience.teach(engine)


def create_writer(url: str | URL, *, patience: Patience = USUAL) -> AsyncEngine:
    """One connection of its own, for whoever writes single statements (`driver_of`) and tries again what fails.

    Requests that keep the pool busy do not hold it up. A statement commits itself, in one round trip instead of six (a
    ping in its own transaction, BEGIN, statement, COMMIT): two statements in a `transaction()` are two commits here.
    """
    address = read_url(url)
    engine = create_async_engine(
        address.place,
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=0,
        pool_recycle=300,  # nobody asks whether it is alive; firewalls forget what is silent for longer
        hide_parameters=True,
        connect_args=patience.connect_args(address),
    )
    return patience.teach(engine)


def create_sessions(
    engine: AsyncEngine,
    zone: ZoneInfo | None = None,
    registry: Registry | None = None,
    public_url: str | None = None,
) -> Sessions:
    """Sessions that know the company's time zone, in which working time is counted, what the domains have registered
    (`registry_of`), and where phones reach our pages (`addresses.link`).

    `expire_on_commit=False`: rows returned by a use case stay readable after the commit.
    """
    info: dict[str, Any] = {}
    if zone is not None:
        info["timezone"] = zone
    if registry is not None:
        info[SESSION_KEY] = registry
    if public_url is not None:
        info[addresses.SESSION_KEY] = public_url
    return async_sessionmaker(engine, expire_on_commit=False, info=info)


AT_ONCE: Final = 5_000
"""Rows that a process handles in one piece, some ten milliseconds of a processor: in between it answers others."""

T = TypeVar("T")


def in_parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """`AT_ONCE` of them at a time."""
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


async def read_in_parts(session: AsyncSession, statement: Select[Any]) -> list[Any]:
    """The first column of each row, for an answer of any length."""
    found: list[Any] = []
    answer = await session.stream_scalars(statement, execution_options={"yield_per": AT_ONCE})
    async for part in answer.partitions():
        found += part
    return found


async def portions_of(
    session: AsyncSession, statement: Select[tuple[T]] | Select[T], *, at_once: int = 500
) -> AsyncIterator[Sequence[T]]:
    """The first column of each row, a portion at a time, for whoever writes out a list of any length. Other statements
    may run in between: the server keeps the place.
    """
    answer = await session.stream_scalars(statement, execution_options={"yield_per": at_once})
    async for part in answer.partitions():
        yield part


@asynccontextmanager
async def driver_of(sessions: Sessions) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the pool as its driver has it. A statement on it commits itself, at half the price of one in a
    session; what it raises is the driver's. After any error the connection is thrown away.
    """
    engine: AsyncEngine = sessions.kw["bind"]
    async with engine.connect() as connection:
        try:
            yield (await connection.get_raw_connection()).driver_connection
        except BaseException:
            await connection.invalidate()
            raise


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Commit on success, roll back on any error. Nothing else in the application ends a transaction."""
    async with sessions() as session, session.begin():
        yield session


_STOPPED = text("""
    SELECT application_name, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
      AND state = 'active' AND wait_event = 'ClientRead' AND query !~* '^[[:space:]]*copy'
      AND state_change < clock_timestamp() - make_interval(secs => :idle)
""")


async def end_stopped(session: AsyncSession, *, idle: timedelta) -> list[str]:
    """End the sessions of processes that were frozen after they had sent the first part of a statement (its text), and
    never the second (its values). The server waits for that without end, and they keep their row locks: it is not idle,
    and a statement's time-out does not strike while it reads. Returns whose sessions they were.
    """
    rows = await session.execute(_STOPPED, {"idle": idle.total_seconds()})
    return [str(row.application_name) for row in rows]


def is_passing(error: BaseException) -> bool:
    """The same may succeed in a moment: the database is away, or another transaction was in the way."""
    collided = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _COLLIDED
    return collided or is_away(error)


def is_away(error: BaseException) -> bool:
    """The database could not be asked, or cannot store now: refused, reset, starting, ending, full, read only, or a
    frozen process keeps a lock. This says nothing about the work itself.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_for_now(error.orig)
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, OSError | asyncpg.InterfaceError) or _is_for_now(error)


def has_refused(error: BaseException) -> bool:
    """The database has answered that it cannot store now. A file or connection of something else says nothing of it."""
    return is_away(error) and not isinstance(error, OSError)


def _is_for_now(error: BaseException | None) -> bool:
    state = str(getattr(error, "sqlstate", None) or "")
    return state.startswith(_NO_ROOM) or state in _NOT_NOW


def _migrations() -> Path:
    """Beside the packages in a checkout, in the environment's `share` where a wheel was installed.

    Looked for by our own file: beside an installed package there is the library of the same name.
    """
    checkout = Path(__file__).parent.parent / "alembic"
    if (checkout / "env.py").is_file():
        return checkout
    return Path(sysconfig.get_path("data")) / "share" / "wecom-steward" / "alembic"


MIGRATIONS = _migrations()


class SchemaMismatch(Exception):
    """The database's schema is not the one this version was written for."""


def async_url(url: str) -> str:
    """The same database, with the name of our driver. `create_engine` gives the parameters their meaning."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def migration_config(url: str) -> Config:
    config = Config(MIGRATIONS.parent / "alembic.ini")
    config.set_main_option("script_location", str(MIGRATIONS))
    # Not a main option: those interpolate `%`, which passwords contain.
    config.attributes["url"] = async_url(url)
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to `revision`. Blocks, and starts an event loop of its own: call it outside of one."""
    config = migration_config(url)
    down = revision == "base" or revision.startswith("-")
    (command.downgrade if down else command.upgrade)(config, revision)


def expected_revision() -> str:
    """The head of our migrations. Two heads are an error (D8)."""
    head = ScriptDirectory.from_config(migration_config("postgresql://")).get_current_head()
    if head is None:
        raise SchemaMismatch("there are no migrations")
    return head


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision the database is at; None for an empty one."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def check_schema(engine: AsyncEngine) -> None:
    """Raise `SchemaMismatch`, naming the command to run, unless the database is at our head."""
    current, expected = await current_revision(engine), expected_revision()
    if current != expected:
        raise SchemaMismatch(
            f"数据库结构版本为 {current or '空'}，程序需要 {expected}：请先运行 `steward migrate` "
            "(the schema does not match this version; run `steward migrate`)"
        )
