"""The `steward` command as an operator runs it: a process of its own, and an environment of what is given alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cli import forks
from tests.databases import dsn, named
from tests.fakes.environment import sandbox_environment

LONGEST = 60


@dataclass
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass
class Steward:
    """`await steward("callbacks", "list")` runs it in an empty folder."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def __call__(self, *arguments: str, **changes: str) -> Ran:
        code, out, err = await forks.run(
            arguments, folder=self.folder, environment=self._environment(changes), seconds=LONGEST
        )
        return Ran(code, out.decode(), err.decode())

    def _environment(self, changes: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": os.environ["PATH"]} | self.environment | dict(changes)

    async def start(self, *arguments: str, **changes: str) -> asyncio.subprocess.Process:
        return await self.spawn([], arguments, changes)

    async def spawn(
        self,
        before: Sequence[str],
        arguments: Sequence[str],
        changes: Mapping[str, str],
        stdout: int = asyncio.subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        """`before` is the program that starts it, for one that limits it."""
        return await asyncio.create_subprocess_exec(
            *before,
            sys.executable,
            "-m",
            "app.cli",
            *arguments,
            cwd=self.folder,
            env=self._environment(changes),
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )


@pytest.fixture
def bare(tmp_path: Path) -> Steward:
    """Nothing is configured."""
    return Steward(tmp_path)


@pytest.fixture
def steward(tmp_path: Path, database: str) -> Steward:
    """Everything is configured, on a migrated database of the test's own."""
    return Steward(tmp_path, sandbox_environment() | {"STEWARD_DATABASE_URL": database})


@pytest.fixture
async def unmigrated(server_url: str, tmp_path: Path) -> AsyncIterator[Steward]:
    """Everything is configured, on a database in which there is nothing."""
    name = f"unmigrated_{os.getpid()}"
    connection = await asyncpg.connect(dsn(server_url))
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.execute(f'CREATE DATABASE "{name}"')
    yield Steward(tmp_path, sandbox_environment() | {"STEWARD_DATABASE_URL": named(server_url, name)})
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()
