"""What every test may ask for: a session that is rolled back, a database of its own, a clock, settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.bootstrap import REGISTRY
from app.database import Sessions, create_engine, create_sessions
from app.settings import Settings
from sandbox.config import Like
from tests import databases
from tests.company import Company, found
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings

LONGEST = (
    "tests/soak/",
    "tests/contract/",
    "tests/bench/",
    "tests/journeys/test_people",
    "tests/journeys/test_long_outage",
    "tests/browser/test_every_page",
)

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin first, so that nobody waits for them alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Unconfigured, structlog draws every logged exception with all local values: a minute for each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@pytest.fixture
def like(request: pytest.FixtureRequest) -> Like | None:
    """How the sandbox answers: as everywhere, unless a test is parametrized by it (see tests/manners.py)."""
    return getattr(request, "param", None)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with databases.server() as url:
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    return databases.ensure_template(server_url)


@pytest.fixture(scope="session")
async def shared_engine(server_url: str, template: str) -> AsyncIterator[AsyncEngine]:
    """One clone per test process, for the tests that roll back."""
    async with databases.clone(server_url, template) as url:
        engine = create_engine(url)
        yield engine
        await engine.dispose()


@pytest.fixture
async def session(shared_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session inside a transaction that is rolled back; code under test may use savepoints."""
    async with databases.rolled_back(shared_engine) as sessions, sessions() as session:
        yield session


@pytest.fixture
async def database(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database of this test's own: what is committed there is committed for real."""
    async with databases.clone(server_url, template) as url:
        yield url


@pytest.fixture
async def sessions(database: str) -> AsyncIterator[Sessions]:
    engine = create_engine(database)
    yield create_sessions(engine, registry=REGISTRY)
    await engine.dispose()


@pytest.fixture
async def company(session: AsyncSession) -> Company:
    """Six people in two departments, and the default policy in force."""
    return await found(session)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings() -> Settings:
    return test_settings()
