"""The public face: what a part is, and the run through all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from app.events.service import DepartureReason
from app.jobs.job import JobContext
from app.observability import get_logger
from models.ids import PersonId

__all__ = ["SAID", "Departure", "DeparturePart", "DepartureReason", "Stage", "carry_out"]

log = get_logger()


@dataclass(frozen=True)
class Departure:
    """Who left, and how."""

    person_id: PersonId
    reason: DepartureReason

    @property
    def said(self) -> str:
        """What people read behind the name."""
        return SAID[self.reason]


SAID = {DepartureReason.LEFT: "已离职", DepartureReason.DISABLED: "账号已停用"}


class Stage(IntEnum):
    """When a part runs. A stage begins when all parts of the one before have ended."""

    SUCCESSION = 1
    """Who follows in an office. Later parts look that person up."""
    WORK = 2
    """What was in the leaver's hands."""
    PLATFORM = 3
    """What calls the platform. An outage must not hold up the other stages."""


@dataclass(frozen=True)
class DeparturePart:
    """One domain's part: `DOMAIN = Domain(…, departure_parts={"tasks": DeparturePart(Stage.WORK, hand_over)})`."""

    stage: Stage
    carry_out: Callable[[JobContext, Departure], Awaitable[None]]
    """Finds nothing to do a second time. Raises to have the whole run repeated."""


async def carry_out(ctx: JobContext, departure: Departure, parts: Mapping[str, DeparturePart]) -> None:
    """Run the parts by stage. The first that raises ends the run; the job is tried again from the start."""
    for name, part in sorted(parts.items(), key=lambda named: named[1].stage):
        await part.carry_out(ctx, departure)
        log.info("departure.part_done", person_id=str(departure.person_id), part=name)
