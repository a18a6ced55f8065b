"""The overview, for pages and REST: `from app.overview import service as overviews`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.manifest import registry_of
from app.overview.figure import (
    Ages,
    Asked,
    CountFigures,
    Figure,
    Level,
    Link,
    Measure,
    Place,
    counted_together,
    found_in,
)

__all__ = [
    "Ages",
    "Asked",
    "CountFigures",
    "Figure",
    "Level",
    "Link",
    "Measure",
    "Overview",
    "Place",
    "counted_together",
    "found_in",
    "overview",
]


@dataclass(frozen=True)
class Overview:
    """Everything that the domains count, in the order of their list."""

    at: datetime
    figures: Sequence[Figure]

    def of(self, level: Level) -> list[Figure]:
        return [figure for figure in self.figures if figure.measure.level is level]

    @property
    def is_well(self) -> bool:
        """Nothing is late, nothing is wrong."""
        return not any(figure.count for figure in self.figures if figure.measure.level is not Level.WAITING)


async def overview(session: AsyncSession, *, now: datetime) -> Overview:
    """One statement for each domain, however much there is."""
    asked = Asked(now)
    figures: list[Figure] = []
    for count in registry_of(session).overview:
        figures += await count(session, asked)
    return Overview(now, figures)
