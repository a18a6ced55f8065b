"""Figures as REST shows them."""

from __future__ import annotations

from dataclasses import asdict

from app.overview.figure import Figure
from app.overview.schemas import AgesOut, FigureOut, OverviewOut
from app.overview.service import Overview


def overview(found: Overview) -> OverviewOut:
    return OverviewOut(at=found.at, well=found.is_well, figures=[_figure(one) for one in found.figures])


def _figure(one: Figure) -> FigureOut:
    return FigureOut(
        name=one.measure.name,
        count=one.count,
        level=one.measure.level,
        title=one.measure.chinese,
        title_en=one.measure.english,
        since=one.since,
        ages=AgesOut(**asdict(one.ages)) if one.ages else None,
        details=[words.chinese for words in one.details],
        details_en=[words.english for words in one.details],
        place=one.measure.link.to,
        filters=dict(one.measure.link.filters),
    )
