"""The overview on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from app.overview.figure import Level, Place


class AgesOut(BaseModel):
    under_a_day: int
    under_three_days: int
    under_a_week: int
    older: int


class FigureOut(BaseModel):
    name: str = Field(
        description="Once over all domains; later releases add more",
        examples=["requests.pending"],
    )
    count: int
    level: Level = Field(description="What it means where it is above zero")
    title: str = Field(description="What is counted", examples=["等待审批的申请"])
    title_en: str = Field(examples=["requests that wait for a decision"])
    since: datetime | None = Field(
        description="When the oldest of them began; of late things, when the first deadline passed"
    )
    ages: AgesOut | None = Field(description="How many have been there for how long, where that matters")
    details: list[str] = Field(description="What stands beside the number")
    details_en: list[str] = Field(description="The same; a stored sentence is in the company's language here too")
    place: Place = Field(description="Where they are listed")
    filters: dict[str, str] = Field(description="The filter of that list")


class OverviewOut(BaseModel):
    at: datetime
    well: bool = Field(description="Nothing is late and nothing is wrong")
    figures: list[FigureOut]
