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
    SightOf,
    counted_together,
    found_in,
    whole_company,
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
    "SightOf",
    "counted_together",
    "found_in",
    "overview",
    "whole_company",
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


async def overview(session: AsyncSession, *, now: datetime, sight_of: SightOf = whole_company) -> Overview:
    """One statement for each domain, however much there is. `sight_of` is the reader's: they get the figures of what
    they may see (D21).
    """
    asked = Asked(now, sight_of)
    figures: list[Figure] = []
    for count in registry_of(session).overview:
        figures += [figure for figure in await count(session, asked) if asked.sees(figure.measure)]
    return Overview(now, figures)
