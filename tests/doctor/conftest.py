"""A sandbox and a service, each on a port of its own, and the doctor between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.bootstrap import Services, build
from app.clock import Clock, SystemClock
from app.doctor.context import open_context
from app.doctor.examination import LONGEST_SECONDS, examine
from app.doctor.findings import Finding, State
from app.installation import prepare
from app.main import create_app
from app.settings import Settings, load_settings
from sandbox.config import SandboxConfig
from tests.cli.conftest import Steward
from tests.fakes.environment import sandbox_environment
from tests.platform import Sandbox, free_port, open_sandbox, served


@dataclass
class Ward:
    """`await ward.examine()` → the finding of every check. Settings are given by their names without `STEWARD_`."""

    environment: dict[str, str]
    database_url: str
    sandbox: Sandbox

    def settings(self, **changes: str) -> Settings:
        return load_settings(self.environment | {f"STEWARD_{name}": value for name, value in changes.items()})

    async def examine(
        self,
        changes: dict[str, str] | None = None,
        *,
        clock: Clock | None = None,
        longest: float = LONGEST_SECONDS,
        env_file: Path | None = None,
        **more: str,
    ) -> dict[str, Finding]:
        settings = self.settings(**(changes or {}), **more)
        assert settings.database_url is not None
        url = settings.database_url.get_secret_value()
        async with open_context(settings, url, clock=clock or SystemClock(), env_file=env_file) as context:
            return {check.name: finding async for check, finding in examine(context, longest=longest)}

    @asynccontextmanager
    async def serving(self, **changes: str) -> AsyncIterator[Services]:
        """The service, with these settings, where its listening address says."""
        settings = self.settings(**changes)
        built = build(settings, self.database_url)
        await prepare(built)
        try:
            async with served(create_app(built), settings.listen_address[1]):
                yield built
        finally:
            await built.aclose()


@pytest.fixture
async def ward(database: str) -> AsyncIterator[Ward]:
    config = SandboxConfig(people=30)
    port = free_port()
    environment = sandbox_environment(config) | {
        "STEWARD_DATABASE_URL": database,
        "STEWARD_WECOM_API_BASE": f"http://127.0.0.1:{port}/cgi-bin",
        "STEWARD_LISTEN": f"127.0.0.1:{free_port()}",
    }
    async with open_sandbox(config) as sandbox, served(sandbox.program, port):
        yield Ward(environment, database, sandbox)


def bad(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if finding.state is State.FAILED}


@pytest.fixture
def bare(tmp_path: Path) -> Steward:
    """Nothing is configured."""
    return Steward(tmp_path)
