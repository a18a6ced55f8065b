"""The working calendar on the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.web.schemas import Input


class DayOut(BaseModel):
    day: date
    is_working: bool
    note: str = Field(examples=["国庆节"])
    source: str = Field(
        description="`library`; `provisional`: the year's holidays are not published yet, Monday to Friday is "
        "assumed; `company`: set by a person."
    )


class CalendarOut(BaseModel):
    items: list[DayOut]


class DayIn(Input):
    is_working: bool
    note: Annotated[str, StringConstraints(max_length=100)] = ""
