"""The examination for a page of the console: bounded as a whole, because somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.bootstrap import Services
from app.doctor.context import CheckContext, open_context
from app.doctor.examination import CHECKS, Check, examine
from app.doctor.findings import Finding, skipped

LONGEST_SECONDS: Final = 40.0
"""The database ends a transaction that stands still for a minute, and that of the page does so meanwhile."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One check as the console shows it."""

    title: str
    state: str
    says: str
    do: str
    page: str


def examination_of(services: Services) -> Callable[[], Coroutine[Any, Any, Sequence[Examined]]]:
    """What the console calls when somebody has everything examined; one examination at a time."""
    lock = asyncio.Lock()

    async def examine_all() -> Sequence[Examined]:
        async with (
            lock,
            open_context(services.settings, services.database_url, clock=services.clock) as context,
        ):
            return [_shown(check, finding) for check, finding in await within(context, LONGEST_SECONDS)]

    return examine_all


async def within(context: CheckContext, seconds: float) -> list[tuple[Check, Finding]]:
    """Every check. Those for which the time was not enough say so."""
    found: list[tuple[Check, Finding]] = []
    try:
        async with asyncio.timeout(seconds):
            async for pair in examine(context):
                found.append(pair)  # noqa: PERF401 -- what was found stays when the time is over
    except TimeoutError:
        late = skipped("时间不够，没有检查：请在服务器上运行 steward doctor")
        found += [(check, late) for check in CHECKS[len(found) :]]
    return found


def _shown(check: Check, finding: Finding) -> Examined:
    return Examined(check.title, finding.state.value, finding.says, finding.do, finding.page)
