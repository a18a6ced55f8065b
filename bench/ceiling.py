"""The ceiling of the intake: the service as it is, except that a callback counts as stored the moment it is verified.

`python -m bench.ceiling`, with the settings of a service in its environment. Everything up to the database is the
service's own code: HTTP, signature, time window, decryption, XML, subject, answer.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from uvicorn.loops.auto import auto_loop_factory

from app.bootstrap import Services
from app.cli.server import http_server
from app.cli.session import database, read_settings, services
from callbacks.group_commit import Stored


class AtOnce:
    """In the place of `GroupCommit`: nothing is written, and nobody waits."""

    def start(self) -> None:
        """There is nothing to start."""

    def drain(self) -> None:
        """Nobody is held."""

    async def stop(self) -> None:
        """There is nothing to write."""

    async def store(self, _arrival: Any, _hung_up: Any = None) -> Stored:
        return Stored.NEW


def without_writing(built: Services) -> Services:
    intake: Any = built.intake
    intake._commit = AtOnce()  # noqa: SLF001 -- the one difference between the two processes
    return built


async def _serve(url: str) -> None:
    async with services(read_settings(), url) as built:
        gc.freeze()  # as the service does
        await http_server(without_writing(built)).serve()


if __name__ == "__main__":
    with database(read_settings()) as url, asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_serve(url))
